import { type WaitForCommandParameters, waitForCommand } from '../actions/waitForCommand'
import type { TrainingClient } from '../client/createTrainingClient'
import { trainingQueryOptions } from './trainingQueryOptions'

/**
 * Options of a query that is pending for as long as a command is under way, and then holds it as it ended, for good.
 * Whoever stops looking stops waiting; the command goes on.
 */
export function waitForCommandQueryOptions(
  client: TrainingClient,
  { jobId, commandId, timeoutSeconds }: Omit<WaitForCommandParameters, 'signal'>,
) {
  const options = trainingQueryOptions(
    client,
    ['commandEnd', jobId, commandId],
    (signal) => waitForCommand(client, { jobId, commandId, timeoutSeconds, signal }),
    ({ command }) => command,
  )
  // How a command ended is decided once.
  return { ...options, staleTime: Number.POSITIVE_INFINITY }
}
