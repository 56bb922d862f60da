import type { TrainingClient } from '../client/createTrainingClient'
import { read } from '../client/read'
import { type Result, resultOf } from '../client/result'
import type { TrainingError } from '../errors/trainingError'
import type { Checkpoint } from '../protocol'
import { readCheckpointsAnswer } from '../protocol/read'

/** Whose checkpoints. */
export interface ListCheckpointsParameters {
  jobId: string
  signal?: AbortSignal | undefined
}
/** Newest first, those that did not verify too (`verified: false`, `problem`). */
export type ListCheckpointsResult = Result<{ checkpoints: Checkpoint[] }>
/** Why the checkpoints could not be listed. */
export type ListCheckpointsError = TrainingError

/** Lists the checkpoints of a job. */
export function listCheckpoints(
  client: TrainingClient,
  { jobId, signal }: ListCheckpointsParameters,
): Promise<ListCheckpointsResult> {
  return resultOf(async () => {
    const call = { name: 'listCheckpoints', jobId } as const
    const { checkpoints } = await read(client, call, readCheckpointsAnswer, signal)
    return { checkpoints }
  })
}
