import { describe, expect, it } from 'vitest'
import * as z from 'zod/mini'
import { tablesModule } from './tables'

const compiled = (schema: z.ZodMiniType) => tablesModule([schema], new Map([[schema, 'made']]))

describe('the compiler of schemas', () => {
  it('writes a schema as data', () => {
    const schema = z.object({
      name: z.string(),
      seconds: z.optional(z.nullable(z.number().check(z.minimum(0)))),
    })
    expect(compiled(schema)).toContain(
      'export const made: Table = { name: string, seconds: ["optional", [["number", 0]]] }\n',
    )
  })

  it.each<[string, () => z.ZodMiniType]>([
    ['a format of strings', () => z.email()],
    ['two patterns', () => z.string().check(z.regex(/a/), z.regex(/b/))],
    ['a pattern with flags', () => z.string().check(z.regex(/a/i))],
    ['a shortest length', () => z.string().check(z.minLength(1))],
    ['a longest length of a list', () => z.array(z.string()).check(z.maxLength(3))],
    ['a change of a string', () => z.string().check(z.trim())],
    ['a bound that does not belong to it', () => z.number().check(z.gt(0))],
    ['a multiple', () => z.number().check(z.multipleOf(2))],
    ['another format of numbers', () => z.int32()],
    ['a conversion', () => z.coerce.number()],
    ['a default', () => z.object({ a: z._default(z.string(), 'b') })],
    ['a catch', () => z.catch(z.string(), 'b')],
    ['an object that refuses more fields', () => z.strictObject({ a: z.string() })],
    ['an object that keeps more fields', () => z.looseObject({ a: z.string() })],
    ['a refinement of an object', () => z.object({ a: z.string() }).check(z.refine(() => true))],
    ['a refinement that has no name', () => z.record(z.string(), z.string()).check(z.refine(() => true))],
    [
      'a transform that has no name',
      () =>
        z.pipe(
          z.string(),
          z.transform(() => 1),
        ),
    ],
    ['a pipe into a schema', () => z.pipe(z.string(), z.string())],
    ['a union of objects', () => z.union([z.object({ a: z.string() }), z.object({ b: z.string() })])],
    ['a nullable that may be absent', () => z.object({ a: z.nullable(z.optional(z.string())) })],
    ['a record of known keys', () => z.record(z.enum(['a', 'b']), z.string())],
    ['a record of some known keys', () => z.partialRecord(z.enum(['a', 'b']), z.string())],
    ['a date', () => z.date()],
    ['a tuple', () => z.tuple([z.string()])],
    ['an intersection', () => z.intersection(z.object({ a: z.string() }), z.object({ b: z.string() }))],
    ['a schema of its own', () => z.custom<string>(() => true)],
    ['a schema that is made later', () => z.lazy(() => z.string())],
    ['a field that would be a prototype', () => z.object(Object.fromEntries([['__proto__', z.string()]]))],
  ])('fails at %s, which it does not know', (_, schema) => {
    expect(() => compiled(schema())).toThrow(/made/)
  })
})
