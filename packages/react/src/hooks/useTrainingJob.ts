import { useMemo, useRef } from 'react'
import { useTrainstopClient } from '../provider/useTrainstopClient'
import { type JobStore, jobStoreOf, type TrainingJob, unknownJob } from '../state/jobStore'
import { useStoreSelection } from '../state/useStoreSelection'

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
  const client = useTrainstopClient()
  const store = jobStoreOf(client, jobId)
  const select = options?.select
  const reads = useReadFields(store)
  // Which of the two is used may change between renders, so both are one hook with another selection.
  const selection = useStoreSelection<TrainingJob, unknown>(store, unknownJob, select ?? reads.select)
  return select ? (selection as Selection) : reads.track(selection as TrainingJob)
}

const fields = Object.keys(unknownJob) as (keyof TrainingJob)[]

/** Notes which fields the component reads, so that only those make it render again. */
function useReadFields(store: JobStore) {
  const read = useRef(new Set<keyof TrainingJob>())
  return useMemo(() => {
    let held: TrainingJob | null = null
    return {
      select(state: TrainingJob): TrainingJob {
        const watched = read.current.size > 0 ? [...read.current] : fields
        if (held === null || watched.some((field) => !Object.is(state[field], held?.[field]))) held = state
        return held
      },
      track(state: TrainingJob): TrainingJob {
        const tracked = {} as TrainingJob
        for (const field of fields) {
          Object.defineProperty(tracked, field, {
            enumerable: true,
            get: () => {
              const watched = read.current.has(field) || state === unknownJob
              read.current.add(field)
              // `state` may be from before this field was of interest.
              return (watched ? state : store.getSnapshot())[field]
            },
          })
        }
        return tracked
      },
    }
  }, [store])
}
