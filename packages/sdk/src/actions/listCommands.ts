import type { TrainingClient } from '../client/createTrainingClient'
import { read } from '../client/read'
import { type Result, resultOf } from '../client/result'
import type { TrainingError } from '../errors/trainingError'
import type { Command } from '../protocol'
import { readCommandsAnswer } from '../protocol/read'

/** Whose commands. */
export interface ListCommandsParameters {
  jobId: string
  signal?: AbortSignal | undefined
}
/** Newest first. */
export type ListCommandsResult = Result<{ commands: Command[] }>
/** Why the commands could not be listed. */
export type ListCommandsError = TrainingError

/** Lists who stopped, paused and resumed a job, when, why, and what was proven of it. */
export function listCommands(
  client: TrainingClient,
  { jobId, signal }: ListCommandsParameters,
): Promise<ListCommandsResult> {
  return resultOf(async () => {
    const call = { name: 'listCommands', jobId } as const
    const { commands } = await read(client, call, readCommandsAnswer, signal)
    return { commands }
  })
}
