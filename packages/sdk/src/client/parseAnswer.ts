import * as z from 'zod/mini'
import { excerpt } from '../errors/excerpt'
import { trainingError } from '../errors/trainingError'

/** Checks a body against its schema. Throws `invalid_response`, which says where it differs. */
export function parseAnswer<Schema extends z.ZodMiniType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = z.safeParse(schema, body)
  if (parsed.success) return parsed.data
  const where = parsed.error.issues[0]?.path.join('.')
  throw trainingError('invalid_response', {
    message: `The training server's answer could not be understood: ${where ? `${where} is not what it should be` : 'it has another shape'}.`,
    excerpt: excerpt(JSON.stringify(body) ?? ''),
  })
}
