import { describe, expect, it } from 'vitest'
import { createTrainingClient } from '../client/createTrainingClient'
import { commandServer } from '../scripted/commandServer'
import { http } from '../transports/http/http'
import { pauseJob } from './pauseJob'

describe('pauseJob', () => {
  it('sends what it was given, and nothing that it was not', async () => {
    const server = await commandServer({})
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    await pauseJob(client, { jobId: 'job_1' })
    await pauseJob(client, { jobId: 'job_1', hold: true, graceSeconds: 90, reason: 'free_resources' })
    expect(server.controls.map(({ body }) => JSON.parse(body))).toEqual([
      { action: 'pause' },
      { action: 'pause', hold: true, grace_seconds: 90, reason: 'free_resources' },
    ])
  })

  it('tells in which state the job is where it can not be paused', async () => {
    const body = { success: false, error: 'It is stopping.', code: 'conflict', status: 'stopping' }
    const server = await commandServer({ fates: [{ status: 409, body }] })
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    const result = await pauseJob(client, { jobId: 'job_1' })
    expect(result).toMatchObject({ ok: false, error: { code: 'conflict', jobStatus: 'stopping' } })
  })
})
