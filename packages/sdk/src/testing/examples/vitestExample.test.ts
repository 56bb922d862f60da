import { expect, it } from 'vitest'
import { cancelJob, createTrainingClient, http } from '../../index'
import { createMockTrainingServer } from '../index'

it('stops, although the answer to the stop is lost', async () => {
  const server = createMockTrainingServer()
  const { fetch, clock } = server
  const client = createTrainingClient({ transport: http({ url: '/api/training', fetch, clock }), clock })
  const jobId = server.createJob()
  await server.advance(60) // a minute of training, at once

  server.fault({ on: 'control', do: 'lose_answer' })
  const result = await cancelJob(client, { jobId, reason: 'overfitting' })
  expect(result.ok && result.command?.status).toBe('active')

  await server.advance(10)
  expect(server.job(jobId)).toMatchObject({ status: 'cancelled', last_checkpoint: { verified: true } })
})
