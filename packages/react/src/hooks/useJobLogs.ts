import { useTrainstopClient } from '../provider/useTrainstopClient'
import { type JobLogs, logStoreOf, noLogs } from '../state/logStore'
import { useStoreSelection } from '../state/useStoreSelection'

export interface UseJobLogsOptions {
  /** How many lines to keep, counted from the end. Default 5000. */
  keepLines?: number | undefined
}

const all = (logs: JobLogs) => logs

/** The end of a job's output, live, as lines of coloured spans. Renders at most once a frame. */
export function useJobLogs(jobId: string, { keepLines = 5000 }: UseJobLogsOptions = {}): JobLogs {
  const store = logStoreOf(useTrainstopClient(), jobId, keepLines)
  return useStoreSelection(store, noLogs, all)
}
