import { type GetMetricsParameters, getMetrics } from '../actions/getMetrics'
import type { TrainingClient } from '../client/createTrainingClient'
import type { MetricColumns } from '../protocol'
import { hasPosition, laterOf } from './newestHeld'
import { shareStructure } from './shareStructure'
import { trainingQueryOptions } from './trainingQueryOptions'

/** The metrics of one job, as they lie in the cache: every row up to (`generation`, `seq`). */
export interface JobMetrics {
  jobId: string
  columns: MetricColumns
  generation: number
  seq: number
}

/** Options of a query for the metrics of a job up to (`generation`, `seq`). An older answer never overwrites a newer one. */
export function metricsQueryOptions(
  client: TrainingClient,
  { jobId, maxPoints = null }: Omit<GetMetricsParameters, 'signal'>,
) {
  const options = trainingQueryOptions(
    client,
    ['metrics', jobId, { maxPoints }],
    (signal) => getMetrics(client, { jobId, maxPoints, signal }),
    ({ columns, generation, seq }): JobMetrics => ({ jobId, columns, generation, seq }),
  )
  const structuralSharing = (held: unknown, incoming: unknown): unknown =>
    shareStructure(
      held,
      isMetrics(held) && isMetrics(incoming) && held.jobId === incoming.jobId
        ? laterOf(held, incoming)
        : incoming,
    )
  return {
    ...options,
    /** Keeps what is newer, and the parts that did not change. */
    structuralSharing,
  }
}

/** What `select` makes of them may be anything. */
function isMetrics(value: unknown): value is JobMetrics {
  return hasPosition(value) && 'jobId' in value && 'columns' in value
}
