import { type GetLogsParameters, getLogs } from '../actions/getLogs'
import type { TrainingClient } from '../client/createTrainingClient'
import { trainingQueryOptions } from './trainingQueryOptions'

/** Options of a query for a piece of a job's log. */
export function logsQueryOptions(
  client: TrainingClient,
  { jobId, attempt = null, offset = null, limit = null }: Omit<GetLogsParameters, 'signal'>,
) {
  return trainingQueryOptions(
    client,
    ['logs', jobId, { attempt, offset, limit }],
    (signal) => getLogs(client, { jobId, attempt, offset, limit, signal }),
    ({ ok: _, ...page }) => page,
  )
}
