import type { TrainingClient } from '../client/createTrainingClient'
import { read } from '../client/read'
import { type Result, resultOf } from '../client/result'
import type { TrainingError } from '../errors/trainingError'
import type { Job, KnownJobStatus } from '../protocol'
import { readJobsAnswer } from '../protocol/read'

/** Which page of which jobs. */
export interface ListJobsParameters {
  /** `nextCursor` of the page before. Default: the first page. */
  cursor?: string | null | undefined
  /** How many at most. Default: the server's. */
  limit?: number | null | undefined
  /** Only jobs of this status, or of one of these. Default: all. */
  status?: KnownJobStatus | readonly KnownJobStatus[] | null | undefined
  signal?: AbortSignal | undefined
}
/** Newest first. `nextCursor` is null on the last page. */
export type ListJobsResult = Result<{ jobs: Job[]; nextCursor: string | null }>
/** Why the jobs could not be listed. */
export type ListJobsError = TrainingError

/** Lists the jobs that this user may see. */
export function listJobs(
  client: TrainingClient,
  { cursor = null, limit = null, status = null, signal }: ListJobsParameters = {},
): Promise<ListJobsResult> {
  return resultOf(async () => {
    const statuses = status === null ? null : [status].flat()
    // Of no status at all there is nothing to ask for, and a server would take an empty list for every status.
    if (statuses?.length === 0) return { jobs: [], nextCursor: null }
    const call = { name: 'listJobs', cursor, limit, statuses } as const
    const answer = await read(client, call, readJobsAnswer, signal)
    return { jobs: answer.jobs, nextCursor: answer.next_cursor }
  })
}
