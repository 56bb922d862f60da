import type * as z from 'zod/mini'
import { checksOf, type Definition, definitionOf, openWords, wordsOf } from './definition'
import { functions } from './functions'

type Named = ReadonlyMap<z.ZodMiniType, string>

const leaves = ['string', 'number', 'boolean', 'literal', 'enum']

/** The module with the table of each of these schemas, and of what they are made of. */
export function tablesModule(roots: readonly z.ZodMiniType[], named: Named): string {
  const tables = new Map<string, string>()
  const imports = new Set<string>()

  function reference(schema: z.ZodMiniType, where: string): string {
    const name = named.get(schema)
    if (!name) return table(schema, where)
    if (!tables.has(name)) tables.set(name, table(schema, name))
    return name
  }

  /** By a name, which a minifier makes shorter than the word. */
  function plain(type: string): string {
    tables.set(type, JSON.stringify(type))
    return type
  }

  function list(kind: string, ...rest: unknown[]): string {
    return `[${[JSON.stringify(kind), ...rest].join(', ')}]`
  }

  function fields(shape: Record<string, z.ZodMiniType>, where: string): string {
    const entries = Object.entries(shape).map(([key, schema]) => {
      if (!/^[a-z][a-z_]*$/.test(key)) throw new Error(`${where}: a field can't be called "${key}".`)
      const value = reference(schema, `${where}.${key}`)
      return value === key ? key : `${key}: ${value}`
    })
    return `{ ${entries.join(', ')} }`
  }

  function named_(fn: unknown, where: string): string {
    const known = functions.get(fn)
    if (!known) throw new Error(`${where}: name its function in scripts/compiled/functions.ts.`)
    imports.add(`import { ${known.name} } from '${known.from}'`)
    return known.name
  }

  function table(schema: z.ZodMiniType, where: string): string {
    const def = definitionOf(schema, where)
    const checks = checksOf(def, where)
    const text = ofDefinition(def, checks, where)
    checks.end()
    return text
  }

  function ofDefinition(def: Definition, checks: ReturnType<typeof checksOf>, where: string): string {
    const inner = (key: string) => reference(def[key], where)
    switch (def.type) {
      case 'boolean':
      case 'unknown':
        return plain(def.type)
      case 'string': {
        const regex = checks.take('string_format', 'format', 'pattern')
        const longest = checks.take('max_length', 'maximum', 'when')
        // With the flag `u` it counts characters, as zod does, and not UTF-16 units.
        if (!regex) return longest ? `/^[^]{0,${longest.maximum}}$/u` : plain('string')
        const { pattern } = regex as { pattern: RegExp }
        if (longest || regex.format !== 'regex' || pattern.flags)
          throw new Error(`${where}: a string of this form can't be compiled yet.`)
        return String(pattern)
      }
      case 'number': {
        if (def.format !== undefined && def.format !== 'safeint')
          throw new Error(`${where}: numbers of format ${def.format} can't be compiled yet.`)
        const minimum = checks.take('greater_than', 'value', 'inclusive')
        const maximum = checks.take('less_than', 'value', 'inclusive')
        for (const bound of [minimum, maximum])
          if (bound && (!bound.inclusive || !Number.isFinite(bound.value)))
            throw new Error(`${where}: this bound can't be compiled yet.`)
        if (!def.format && !minimum && !maximum) return plain('number')
        const bounds = [minimum?.value ?? '-Infinity', ...(maximum ? [maximum.value] : [])]
        return list(def.format ? 'integer' : 'number', ...bounds)
      }
      case 'literal':
      case 'enum': {
        const words = wordsOf(def)
        if (words.some((word) => word !== null && !['string', 'number', 'boolean'].includes(typeof word)))
          throw new Error(`${where}: such a literal can't be compiled yet.`)
        return list('oneOf', ...words.map((word) => JSON.stringify(word)))
      }
      case 'union': {
        if (def.discriminator) return oneOfWords(def, where)
        if (openWords(def)) return plain('string')
        for (const option of def.options as z.ZodMiniType[])
          if (!leaves.includes(definitionOf(option, where).type))
            throw new Error(`${where}: a union of more than simple values can't be compiled yet.`)
        return list(
          'anyOf',
          `[${def.options.map((option: z.ZodMiniType) => reference(option, where)).join(', ')}]`,
        )
      }
      case 'object':
        if (def.catchall)
          throw new Error(`${where}: an object that keeps unknown fields can't be compiled yet.`)
        return fields(def.shape, where)
      case 'array':
        return list('array', inner('element'))
      case 'record': {
        const { type, values } = definitionOf(def.keyType, where)
        if (type !== 'string' || values) throw new Error(`${where}: such keys can't be compiled yet.`)
        const all = list('record', reference(def.keyType, where), inner('valueType'))
        const refinement = checks.take('custom', 'type', 'fn')
        return refinement ? list('as', all, named_(refinement.fn, where)) : all
      }
      case 'nullable':
        return `[${inner('innerType')}]`
      case 'optional':
        return list('optional', inner('innerType'))
      case 'pipe': {
        const out = definitionOf(def.out, where)
        if (out.type !== 'transform')
          throw new Error(`${where}: a pipe into ${out.type} can't be compiled yet.`)
        checksOf(out, where).end()
        return list('as', inner('in'), named_(out.transform, where))
      }
      default:
        throw new Error(`${where}: a ${def.type} can't stand here.`)
    }
  }

  /** What all options begin with is written once; then comes the field with the word, then what is each one's own. */
  function oneOfWords(def: Definition, where: string): string {
    const shapes = (def.options as z.ZodMiniType[]).map((option) => {
      const { type, shape, catchall } = definitionOf(option, where)
      if (type !== 'object' || catchall) throw new Error(`${where}: such an option can't be compiled yet.`)
      checksOf(definitionOf(option, where), where).end()
      return Object.entries(shape as Record<string, z.ZodMiniType>)
    })
    const place = shapes[0]?.findIndex(([key]) => key === def.discriminator) ?? -1
    const shared = shapes[0]?.slice(0, place) ?? []
    const options = shapes.map((shape) => {
      const [key, schema] = shape[place] ?? []
      const isShared = shared.every(([name, field], i) => shape[i]?.[0] === name && shape[i]?.[1] === field)
      if (key !== def.discriminator || !schema || !isShared)
        throw new Error(
          `${where}: all options must begin with the same fields, and then have "${def.discriminator}".`,
        )
      const word = definitionOf(schema, where)
      const words = word.type === 'literal' ? wordsOf(word) : []
      if (words.length !== 1 || typeof words[0] !== 'string')
        throw new Error(`${where}: an option must have one word of its own.`)
      return `  ${words[0]}: ${fields(Object.fromEntries(shape.slice(place + 1)), `${where}.${words[0]}`)},\n`
    })
    const common = fields(Object.fromEntries(shared), where)
    return list('by', JSON.stringify(def.discriminator), common, `{\n${options.join('')}}`)
  }

  for (const root of roots) reference(root, named.get(root) ?? 'a root')
  const declared = [...tables].map(([name, text]) => `export const ${name}: Table = ${text}\n`)
  return [
    '// Written by scripts/write-protocol.ts from src/protocol/schemas: change these.\n',
    ["import type { Table } from '../check'", ...[...imports].sort()].join('\n'),
    '\n\n',
    declared.join('\n'),
  ].join('')
}
