import type { TrainingClient } from '../client/createTrainingClient'
import type { JobUpdate } from '../client/jobUpdate'
import { joinSubscription } from '../client/sharedSubscription'
import type { TrainingError } from '../errors/trainingError'

/** One thing that became known about one of several jobs. */
export interface JobsUpdate extends JobUpdate {
  /** Which job it is about; also where `job` is not known yet. */
  readonly jobId: string
}

/** Which jobs are watched, and who is told. */
export interface WatchJobsParameters {
  /** An id that is there twice counts once. */
  jobIds: Iterable<string>
  /** Called for every update of any of them, beginning with what is already known; never before `watchJobs` has returned. */
  onUpdate: (update: JobsUpdate) => void
  /** Nothing more will come of this job: it is final, or with an error that trying again does not mend. */
  onJobEnd?: ((jobId: string, error: TrainingError | null) => void) | undefined
  /** Nothing more will come of any of them. */
  onEnd?: (() => void) | undefined
}
/** What an update's `error` is, and what watching a job ends with where it can't go on. */
export type WatchJobsError = TrainingError

/**
 * Watches several jobs with one callback, through one connection: a page of them, a table that scrolls. Returns a
 * function that stops watching: it stops none of the jobs, `cancelJob` does. For another set, call it again and stop the
 * one before after that: jobs that are in both go on without a gap.
 */
export function watchJobs(
  client: TrainingClient,
  { jobIds, onUpdate, onJobEnd, onEnd }: WatchJobsParameters,
): () => void {
  const watched = new Map<string, () => void>()
  for (const jobId of new Set(jobIds)) {
    const leave = joinSubscription(client, jobId, {
      onUpdate: (update) => onUpdate({ ...update, jobId }),
      onEnd(error) {
        watched.delete(jobId)
        onJobEnd?.(jobId, error)
        if (watched.size === 0) onEnd?.()
      },
    })
    watched.set(jobId, leave)
  }
  if (watched.size === 0) queueMicrotask(() => onEnd?.())
  return () => {
    for (const leave of watched.values()) leave()
    watched.clear()
  }
}
