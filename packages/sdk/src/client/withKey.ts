import { type TrainingError, trainingError } from '../errors/trainingError'

/** The same error, with the key of the intent that it ended: to press again is to go on with it, or to begin anew. */
export function withKey(error: TrainingError, idempotencyKey: string): TrainingError {
  if (error.idempotencyKey === idempotencyKey) return error
  // A copy, since a transport may hand out one error many times.
  const { message, cause } = error
  return trainingError(error.code, { ...error, message, cause, idempotencyKey } as never)
}
