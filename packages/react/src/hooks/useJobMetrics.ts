import { useTrainstopClient } from '../provider/useTrainstopClient'
import { type JobMetrics, metricsStoreOf, noMetrics } from '../state/metricsStore'
import { useStoreSelection } from '../state/useStoreSelection'

const all = (metrics: JobMetrics) => metrics

/**
 * Every metric row of a job, live, without a gap or a double. The columns grow in place: take `length` rows of them.
 * Renders at most once a frame.
 */
export function useJobMetrics(jobId: string): JobMetrics {
  const store = metricsStoreOf(useTrainstopClient(), jobId)
  return useStoreSelection(store, noMetrics, all)
}
