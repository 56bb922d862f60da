import type { TrainingClient } from '../client/createTrainingClient'
import type { JobUpdate } from '../client/jobUpdate'
import { joinSubscription } from '../client/sharedSubscription'
import type { TrainingError } from '../errors/trainingError'

/** Which job is watched, and who is told. */
export interface WatchJobParameters {
  jobId: string
  /** Called for every update, beginning with what is already known; never before `watchJob` has returned. */
  onUpdate: (update: JobUpdate) => void
  /** Nothing more will come: the job is final, or with an error that trying again does not mend. */
  onEnd?: ((error: TrainingError | null) => void) | undefined
}
/** What an update's `error` is, and what watching ends with where it can't go on. */
export type WatchJobError = TrainingError

/**
 * Watches a job with a callback. Returns a function that stops watching: it does not stop the job, `cancelJob` does.
 * However many watch one job through one client, there is one connection.
 */
export function watchJob(client: TrainingClient, { jobId, onUpdate, onEnd }: WatchJobParameters): () => void {
  return joinSubscription(client, jobId, { onUpdate, onEnd: onEnd ?? (() => {}) })
}
