import { describe, expect, expectTypeOf, it } from 'vitest'
import { createTrainingClient } from '../client/createTrainingClient'
import type { Job } from '../protocol'
import { ManualClock } from '../scripted/manualClock'
import { vector, wireJob } from '../scripted/samples'
import { answer, cut, type Script, scriptedServer } from '../scripted/scriptedServer'
import { http } from '../transports/http/http'
import { type StartJobParameters, type StartJobResult, startJob } from './startJob'

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
const started: Script = ({ method }, response) =>
  method === 'GET'
    ? answer(response, 200, vector('CapabilitiesAnswer'))
    : answer(response, 201, { success: true, job: wireJob({ status: 'pending' }) })
const lost: Script = (_, response) => cut(response)
const lostButReadable: Script = (received, response) =>
  received.method === 'GET' ? started(received, response) : cut(response)

describe('startJob', () => {
  it('sends the template, the name and the parameters, and tells the job', async () => {
    const { client, server } = await clientOf(started)
    const result = await startJob(client, { template: 'digits', name: 'Try 3', params: { epochs: 4 } })
    expect(result).toMatchObject({ ok: true, job: { id: 'job_1', status: 'pending' } })
    expect(server.received[0]).toMatchObject({ method: 'POST', path: '/api/training/jobs' })
    expect(JSON.parse(server.received[0]?.body ?? '')).toEqual({
      ...{ template: 'digits', name: 'Try 3', params: { epochs: 4 } },
    })
  })

  it('is sent again with the same key when its answer is lost', async () => {
    const { client, server, clock } = await clientOf(lost, started)
    const pending = startJob(client, { template: 'digits' })
    await clock.pass(200)
    expect(await pending).toMatchObject({ ok: true, job: { id: 'job_1' } })
    // In between it was asked what it can do: only a server that speaks the protocol honours the key.
    expect(server.received.map(({ method }) => method)).toEqual(['POST', 'GET', 'POST'])
    const starts = server.received.filter(({ method }) => method === 'POST')
    const keys = starts.map(({ headers }) => headers['idempotency-key'])
    expect(keys).toHaveLength(2)
    expect(new Set(keys).size).toBe(1)
  })

  it('says that it does not know when every answer is lost', async () => {
    const { client, clock, server } = await clientOf(lostButReadable)
    const pending = startJob(client, { template: 'digits', idempotencyKey: 'mine' })
    await clock.pass(200)
    await clock.pass(400)
    expect(await pending).toMatchObject({
      ...{ ok: false, error: { code: 'outcome_unknown', idempotencyKey: 'mine' } },
    })
    expect(server.received.filter(({ method }) => method === 'POST')).toHaveLength(3)
  })

  it('tells which parameter is wrong', async () => {
    const body = { success: false, error: 'At most 100.', code: 'invalid_request', field: 'params.epochs' }
    const { client } = await clientOf((_, response) => answer(response, 422, body))
    const result = await startJob(client, { template: 'digits', params: { epochs: 1e9 } })
    expect(result).toMatchObject({ ok: false, error: { code: 'invalid_request', field: 'params.epochs' } })
  })

  it('has types', () => {
    expectTypeOf<Extract<StartJobResult, { ok: true }>['job']>().toEqualTypeOf<Job>()
    expectTypeOf<StartJobParameters['template']>().toEqualTypeOf<string>()
    // @ts-expect-error A template is needed.
    startJob({} as never, {})
  })
})
