import { describe, expect, expectTypeOf, it } from 'vitest'
import { createTrainingClient } from '../client/createTrainingClient'
import { commandServer } from '../scripted/commandServer'
import { sampleCommand, wireJob } from '../scripted/samples'
import { answer, cut, scriptedServer } from '../scripted/scriptedServer'
import { http } from '../transports/http/http'
import { type ResumeJobParameters, resumeJob } from './resumeJob'

describe('resumeJob', () => {
  it('sends which checkpoint to go on from', async () => {
    const server = await commandServer({})
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    await resumeJob(client, { jobId: 'job_1', from: 'best', note: 'again' })
    expect(JSON.parse(server.controls[0]?.body ?? '')).toEqual({
      action: 'resume',
      from: 'best',
      note: 'again',
    })
  })

  it('tells that there is nothing to resume from', async () => {
    const body = { success: false, error: 'No checkpoint.', code: 'no_checkpoint' }
    const server = await commandServer({ fates: [{ status: 409, body }] })
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    const result = await resumeJob(client, { jobId: 'job_1' })
    expect(result).toMatchObject({ ok: false, error: { code: 'no_checkpoint', message: 'No checkpoint.' } })
  })

  it('finds the new job when the answer that told it is lost', async () => {
    const old = (key: string) =>
      wireJob({
        status: 'cancelled',
        resumed_as: 'job_2',
        last_command: sampleCommand({ id: 'cmd_2', action: 'resume', idempotency_key: key }),
      })
    const server = await scriptedServer((received, response) => {
      if (received.method === 'POST') return cut(response)
      const key = String(server.received[0]?.headers['idempotency-key'])
      const job = received.path.endsWith('/job_2') ? wireJob({ id: 'job_2' }) : old(key)
      answer(response, 200, { success: true, job })
    })
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    const result = await resumeJob(client, { jobId: 'job_1' })
    expect(result).toMatchObject({ ok: true, command: { id: 'cmd_2' }, job: { id: 'job_2' } })
  })

  it('is not sent twice to a server that can not be asked: it might start two runs', async () => {
    const server = await commandServer({ fates: ['lost after'], reads: 'no such call' })
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    const result = await resumeJob(client, { jobId: 'job_1' })
    expect(result).toMatchObject({ ok: false, error: { code: 'outcome_unknown' } })
    expect(server.controls).toHaveLength(1)
  })

  it('only resumes the job that was looked at, if it is told to', async () => {
    const server = await commandServer({})
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    await resumeJob(client, { jobId: 'job_1', statusVersion: 0 })
    expect(server.controls[0]?.headers['if-match']).toBe('"0"')
  })

  it('takes last, best or an id', () => {
    expectTypeOf<'last' | 'best'>().toExtend<ResumeJobParameters['from']>()
    expectTypeOf<string>().toExtend<ResumeJobParameters['from']>()
  })
})
