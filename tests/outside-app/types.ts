import { StopTrainingButton } from '@trainstop/react'
import { MetricChart } from '@trainstop/react/chart'
import { cancelJob, createTrainingClient, http } from '@trainstop/sdk'
import { createTrainingHandler } from '@trainstop/sdk/server'

const client = createTrainingClient({ transport: http({ url: '/api/training' }) })

export async function stop(jobId: string): Promise<string> {
  const result = await cancelJob(client, { jobId, reason: 'overfitting' })
  if (result.ok) return result.command?.deadline ?? result.outcome
  switch (result.error.code) {
    case 'conflict':
      return result.error.message
    default:
      return result.error.code
  }
}

// @ts-expect-error there is no such reason
cancelJob(client, { jobId: 'job_1', reason: 'bored' })

export const handler: (request: Request) => Promise<Response> = createTrainingHandler({
  authenticate: () => ({ id: 'u_1', name: 'Ada' }),
  trainingServer: { url: 'http://127.0.0.1:8000/api/training', token: 'secret' },
})

export const parts = [StopTrainingButton, MetricChart]
