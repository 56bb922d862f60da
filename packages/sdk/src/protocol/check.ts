/**
 * What a value has to be, as data: the zod schemas, compiled by `scripts/write-tables.ts`, so that an app need not load
 * zod. A plain object is an object with these fields (others are left out), a RegExp a string that it matches.
 */
export type Table =
  | 'string'
  | 'number'
  | 'boolean'
  | 'unknown'
  /** What nothing is. */
  | 'never'
  | RegExp
  | FieldTables
  /** It, or null. */
  | readonly [Table]
  | readonly ['optional' | 'array', Table]
  | readonly ['record', key: Table, value: Table]
  /** Both bounds belong to it. */
  | readonly ['number' | 'integer', minimum: number, maximum?: number]
  | readonly ['oneOf', ...values: (string | number | boolean | null)[]]
  /** The first that fits. Of values without places in them only, so that a misfit has no place but its own. */
  | readonly ['anyOf', tables: readonly Table[]]
  /** An object with these fields, then this one, whose word says which others it has. */
  | readonly ['by', field: string, common: FieldTables, more: { readonly [word: string]: FieldTables }]
  /** And what the function makes of it; undefined where it does not fit. */
  | readonly ['as', Table, (value: never) => unknown]

type FieldTables = { readonly [field: string]: Table }
type Path = PropertyKey[]
type Fields = { [key: PropertyKey]: unknown }

/** Thrown where something does not fit; the path is then the way to it. */
const misfit = Symbol()

/** The value as a client works with it, or the way to the first place that is not what it should be (`job.seq`). */
export function check(
  table: Table,
  value: unknown,
): { ok: true; value: unknown } | { ok: false; where: string } {
  const path: Path = []
  try {
    return { ok: true, value: fit(table, value, path) }
  } catch (thrown) {
    if (thrown !== misfit) throw thrown
    return { ok: false, where: path.map(String).join('.') }
  }
}

function fit(table: Table, value: unknown, path: Path): unknown {
  if (!isList(table)) {
    if (typeof table === 'object' && !(table instanceof RegExp)) return fitFields(table, value, path)
  } else if (isNullable(table)) return value === null ? value : fit(table[0], value, path)
  else
    switch (table[0]) {
      case 'optional':
        return value === undefined ? value : fit(table[1], value, path)
      case 'array': {
        must(Array.isArray(value))
        const result: unknown[] = []
        for (let i = 0; i < value.length; i++) put(result, i, table[1], value[i], path)
        return result
      }
      case 'record':
        return fitRecord(table[1], table[2], value, path)
      case 'by': {
        const [, field, common, more] = table
        must(isObject(value))
        const word = value[field]
        const own = typeof word === 'string' && Object.hasOwn(more, word) && more[word]
        return fitFields(own ? { ...common, [field]: 'string', ...own } : { [field]: 'never' }, value, path)
      }
      case 'as': {
        const made = table[2](fit(table[1], value, path) as never)
        must(made !== undefined)
        return made
      }
    }
  must(is(table, value))
  return value
}

/** Whether a value without places in it fits. */
function is(table: Table, value: unknown): boolean {
  if (table === 'unknown') return true
  if (table === 'number') return Number.isFinite(value)
  if (typeof table === 'string') return typeof value === table
  if (table instanceof RegExp) return typeof value === 'string' && table.test(value)
  switch (isList(table) && table[0]) {
    case 'oneOf':
      return (table as readonly unknown[]).includes(value, 1)
    case 'anyOf':
      return (table as readonly ['anyOf', readonly Table[]])[1].some((option) => is(option, value))
    default: {
      const [kind, minimum, maximum = Infinity] = table as readonly [string, number, number?]
      const whole = kind === 'number' || Number.isSafeInteger(value)
      return whole && Number.isFinite(value) && (value as number) >= minimum && (value as number) <= maximum
    }
  }
}

function fitFields(fields: FieldTables, value: unknown, path: Path): Fields {
  must(isObject(value))
  const result: Fields = {}
  for (const [key, table] of Object.entries(fields)) {
    if (key in value) put(result, key, table, value[key], path)
    else if (!isList(table) || table[0] !== 'optional') put(result, key, 'never', null, path)
  }
  return result
}

function fitRecord(keys: Table, table: Table, value: unknown, path: Path): Fields {
  must(isObject(value) && isPlain(value))
  const result: Fields = {}
  for (const key of Reflect.ownKeys(value)) {
    // Written to a plain object, `__proto__` would become its prototype.
    if (key !== '__proto__' && Object.prototype.propertyIsEnumerable.call(value, key))
      put(result, key, is(keys, key) ? table : 'never', value[key], path)
  }
  return result
}

function put(result: unknown, key: PropertyKey, table: Table, value: unknown, path: Path): void {
  path.push(key)
  ;(result as Fields)[key] = fit(table, value, path)
  path.pop()
}

function must(fits: boolean): asserts fits {
  if (!fits) throw misfit
}

function isList(table: Table): table is Extract<Table, readonly unknown[]> {
  return Array.isArray(table)
}

function isNullable(table: Extract<Table, readonly unknown[]>): table is readonly [Table] {
  return table.length === 1
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** No instance of a class: of whatever realm, but Object's own. */
function isPlain(value: Fields): boolean {
  const maker = value.constructor
  return typeof maker !== 'function' || Object.hasOwn(Object(maker.prototype), 'isPrototypeOf')
}
