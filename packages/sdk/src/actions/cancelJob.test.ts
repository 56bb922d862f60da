import { describe, expect, expectTypeOf, it, vi } from 'vitest'
import { createTrainingClient } from '../client/createTrainingClient'
import type { Command, Job, Outcome } from '../protocol'
import { type CommandServerOptions, commandServer, type Fate } from '../scripted/commandServer'
import { sampleCommand, wireJob } from '../scripted/samples'
import { answer, scriptedServer } from '../scripted/scriptedServer'
import { http } from '../transports/http/http'
import { type CancelJobError, type CancelJobResult, cancelJob } from './cancelJob'

/** Cancels against such a server, letting back-off pass at once. */
async function cancelAgainst(options: CommandServerOptions) {
  const server = await commandServer(options)
  const client = createTrainingClient({
    transport: http({ url: server.url, clock: server.clock }),
    clock: server.clock,
  })
  const pending = cancelJob(client, { jobId: 'job_1', reason: 'overfitting' })
  const over = pending.then(() => 'over' as const)
  for (const backOff of [200, 400]) {
    if ((await Promise.race([over, server.clock.waitsFor(backOff)])) === 'over') break
    server.clock.advance(backOff)
  }
  return { result: await pending, server }
}

describe('cancelJob', () => {
  it('sends what it was given and tells the command, the job and the outcome', async () => {
    const server = await commandServer({})
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    const result = await cancelJob(client, {
      ...{ jobId: 'job_1', mode: 'force', reason: 'cost', note: 'too dear', graceSeconds: 5 },
      waitSeconds: 600,
    })
    expect(JSON.parse(server.controls[0]?.body ?? '')).toEqual({
      ...{ action: 'cancel', mode: 'force', reason: 'cost', note: 'too dear', grace_seconds: 5 },
      wait_seconds: 600,
    })
    expect(result).toMatchObject({
      ok: true,
      outcome: 'accepted',
      command: { id: 'cmd_1' },
      job: { status: 'stopping' },
    })
  })

  it('has a key of its own for each call, unless it is given one', async () => {
    const server = await commandServer({})
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    for (const idempotencyKey of [undefined, undefined, 'mine']) {
      await cancelJob(client, { jobId: 'job_1', idempotencyKey })
    }
    const [first, second, third] = server.keys()
    expect(first).toMatch(/^[0-9a-f]{32}$/)
    expect(second).not.toBe(first)
    expect(third).toBe('mine')
  })

  it('tells a no_op with the true status', async () => {
    const server = await scriptedServer((_, response) => {
      const result = { outcome: 'no_op', command: null, job: wireJob({ status: 'completed' }) }
      answer(response, 200, { success: true, action: 'cancel', job_id: 'job_1', result })
    })
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    const result = await cancelJob(client, { jobId: 'job_1' })
    expect(result).toMatchObject({ ok: true, outcome: 'no_op', command: null, job: { status: 'completed' } })
  })

  it.each([
    ['anything', { message: 'stopping now' }],
    ['nothing', null],
    ['a word', 'ok'],
    ['a job of another shape', { job: { id: 'job_1', state: 'STOPPED' } }],
  ])('works with the smallest compatible server, whose result holds %s', async (_, result) => {
    const body = { success: true, action: 'cancel', job_id: 'job_1', result }
    const server = await scriptedServer((_, response) => answer(response, 200, body))
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    expect(await cancelJob(client, { jobId: 'job_1' })).toEqual({
      ...{ ok: true, outcome: 'accepted', command: null, job: null },
    })
  })

  it('does not take an answer about another call for its own', async () => {
    const body = { success: true, action: 'pause', job_id: 'job_1', result: null }
    const server = await scriptedServer((received, response) =>
      received.method === 'POST' ? answer(response, 200, body) : answer(response, 404, body),
    )
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    expect(await cancelJob(client, { jobId: 'job_1' })).toMatchObject({
      ...{ ok: false, error: { code: 'invalid_response' } },
    })
  })

  it('sends nothing for what can not be an id', async () => {
    const client = createTrainingClient({ transport: http({ url: 'http://127.0.0.1:1' }) })
    const result = await cancelJob(client, { jobId: '../admin', idempotencyKey: 'mine' })
    expect(result).toMatchObject({
      ...{ ok: false, error: { code: 'job_not_found', arrived: 'no', idempotencyKey: 'mine' } },
    })
  })

  it('does not reject even if the transport does what it must not', async () => {
    const transport = { request: () => Promise.reject('boom'), subscribe: () => () => {} }
    const result = await cancelJob(createTrainingClient({ transport }), { jobId: 'job_1' })
    expect(result).toMatchObject({ ok: false, error: { code: 'internal' } })
  })
})

describe('cancelJob over a network that loses things', () => {
  const unavailable: Fate = { status: 503, body: '<h1>try later' }
  const failed: Fate = {
    status: 500,
    body: { success: false, error: 'Disk full.', code: 'internal' },
    arrives: true,
  }

  it.each<[string, CommandServerOptions, number]>([
    ['an answer is lost, and a read finds the command', { fates: ['lost after'] }, 1],
    ['the answer can not be read, and a read finds the command', { fates: ['garbled after'] }, 1],
    ['the server fails after it has accepted', { fates: [failed] }, 1],
    ['the call is lost, and sent again', { fates: ['lost before', 'answered'] }, 2],
    ['it is lost twice, and sent again', { fates: ['lost before', unavailable, 'answered'] }, 3],
    [
      'answers and reads are lost, and the second answer comes',
      { fates: ['lost after', 'answered'], reads: 'lost' },
      2,
    ],
  ])('knows that it was accepted when %s, and there is one command', async (_, options, sent) => {
    const { result, server } = await cancelAgainst(options)
    expect(result).toMatchObject({
      ok: true,
      outcome: 'accepted',
      command: { id: 'cmd_1', reason: 'overfitting' },
    })
    expect(server.commands).toHaveLength(1)
    expect(server.controls).toHaveLength(sent)
    expect(new Set(server.keys()).size).toBe(1)
  })

  it('finds its command in the list when another has taken its place', async () => {
    const newer = sampleCommand({ id: 'cmd_9', status: 'active', idempotency_key: 'another' })
    const { result } = await cancelAgainst({
      fates: ['lost after'],
      job: { status: 'stopping', command: newer },
    })
    expect(result).toMatchObject({ ok: true, command: { id: 'cmd_1' }, job: { command: { id: 'cmd_9' } } })
  })

  it('knows that there is nothing left to stop when a read shows a final job', async () => {
    const { result, server } = await cancelAgainst({ fates: ['lost before'], job: { status: 'completed' } })
    expect(result).toMatchObject({ ok: true, outcome: 'no_op', command: null, job: { status: 'completed' } })
    expect(server.controls).toHaveLength(1)
  })

  it('says that it does not know when calls and reads are lost, with the key to go on with', async () => {
    const { result, server } = await cancelAgainst({ fates: ['lost after'], reads: 'lost' })
    expect(result).toMatchObject({ ok: false, error: { code: 'outcome_unknown', arrived: 'unknown' } })
    expect(server.controls).toHaveLength(3)
    if (result.ok || result.error.code !== 'outcome_unknown') throw new Error()
    expect(result.error.idempotencyKey).toBe(server.keys()[0])
  })

  it('does not say "nothing was changed" of a second attempt when the first may have arrived', async () => {
    const unreachable = { status: 502, body: { success: false, error: 'Away.', code: 'server_unreachable' } }
    const { result } = await cancelAgainst({ fates: ['lost after', unreachable], reads: 'lost' })
    expect(result).toMatchObject({ ok: false, error: { code: 'outcome_unknown' } })
  })

  it('believes a refusal, and does not ask again', async () => {
    const conflict = {
      status: 409,
      body: { success: false, error: 'No.', code: 'conflict', status: 'paused' },
    }
    const { result, server } = await cancelAgainst({ fates: [conflict] })
    expect(result).toMatchObject({ ok: false, error: { code: 'conflict', jobStatus: 'paused' } })
    expect(server.received).toHaveLength(1)
  })

  it('believes a refusal after a lost call too, since the server has looked at the same key', async () => {
    const conflict = { status: 409, body: { success: false, error: 'No.', code: 'conflict' } }
    const { result } = await cancelAgainst({ fates: ['lost before', conflict] })
    expect(result).toMatchObject({ ok: false, error: { code: 'conflict', arrived: 'yes' } })
  })

  it("quotes the server that failed and doesn't have the command", async () => {
    const { result, server } = await cancelAgainst({ fates: [{ ...failed, arrives: false }] })
    expect(result).toMatchObject({ ok: false, error: { code: 'internal', message: 'Disk full.' } })
    expect(server.controls).toHaveLength(3)
  })

  it('reports at once that the training server is away, when the host says that nothing was sent', async () => {
    const body = { success: false, error: 'Away, nothing was changed.', code: 'server_unreachable' }
    const { result, server } = await cancelAgainst({ fates: [{ status: 502, body }] })
    expect(result).toMatchObject({
      ok: false,
      error: { code: 'server_unreachable', arrived: 'no', status: 502 },
    })
    expect(server.received).toHaveLength(1)
  })

  it.each([
    ['refused', { status: 403, body: { success: false, error: 'No.', code: 'forbidden' } }],
    ['garbled', 'garbled after'],
    ['given nonsense', { status: 418, body: '' }],
  ] satisfies [string, Fate][])('that is %s bears the key to go on with', async (_, fate) => {
    const { result, server } = await cancelAgainst({ fates: [fate], reads: 'lost' })
    expect(!result.ok && result.error.idempotencyKey).toBe(server.keys()[0])
  })

  it('gives up after the time in which a person waits, and settles that by a read', async () => {
    const server = await commandServer({ fates: ['never answered'] })
    const { clock } = server
    const client = createTrainingClient({ transport: http({ url: server.url, clock }), clock })
    const pending = cancelJob(client, { jobId: 'job_1' })
    await server.receives(1)
    clock.advance(15_000)
    expect(await pending).toMatchObject({ ok: true, outcome: 'accepted', command: { id: 'cmd_1' } })
  })

  it('is given up with its signal, and says that it may have been carried out', async () => {
    const server = await commandServer({ fates: ['never answered'] })
    const abort = new AbortController()
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    const pending = cancelJob(client, { jobId: 'job_1', signal: abort.signal })
    await server.receives(1)
    abort.abort()
    expect(await pending).toMatchObject({ ok: false, error: { code: 'aborted', arrived: 'unknown' } })
  })

  it('offline fails at once, and nothing is sent when the network is back', async () => {
    vi.stubGlobal('navigator', { onLine: false })
    let tries = 0
    const fetch = () => {
      tries++
      return Promise.reject(new TypeError('Failed to fetch'))
    }
    const client = createTrainingClient({ transport: http({ url: 'https://training.example', fetch }) })
    expect(await cancelJob(client, { jobId: 'job_1' })).toMatchObject({
      ...{ ok: false, error: { code: 'not_sent', arrived: 'no' } },
    })
    vi.stubGlobal('navigator', { onLine: true })
    globalThis.dispatchEvent?.(new Event('online'))
    expect(tries).toBe(1)
  })
})

describe('the types of cancelJob', () => {
  it('tell results apart by ok, and errors exhaustively by code', () => {
    const read = (result: CancelJobResult): string | null => {
      if (result.ok) {
        expectTypeOf(result.outcome).toEqualTypeOf<Outcome>()
        expectTypeOf(result.command).toEqualTypeOf<Command | null>()
        expectTypeOf(result.job).toEqualTypeOf<Job | null>()
        return result.command?.deadline ?? null
      }
      expectTypeOf(result.error).toEqualTypeOf<CancelJobError>()
      return result.error.message
    }
    expectTypeOf(read).returns.toEqualTypeOf<string | null>()
    expectTypeOf(cancelJob).parameter(1).toHaveProperty('jobId').toBeString()
    // @ts-expect-error A stop that is asked for is never refused for what has changed meanwhile.
    cancelJob({} as never, { jobId: 'job_1', statusVersion: 7 })
  })
})
