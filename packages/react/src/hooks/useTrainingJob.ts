import { useMemo, useSyncExternalStore } from 'react'
import { useTrainstopClient } from '../provider/useTrainstopClient'
import { FieldTracker } from '../state/fieldTracker'
import { jobStoreOf, type TrainingJob, unknownJob } from '../state/jobStore'
import { useSelectionReader } from '../state/useStoreSelection'

export interface UseTrainingJobOptions<Selection> {
  /** What to read. The component renders only when this changes; objects and arrays are compared one level deep. */
  select: (state: TrainingJob) => Selection
}

/**
 * Follows a job live. Without `select`, the component renders when a field it has read changes, and at most once a
 * frame: `const { status } = useTrainingJob(jobId)` does not render while metrics stream in. A change of status is
 * never held back.
 *
 * Unmounting stops listening; it does not stop the job.
 */
export function useTrainingJob(jobId: string): TrainingJob
export function useTrainingJob<Selection>(jobId: string, options: UseTrainingJobOptions<Selection>): Selection
export function useTrainingJob<Selection>(
  jobId: string,
  options?: UseTrainingJobOptions<Selection>,
): TrainingJob | Selection {
  const store = jobStoreOf(useTrainstopClient(), jobId)
  const select = options?.select
  const tracker = useMemo(() => new FieldTracker<TrainingJob>(store), [store])
  const [selected, selectedOnServer] = useSelectionReader<TrainingJob, unknown>(
    store,
    unknownJob,
    select ?? whole,
  )
  const value = useSyncExternalStore(
    store.subscribe,
    select ? selected : tracker.read,
    select ? selectedOnServer : nothingYet,
  )
  return select ? (value as Selection) : tracker.track(value as TrainingJob)
}

const whole = (state: TrainingJob) => state
const nothingYet = () => unknownJob
