import { type ListCheckpointsParameters, listCheckpoints } from '../actions/listCheckpoints'
import type { TrainingClient } from '../client/createTrainingClient'
import { trainingQueryOptions } from './trainingQueryOptions'

/** Options of a query for the checkpoints of a job, newest first. */
export function checkpointsQueryOptions(
  client: TrainingClient,
  { jobId }: Omit<ListCheckpointsParameters, 'signal'>,
) {
  return trainingQueryOptions(
    client,
    ['checkpoints', jobId],
    (signal) => listCheckpoints(client, { jobId, signal }),
    ({ checkpoints }) => checkpoints,
  )
}
