import { type ListCommandsParameters, listCommands } from '../actions/listCommands'
import type { TrainingClient } from '../client/createTrainingClient'
import { trainingQueryOptions } from './trainingQueryOptions'

/** Options of a query for the commands of a job with their receipts, newest first. */
export function commandsQueryOptions(
  client: TrainingClient,
  { jobId }: Omit<ListCommandsParameters, 'signal'>,
) {
  return trainingQueryOptions(
    client,
    ['commands', jobId],
    (signal) => listCommands(client, { jobId, signal }),
    ({ commands }) => commands,
  )
}
