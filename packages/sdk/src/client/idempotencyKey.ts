import { trainingError } from '../errors/trainingError'

/** What a header can carry and servers take. */
const pattern = /^[!-~]{1,200}$/

/** Throws `invalid_request` for a key that no server would take, before anything is sent. */
export function assertIdempotencyKey(key: unknown): asserts key is string {
  if (typeof key === 'string' && pattern.test(key)) return
  const message =
    'idempotencyKey must be 1 to 200 ASCII characters without spaces. Leave it out to get a new one.'
  throw trainingError('invalid_request', { message, field: 'idempotencyKey', arrived: 'no' })
}
