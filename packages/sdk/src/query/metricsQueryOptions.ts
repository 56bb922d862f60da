import { type GetMetricsParameters, getMetrics } from '../actions/getMetrics'
import type { TrainingClient } from '../client/createTrainingClient'
import { trainingQueryOptions } from './trainingQueryOptions'

/** Options of a query for the metrics of a job up to (`generation`, `seq`). */
export function metricsQueryOptions(
  client: TrainingClient,
  { jobId, maxPoints = null }: Omit<GetMetricsParameters, 'signal'>,
) {
  return trainingQueryOptions(
    client,
    ['metrics', jobId, { maxPoints }],
    (signal) => getMetrics(client, { jobId, maxPoints, signal }),
    ({ columns, generation, seq }) => ({ columns, generation, seq }),
  )
}
