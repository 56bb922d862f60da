import fc from 'fast-check'
import type * as z from 'zod/mini'

// biome-ignore lint/suspicious/noExplicitAny: a definition has as many forms as zod has schemas.
type Definition = Record<string, any>

/** What a server may send where the protocol says this, of which a client knows only part: fields of tomorrow included. */
export function arbitraryOf(schema: z.ZodMiniType): fc.Arbitrary<unknown> {
  const def = schema._zod.def as Definition
  const inner = (key: string) => arbitraryOf(def[key])
  switch (def.type) {
    case 'string':
      return textOf(def)
    case 'number':
      return numberOf(def)
    case 'boolean':
      return fc.boolean()
    case 'unknown':
      return fc.oneof(fc.anything(), fc.jsonValue())
    case 'literal':
      return fc.constantFrom(...def.values)
    case 'enum':
      return fc.constantFrom(...Object.values(def.entries))
    case 'union':
      return fc.oneof(...def.options.map(arbitraryOf))
    case 'object': {
      const shape = Object.entries(def.shape as Record<string, z.ZodMiniType>)
      const optional = shape.filter(([, field]) => field._zod.optin !== undefined).map(([key]) => key)
      const fields = fc.record(Object.fromEntries(shape.map(([key, field]) => [key, arbitraryOf(field)])), {
        requiredKeys: shape.map(([key]) => key).filter((key) => !optional.includes(key)),
      })
      return fc
        .tuple(
          fields,
          fc.dictionary(fc.stringMatching(/^[a-z]{3,9}_of_tomorrow$/), fc.jsonValue(), { maxKeys: 1 }),
        )
        .map(([known, more]) => ({ ...more, ...known }))
    }
    case 'array':
      return fc.array(inner('element'), { maxLength: 4 })
    case 'record':
      return fc.dictionary(
        fc.oneof(arbitraryOf(def.keyType) as fc.Arbitrary<string>, textOf({})),
        inner('valueType'),
        {
          maxKeys: 4,
        },
      )
    case 'nullable':
      return fc.option(inner('innerType'))
    case 'optional':
      return fc.option(inner('innerType'), { nil: undefined, freq: 8 })
    case 'pipe':
      return inner('in')
    default:
      throw new Error(`No value is known for a ${def.type}.`)
  }
}

function textOf(def: Definition): fc.Arbitrary<string> {
  const [check] = (def.checks ?? []) as z.ZodMiniType[]
  const { pattern, maximum } = (check?._zod.def ?? {}) as Definition
  if (pattern) return fc.stringMatching(pattern)
  const long = maximum
    ? [fc.constantFrom('x', '𝄞').map((c) => c.repeat(maximum)), fc.constant('𝄞'.repeat(maximum + 1))]
    : []
  return fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom('', '__proto__', 'constructor', '0'),
    ...long,
  )
}

function numberOf(def: Definition): fc.Arbitrary<number> {
  const bound = (kind: string): number | undefined =>
    ((def.checks ?? []) as z.ZodMiniType[])
      .map((check) => check._zod.def as Definition)
      .find(({ check }) => check === kind)?.value
  const bounds = { min: bound('greater_than') ?? -1e300, max: bound('less_than') ?? 1e300 }
  if (def.format !== 'safeint') return fc.double({ ...bounds, noNaN: true })
  return fc.integer({ min: Math.max(bounds.min, -(2 ** 31)), max: Math.min(bounds.max, 2 ** 31 - 1) })
}
