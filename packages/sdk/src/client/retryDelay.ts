import type { TrainingError } from '../errors/trainingError'
import { type Backoff, backoffDelay } from '../transports/backoff'
import type { TrainingClient } from './createTrainingClient'

/** Short, since a person waits: enough for a restart of a proxy, not enough to annoy. */
const backoff: Backoff = { base: 400, cap: 2000 }
/** Waited for where the server asks for it; a longer wait is the caller's to decide on. */
const longestRetryAfterSeconds = 5

/** Milliseconds until a call should be made again; null where the server asks for longer than anybody waits. */
export function retryDelay(
  { clock }: TrainingClient,
  { retryAfterSeconds }: Pick<TrainingError, 'retryAfterSeconds'>,
  attempt: number,
): number | null {
  const asked = retryAfterSeconds ?? 0
  if (asked > longestRetryAfterSeconds) return null
  return Math.max(asked * 1000, backoffDelay(clock, backoff, attempt))
}
