import { type GetCommandParameters, getCommand } from '../actions/getCommand'
import type { TrainingClient } from '../client/createTrainingClient'
import type { Command } from '../protocol'
import { shareStructure } from './shareStructure'
import { trainingQueryOptions } from './trainingQueryOptions'

/** Options of a query for one command of a job, with its receipts. One that has ended never seems active again. */
export function commandQueryOptions(
  client: TrainingClient,
  { jobId, commandId }: Omit<GetCommandParameters, 'signal'>,
) {
  const options = trainingQueryOptions(
    client,
    ['command', jobId, commandId],
    (signal) => getCommand(client, { jobId, commandId, signal }),
    ({ command }) => command,
  )
  const structuralSharing = (held: unknown, incoming: unknown): unknown => {
    const isStepBack =
      isCommand(held) &&
      isCommand(incoming) &&
      held.id === incoming.id &&
      held.status !== 'active' &&
      incoming.status === 'active'
    return isStepBack ? held : shareStructure(held, incoming)
  }
  return {
    ...options,
    /** Keeps what is newer, and the parts that did not change. */
    structuralSharing,
  }
}

/** What `select` makes of it may be anything. */
function isCommand(value: unknown): value is Command {
  return (
    typeof value === 'object' && value !== null && 'id' in value && 'receipts' in value && 'status' in value
  )
}
