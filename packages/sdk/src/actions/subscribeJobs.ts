import type { TrainingClient } from '../client/createTrainingClient'
import type { TrainingError } from '../errors/trainingError'
import { updateQueue, updatesUntilAbort } from './updateQueue'
import { type JobsUpdate, watchJobs } from './watchJobs'

/** Which jobs are watched, and until when. */
export interface SubscribeJobsParameters {
  /** An id that is there twice counts once. */
  jobIds: Iterable<string>
  /** Ends the iteration. It stops none of the jobs: `cancelJob` does. */
  signal?: AbortSignal | undefined
}
/** What an update's `error` is. The iteration itself never throws. */
export type SubscribeJobsError = TrainingError

/**
 * Watches several jobs through one connection: `for await (const { jobId, job } of subscribeJobs(client, { jobIds })) …`.
 * The iteration ends when all of them are final or can't be watched (their last update then has the `error`), or when
 * `signal` is aborted; it never throws. A reader that falls far behind gets, in place of what it missed, one `reset`
 * event for each job, with the newest that is known of it.
 */
export function subscribeJobs(
  client: TrainingClient,
  { jobIds, signal }: SubscribeJobsParameters,
): AsyncIterable<JobsUpdate> {
  const ids = new Set(jobIds)
  return updatesUntilAbort(
    signal,
    () => updateQueue<JobsUpdate>(({ jobId }) => jobId, ids.size),
    ({ push, end }) => watchJobs(client, { jobIds: ids, onUpdate: push, onEnd: end }),
  )
}
