import type { TrainingClient } from '../client/createTrainingClient'
import type { JobUpdate } from '../client/jobUpdate'
import type { TrainingError } from '../errors/trainingError'
import { updateQueue, updatesUntilAbort } from './updateQueue'
import { watchJob } from './watchJob'

/** Which job is watched, and until when. */
export interface SubscribeJobParameters {
  jobId: string
  /** Ends the iteration. It does not stop the job: `cancelJob` does. */
  signal?: AbortSignal | undefined
}
/** What an update's `error` is. The iteration itself never throws. */
export type SubscribeJobError = TrainingError

/**
 * Watches a job: `for await (const update of subscribeJob(client, { jobId })) …`. The iteration ends when the job is
 * final, when `signal` is aborted, or with an update whose `error` trying again does not mend; it never throws.
 * A reader that falls more than 1,000 updates behind gets a `reset` event instead of them, with the newest job.
 */
export function subscribeJob(
  client: TrainingClient,
  { jobId, signal }: SubscribeJobParameters,
): AsyncIterable<JobUpdate> {
  return updatesUntilAbort(
    signal,
    () => updateQueue<JobUpdate>(() => jobId, 1),
    ({ push, end }) => watchJob(client, { jobId, onUpdate: push, onEnd: end }),
  )
}
