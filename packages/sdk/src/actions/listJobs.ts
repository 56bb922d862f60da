import type { TrainingClient } from '../client/createTrainingClient'
import { read } from '../client/read'
import { type Result, resultOf } from '../client/result'
import type { TrainingError } from '../errors/trainingError'
import type { Job } from '../protocol'
import { readJobsAnswer } from '../protocol/read'

export interface ListJobsParameters {
  /** `nextCursor` of the page before. Default: the first page. */
  cursor?: string | null | undefined
  /** How many at most. Default: the server's. */
  limit?: number | null | undefined
  signal?: AbortSignal | undefined
}
/** Newest first. `nextCursor` is null on the last page. */
export type ListJobsResult = Result<{ jobs: Job[]; nextCursor: string | null }>
export type ListJobsError = TrainingError

/** Lists the jobs that this user may see. */
export function listJobs(
  client: TrainingClient,
  { cursor = null, limit = null, signal }: ListJobsParameters = {},
): Promise<ListJobsResult> {
  return resultOf(async () => {
    const answer = await read(client, { name: 'listJobs', cursor, limit }, readJobsAnswer, signal)
    return { jobs: answer.jobs, nextCursor: answer.next_cursor }
  })
}
