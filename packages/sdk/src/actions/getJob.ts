import type { TrainingClient } from '../client/createTrainingClient'
import { read } from '../client/read'
import { type Result, resultOf } from '../client/result'
import type { TrainingError } from '../errors/trainingError'
import type { Job } from '../protocol'
import { readJobAnswer } from '../protocol/read'

/** Which job. */
export interface GetJobParameters {
  jobId: string
  signal?: AbortSignal | undefined
}
/** The job as it is now. */
export type GetJobResult = Result<{ job: Job }>
/** Why the job could not be read. */
export type GetJobError = TrainingError

/** Reads one job as it is now. */
export function getJob(client: TrainingClient, { jobId, signal }: GetJobParameters): Promise<GetJobResult> {
  return resultOf(async () => {
    const { job } = await read(client, { name: 'getJob', jobId }, readJobAnswer, signal)
    return { job }
  })
}
