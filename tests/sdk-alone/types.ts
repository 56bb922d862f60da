import {
  cancelJob,
  createTrainingClient,
  http,
  isTerminal,
  type Job,
  subscribeJob,
  type TrainingError,
} from '@trainstop/sdk'
import { job as jobSchema } from '@trainstop/sdk/protocol'
import { cancelJobMutationOptions, jobQueryOptions } from '@trainstop/sdk/query'
import { createTrainingHandler } from '@trainstop/sdk/server'

const client = createTrainingClient({
  transport: http({ url: '/api/training', headers: async () => ({ authorization: 'Bearer t' }) }),
})

export async function stop(jobId: string): Promise<string> {
  const result = await cancelJob(client, { jobId, mode: 'checkpoint', reason: 'overfitting' })
  if (result.ok) return result.command?.deadline ?? result.outcome
  const error: TrainingError = result.error
  return error.code === 'conflict' ? error.message : error.code
}

export async function watch(jobId: string, signal: AbortSignal): Promise<Job | null> {
  let last: Job | null = null
  for await (const { job } of subscribeJob(client, { jobId, signal })) {
    last = job
    if (job && isTerminal(job.status)) break
  }
  return last
}

// @ts-expect-error there is no such reason
cancelJob(client, { jobId: 'job_1', reason: 'bored' })
// @ts-expect-error with exactOptionalPropertyTypes too, a job has an id
export const noJob: Job = { status: 'running' }

export const parsed: Job = jobSchema.parse({})
export const options = [jobQueryOptions(client, { jobId: 'job_1' }), cancelJobMutationOptions(client)]
export const handler: (request: Request) => Promise<Response> = createTrainingHandler({
  authenticate: () => ({ id: 'u_1', name: 'Ada' }),
  trainingServer: { url: 'http://127.0.0.1:8000/api/training', token: 'secret' },
})
