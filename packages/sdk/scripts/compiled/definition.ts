import type * as z from 'zod/mini'

// biome-ignore lint/suspicious/noExplicitAny: a definition has as many forms as zod has schemas; each reader names the keys that it knows.
export type Definition = Record<string, any>

const known: Record<string, string[]> = {
  string: [],
  number: ['check', 'abort', 'format'],
  boolean: [],
  unknown: [],
  literal: ['values'],
  enum: ['entries'],
  union: ['options', 'discriminator', 'inclusive'],
  object: ['shape', 'catchall'],
  array: ['element'],
  record: ['keyType', 'valueType'],
  nullable: ['innerType'],
  optional: ['innerType'],
  pipe: ['in', 'out'],
  transform: ['transform'],
}

/**
 * What a schema is, as zod keeps it. Throws on everything that this generator was not taught: a check that it passed over
 * would be a check that nobody makes.
 */
export function definitionOf(schema: z.ZodMiniType, where: string): Definition {
  const { def, optin, optout } = schema._zod as { def: Definition; optin?: string; optout?: string }
  const keys = known[def.type]
  if (!keys) throw new Error(`${where}: schemas of type "${def.type}" can't be compiled yet.`)
  for (const key of Object.keys(def))
    if (def[key] !== undefined && ![...keys, 'type', 'checks'].includes(key))
      throw new Error(`${where}: "${key}" of a schema of type "${def.type}" can't be compiled yet.`)
  if (def.abort || (def.check && def.check !== 'number_format') || def.inclusive === true)
    throw new Error(`${where}: these options of a ${def.type} can't be compiled yet.`)
  const presence = def.type === 'optional' ? 'optional' : undefined
  if (def.type !== 'transform' && (optin !== presence || optout !== presence))
    throw new Error(`${where}: it may be absent in a way that can't be compiled yet.`)
  return def
}

/** A schema's own checks. Each must be taken: what is left over throws. */
export function checksOf(def: Definition, where: string) {
  const checks = ((def.checks ?? []) as z.ZodMiniType[]).map((check) => check._zod.def as Definition)
  return {
    /** The only check of this kind, if there is one, which may have these keys beside its kind's name. */
    take(kind: string, ...keys: string[]): Definition | undefined {
      const found = checks.filter((check) => check.check === kind)
      if (found.length > 1) throw new Error(`${where}: more than one ${kind}.`)
      const [check] = found
      if (!check) return undefined
      for (const key of Object.keys(check))
        if (check[key] !== undefined && !['check', ...keys].includes(key))
          throw new Error(`${where}: "${key}" of the check ${kind} can't be compiled yet.`)
      checks.splice(checks.indexOf(check), 1)
      return check
    },
    end() {
      const [check] = checks
      if (check) throw new Error(`${where}: the check ${check.check} can't be compiled here yet.`)
    },
  }
}

/** `open()`: words that are known, and any other. */
export function openWords(def: Definition): string[] | null {
  if (def.type !== 'union' || def.options.length !== 2) return null
  const [words, any] = def.options.map((option: z.ZodMiniType) => option._zod.def as Definition)
  return words.type === 'enum' && any.type === 'string' && !any.checks?.length && !words.checks?.length
    ? wordsOf(words)
    : null
}

/** The values of an enumeration or a literal. */
export function wordsOf(def: Definition): string[] {
  return def.type === 'enum' ? Object.values(def.entries) : def.values
}
