import { describe, expect, expectTypeOf, it } from 'vitest'
import { createTrainingClient } from '../client/createTrainingClient'
import type { Command } from '../protocol'
import { commandServer } from '../scripted/commandServer'
import { http } from '../transports/http/http'
import { type PauseJobParameters, type PauseJobResult, pauseJob } from './pauseJob'

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

  it('only pauses the job that was looked at, if it is told to', async () => {
    const body = { success: false, error: 'It has changed.', code: 'precondition_failed', status: 'stopping' }
    const server = await commandServer({ fates: ['answered', { status: 412, body }] })
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    expect(await pauseJob(client, { jobId: 'job_1' })).toMatchObject({ ok: true })
    expect(await pauseJob(client, { jobId: 'job_1', statusVersion: 7 })).toMatchObject({
      ...{ ok: false, error: { code: 'precondition_failed', jobStatus: 'stopping', arrived: 'yes' } },
    })
    expect(server.controls.map(({ headers }) => headers['if-match'])).toEqual([undefined, '"7"'])
  })

  it('has types', () => {
    expectTypeOf<Extract<PauseJobResult, { ok: true }>['command']>().toEqualTypeOf<Command | null>()
    expectTypeOf<PauseJobParameters['hold']>().toEqualTypeOf<boolean | undefined>()
    // @ts-expect-error Only a stop can be forced.
    pauseJob({} as never, { jobId: 'job_1', mode: 'force' })
  })
})
