import { isTrainingError, type TrainingError, trainingError } from '../errors/trainingError'

/** What every action resolves with. Nothing but a mistake in the calling program makes one reject. */
export type Result<Success extends object> = ({ ok: true } & Success) | { ok: false; error: TrainingError }

/** Turns what a body throws into `{ ok: false, error }`. */
export async function resultOf<Success extends object>(
  body: () => Promise<Success>,
): Promise<Result<Success>> {
  try {
    return { ok: true, ...(await body()) }
  } catch (error) {
    return { ok: false, error: asTrainingError(error) }
  }
}

/** A transport of someone else's may reject with anything at all. */
export function asTrainingError(error: unknown): TrainingError {
  if (isTrainingError(error)) return error
  const message = 'The transport itself failed.'
  return trainingError('internal', { message, rawCode: null, arrived: 'unknown', cause: error })
}

/** The other way round, for callers that want errors thrown (TanStack Query does). */
export async function orThrow<Success extends object>(result: Promise<Result<Success>>): Promise<Success> {
  const settled = await result
  if (settled.ok) return settled
  throw settled.error
}
