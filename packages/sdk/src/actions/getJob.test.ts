import { describe, expect, expectTypeOf, it } from 'vitest'
import { createTrainingClient } from '../client/createTrainingClient'
import type { Job, JobStatus } from '../protocol'
import { ManualClock } from '../scripted/manualClock'
import { wireJob } from '../scripted/samples'
import { answer, cut, type Script, scriptedServer } from '../scripted/scriptedServer'
import { http } from '../transports/http/http'
import { type GetJobResult, getJob } from './getJob'

async function clientOf(...scripts: Script[]) {
  const clock = new ManualClock()
  const server = await scriptedServer((received, response) =>
    scripts[Math.min(server.received.length, scripts.length) - 1]?.(received, response),
  )
  return {
    server,
    clock,
    client: createTrainingClient({ transport: http({ url: server.url, clock }), clock }),
  }
}
const found: Script = (_, response) => answer(response, 200, { success: true, job: wireJob() })
const lost: Script = (_, response) => cut(response)

describe('getJob', () => {
  it('reads a job', async () => {
    const { client } = await clientOf(found)
    expect(await getJob(client, { jobId: 'job_1' })).toMatchObject({ ok: true, job: { id: 'job_1', seq: 1 } })
  })

  it('keeps a status that it does not know', async () => {
    const { client } = await clientOf((_, response) =>
      answer(response, 200, { success: true, job: wireJob({ status: 'queued' }) }),
    )
    const result = await getJob(client, { jobId: 'job_1' })
    expect(result).toMatchObject({ ok: true, job: { status: 'unknown', raw_status: 'queued' } })
  })

  it('is tried again when a connection is lost, three times in all', async () => {
    const { client, clock, server } = await clientOf(lost, lost, found)
    const pending = getJob(client, { jobId: 'job_1' })
    await clock.pass(200)
    await clock.pass(400)
    expect(await pending).toMatchObject({ ok: true })
    expect(server.received).toHaveLength(3)
  })

  it('waits as long as the server asks for, where that is not long', async () => {
    const limited =
      (seconds: string): Script =>
      (_, response) =>
        answer(response, 429, {}, { 'retry-after': seconds })
    const short = await clientOf(limited('3'), found)
    const pending = getJob(short.client, { jobId: 'job_1' })
    await short.clock.pass(3000)
    expect(await pending).toMatchObject({ ok: true })
    const long = await clientOf(limited('60'))
    expect(await getJob(long.client, { jobId: 'job_1' })).toMatchObject({
      ...{ ok: false, error: { code: 'rate_limited', retryAfterSeconds: 60 } },
    })
  })

  it('can be given up while it waits to be tried again', async () => {
    const { client, clock } = await clientOf(lost)
    const abort = new AbortController()
    const pending = getJob(client, { jobId: 'job_1', signal: abort.signal })
    await clock.waitsFor(200)
    abort.abort()
    expect(await pending).toMatchObject({ ok: false, error: { code: 'aborted' } })
    expect(clock.running).toEqual([])
  })

  it('says what is wrong with an answer of another shape', async () => {
    const { client } = await clientOf((_, response) =>
      answer(response, 200, { success: true, job: { ...wireJob(), seq: 'seven' } }),
    )
    const result = await getJob(client, { jobId: 'job_1' })
    expect(result).toMatchObject({ ok: false, error: { code: 'invalid_response' } })
    expect(!result.ok && result.error.message).toContain('job.seq')
  })

  it('asks nobody about what can not be an id', async () => {
    const { client, server } = await clientOf(found)
    for (const jobId of ['', '..', 'a/b', 'a b', 'x'.repeat(65)]) {
      expect(await getJob(client, { jobId })).toMatchObject({ ok: false, error: { code: 'job_not_found' } })
    }
    expect(server.received).toEqual([])
  })

  it('has types', () => {
    expectTypeOf<Extract<GetJobResult, { ok: true }>['job']>().toEqualTypeOf<Job>()
    expectTypeOf<Job['status']>().toEqualTypeOf<JobStatus>()
    expectTypeOf(getJob).returns.toEqualTypeOf<Promise<GetJobResult>>()
  })
})
