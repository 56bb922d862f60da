import type { TrainingClient } from '../client/createTrainingClient'
import { read } from '../client/read'
import { type Result, resultOf } from '../client/result'
import type { TrainingError } from '../errors/trainingError'
import { readLogsAnswer } from '../protocol/read'

/** Which piece of which attempt's log. */
export interface GetLogsParameters {
  jobId: string
  /** Default: the newest attempt. */
  attempt?: number | null | undefined
  /** Where to begin, in bytes. Negative counts from the end. Default: 0. */
  offset?: number | null | undefined
  /** How many bytes at most. Default: the server's. */
  limit?: number | null | undefined
  signal?: AbortSignal | undefined
}
/** A piece of the log. Read on from `nextOffset`; all is read when that is `size`. */
export type GetLogsResult = Result<{
  attempt: number
  offset: number
  nextOffset: number
  size: number
  text: string
}>
/** Why the log could not be read. */
export type GetLogsError = TrainingError

/** Reads a piece of the output of one attempt. It may hold terminal escapes: don't put it into a page as HTML. */
export function getLogs(
  client: TrainingClient,
  { jobId, attempt = null, offset = null, limit = null, signal }: GetLogsParameters,
): Promise<GetLogsResult> {
  return resultOf(async () => {
    const call = { name: 'getLogs', jobId, attempt, offset, limit } as const
    const answer = await read(client, call, readLogsAnswer, signal)
    return {
      attempt: answer.attempt,
      offset: answer.offset,
      nextOffset: answer.next_offset,
      size: answer.size,
      text: answer.text,
    }
  })
}
