import { type GetJobParameters, getJob } from '../actions/getJob'
import type { TrainingClient } from '../client/createTrainingClient'
import { newerOf } from './newestHeld'
import { shareStructure } from './shareStructure'
import { trainingQueryOptions } from './trainingQueryOptions'

/**
 * Options of a query for one job. A slower, older answer never overwrites a newer one, whether it came from a query or
 * was put there with `setQueryData` by a subscription.
 */
export function jobQueryOptions(client: TrainingClient, { jobId }: Omit<GetJobParameters, 'signal'>) {
  const options = trainingQueryOptions(
    client,
    ['job', jobId],
    (signal) => getJob(client, { jobId, signal }),
    ({ job }) => job,
  )
  const structuralSharing = (held: unknown, incoming: unknown): unknown =>
    shareStructure(held, newerOf(held, incoming))
  return {
    ...options,
    /** Keeps what is newer, and the parts that did not change. */
    structuralSharing,
  }
}
