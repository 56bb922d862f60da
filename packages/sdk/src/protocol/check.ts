/**
 * What a value has to be, as data: the zod schemas, compiled by `scripts/write-tables.ts`, so that an app need not load
 * zod. A plain object is an object with these fields (others are left out), a RegExp a string that it matches.
 */
export type Table =
  | 'string'
  | 'number'
  | 'boolean'
  | 'unknown'
  | RegExp
  | { readonly [field: string]: Table }
  | readonly ['optional' | 'nullable' | 'array', Table]
  | readonly ['record', key: Table, value: Table]
  /** A string of no more than so many characters. */
  | readonly ['short', limit: number]
  /** Both bounds belong to it. */
  | readonly ['number' | 'integer', minimum: number, maximum?: number]
  | readonly ['oneOf', ...values: (string | number | boolean | null)[]]
  /** The first that fits. Of values without places in them only, so that a misfit has no place but its own. */
  | readonly ['anyOf', tables: readonly Table[]]
  /** The word in this field says which. */
  | readonly ['by', field: string, tables: { readonly [word: string]: Table }]
  | readonly ['where', Table, (value: never) => boolean]
  | readonly ['as', Table, (value: never) => unknown]

type Path = PropertyKey[]
type Fields = { [key: PropertyKey]: unknown }

const misfit = Symbol()

/** The value, as a client works with it, or the path to the first place that is not what it should be. */
export function check(
  table: Table,
  value: unknown,
): { ok: true; value: unknown } | { ok: false; path: Path } {
  const path: Path = []
  const result = fit(table, value, path)
  return result === misfit ? { ok: false, path } : { ok: true, value: result }
}

/** After a misfit, `path` is the way to it. */
function fit(table: Table, value: unknown, path: Path): unknown {
  if (table === 'unknown') return value
  if (table === 'number') return Number.isFinite(value) ? value : misfit
  if (typeof table === 'string') return given(typeof value === table, value)
  if (table instanceof RegExp) return given(typeof value === 'string' && table.test(value), value)
  if (!isList(table)) return fitFields(table, value, path)
  switch (table[0]) {
    case 'optional':
      return value === undefined ? value : fit(table[1], value, path)
    case 'nullable':
      return value === null ? value : fit(table[1], value, path)
    case 'short':
      return given(typeof value === 'string' && isShort(value, table[1]), value)
    case 'number':
    case 'integer': {
      const [kind, minimum, maximum = Infinity] = table
      const whole = kind === 'number' || Number.isSafeInteger(value)
      return given(
        whole && Number.isFinite(value) && (value as number) >= minimum && (value as number) <= maximum,
        value,
      )
    }
    case 'oneOf':
      return given((table.slice(1) as unknown[]).includes(value), value)
    case 'anyOf':
      for (const option of table[1]) if (fit(option, value, path) !== misfit) return value
      return misfit
    case 'array':
      return fitItems(table[1], value, path)
    case 'record':
      return fitRecord(table[1], table[2], value, path)
    case 'by': {
      const [, field, tables] = table
      if (!isObject(value)) return misfit
      const word = value[field]
      if (typeof word === 'string' && Object.hasOwn(tables, word))
        return fit(tables[word] as Table, value, path)
      path.push(field)
      return misfit
    }
    case 'where': {
      const result = fit(table[1], value, path)
      return result === misfit || table[2](result as never) ? result : misfit
    }
    case 'as': {
      const result = fit(table[1], value, path)
      return result === misfit ? misfit : table[2](result as never)
    }
  }
}

function fitFields(fields: { readonly [field: string]: Table }, value: unknown, path: Path): unknown {
  if (!isObject(value)) return misfit
  const result: Fields = {}
  for (const [key, table] of Object.entries(fields)) {
    if (!(key in value)) {
      if (isList(table) && table[0] === 'optional') continue
      path.push(key)
      return misfit
    }
    if (!fitInto(result, key, table, value[key], path)) return misfit
  }
  return result
}

function fitItems(table: Table, value: unknown, path: Path): unknown {
  if (!Array.isArray(value)) return misfit
  const result: unknown[] = []
  for (let i = 0; i < value.length; i++) if (!fitInto(result, i, table, value[i], path)) return misfit
  return result
}

function fitRecord(keyTable: Table, table: Table, value: unknown, path: Path): unknown {
  if (!isObject(value) || !isPlain(value)) return misfit
  const result: Fields = {}
  for (const key of Reflect.ownKeys(value)) {
    // Written to a plain object, it would become the prototype.
    if (key === '__proto__' || !Object.prototype.propertyIsEnumerable.call(value, key)) continue
    if (fit(keyTable, key, path) === misfit) {
      path.push(key)
      return misfit
    }
    if (!fitInto(result, key, table, value[key], path)) return misfit
  }
  return result
}

function fitInto(result: unknown, key: PropertyKey, table: Table, value: unknown, path: Path): boolean {
  path.push(key)
  const fitting = fit(table, value, path)
  if (fitting === misfit) return false
  path.pop()
  ;(result as Fields)[key] = fitting
  return true
}

function given(fits: boolean, value: unknown): unknown {
  return fits ? value : misfit
}

/** Characters, not UTF-16 units; of these a character has two at most. */
function isShort(text: string, limit: number): boolean {
  return text.length <= limit || (text.length <= 2 * limit && [...text].length <= limit)
}

function isList(table: Table): table is Extract<Table, readonly unknown[]> {
  return Array.isArray(table)
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** No instance of a class: of whatever realm, but Object's own. */
function isPlain(value: Fields): boolean {
  const maker = value.constructor
  return typeof maker !== 'function' || Object.hasOwn(Object(maker.prototype), 'isPrototypeOf')
}
