import { secretsBehind } from '../errors/bodySecrets'
import { excerpt } from '../errors/excerpt'
import { trainingError } from '../errors/trainingError'
import type { Reader } from '../protocol/read'

/** Checks a body. Throws `invalid_response`, which says where it differs. */
export function parseAnswer<T>(reader: Reader<T>, body: unknown): T {
  const read = reader(body)
  if (read.ok) return read.value
  throw trainingError('invalid_response', {
    message: `The training server's answer could not be understood: ${read.where ? `${read.where} is not what it should be` : 'it has another shape'}.`,
    excerpt: excerpt(JSON.stringify(body) ?? '', secretsBehind(body)),
  })
}
