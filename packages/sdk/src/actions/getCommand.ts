import type { TrainingClient } from '../client/createTrainingClient'
import { assertCommandId, read } from '../client/read'
import { type Result, resultOf } from '../client/result'
import type { TrainingError } from '../errors/trainingError'
import type { Command } from '../protocol'
import { readCommandAnswer } from '../protocol/read'

/** Which command of which job. */
export interface GetCommandParameters {
  /** The job that the command is about: `command.job_id`. */
  jobId: string
  commandId: string
  signal?: AbortSignal | undefined
}
/** The command as it is now, with its receipts so far. */
export type GetCommandResult = Result<{ command: Command }>
/** A job without such a command is `not_supported`, as a server is that can't be asked for one. */
export type GetCommandError = TrainingError

/** Reads one command as it is now, with the receipts of what was proven of it so far. */
export function getCommand(
  client: TrainingClient,
  { jobId, commandId, signal }: GetCommandParameters,
): Promise<GetCommandResult> {
  return resultOf(async () => {
    assertCommandId(commandId)
    const { command } = await read(
      client,
      { name: 'getCommand', jobId, commandId },
      readCommandAnswer,
      signal,
    )
    return { command }
  })
}
