import type * as z from 'zod/mini'
import { definitionOf, openWords, wordsOf } from './definition'
import type { Docs } from './docs'
import { typeNames } from './typeNames'

/** What `workingJob` makes of the fields of a job on the wire. */
const working: Record<string, { type: string; doc: string }> = {
  status: {
    type: 'JobStatus',
    doc: '/** One that can be switched over; `unknown` for a word of a newer server. */',
  },
  raw_status: { type: 'string', doc: '/** The word that came. */' },
}

/** The module with the types: written out, so that whoever reads or compiles them needs no zod. */
export function typesModule(schemas: Record<string, z.ZodMiniType>, docs: ReadonlyMap<string, Docs>): string {
  const types = Object.entries(typeNames)
  const names = new Map(types.map(([name, schema]) => [schemas[schema], name]))
  const constants = new Map(Object.entries(schemas).map(([name, schema]) => [schema, name]))

  function type(schema: z.ZodMiniType, indent: string, root = false): string {
    const name = names.get(schema)
    if (name && !root) return name
    const where = constants.get(schema) ?? 'a type'
    const def = definitionOf(schema, where)
    const inner = (key: string) => type(def[key], indent)
    switch (def.type) {
      case 'string':
      case 'number':
      case 'boolean':
      case 'unknown':
        return def.type
      case 'literal':
      case 'enum':
        return wordsOf(def)
          .map((word) => (typeof word === 'string' ? `'${word}'` : word))
          .join(' | ')
      case 'union': {
        const words = openWords(def)
        if (words) return `${words.map((word) => `'${word}'`).join(' | ')} | (string & {})`
        return def.options.map((option: z.ZodMiniType) => type(option, indent)).join(' | ')
      }
      case 'object': {
        const extra = def.catchall ? [`${indent}  [field: string]: ${type(def.catchall, indent)}\n`] : []
        return object(def.shape, docs.get(where)?.fields, indent, extra)
      }
      case 'array':
        return `Array<${inner('element')}>`
      case 'record':
        return `Record<string, ${inner('valueType')}>`
      case 'nullable':
        return `${inner('innerType')} | null`
      case 'optional':
        return `${inner('innerType')} | undefined`
      case 'pipe': {
        const { shape } = definitionOf(def.in, where)
        const fields = docs.get(constants.get(def.in) ?? '')?.fields
        if (!shape || where !== 'job') throw new Error(`${where}: only a job is made of another object.`)
        return object({ ...shape, raw_status: shape.status }, fields, indent, [], working)
      }
      default:
        throw new Error(`${where}: no type for a ${def.type}.`)
    }
  }

  function object(
    shape: Record<string, z.ZodMiniType>,
    fieldDocs: ReadonlyMap<string, string> | undefined,
    indent: string,
    extra: string[] = [],
    changed: typeof working = {},
  ): string {
    const lines = Object.entries(shape).map(([key, schema]) => {
      const doc = changed[key]?.doc ?? fieldDocs?.get(key)
      const comment = doc
        ? `${doc
            .split('\n')
            .map((line) => `${indent}  ${line}`)
            .join('\n')}\n`
        : ''
      const optional = schema._zod.def.type === 'optional' ? '?' : ''
      return `${comment}${indent}  ${key}${optional}: ${changed[key]?.type ?? type(schema, `${indent}  `)}\n`
    })
    return lines.length + extra.length > 0
      ? `{\n${lines.join('')}${extra.join('')}${indent}}`
      : 'Record<string, never>'
  }

  const declared = types.map(([name, schema]) => {
    const source = schemas[schema]
    const doc = docs.get(schema)?.own
    if (!source || !doc) throw new Error(`Say above ${schema} in src/protocol/schemas what a ${name} is.`)
    return `${doc}\nexport type ${name} = ${type(source, '', true)}\n`
  })
  return [
    '// Written by scripts/write-protocol.ts from src/protocol/schemas: change these.\n',
    "import type { JobStatus } from '../job'\n\n",
    declared.join('\n'),
  ].join('')
}
