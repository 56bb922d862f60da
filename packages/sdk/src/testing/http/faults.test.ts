import { describe, expect, it } from 'vitest'
import type { WireEvent } from '../../protocol'
import { systemClock } from '../../transports/clock'
import { createMockTrainingServer, type MockTrainingServer } from '../createMockTrainingServer'
import type { CallFault, StreamFault } from './fault'

const base = '/api/training'
const cancel = (server: MockTrainingServer, jobId: string, init: RequestInit = {}) =>
  server.fetch(`${base}/cancel/${jobId}`, { method: 'POST', ...init })

describe('a call', () => {
  it.each<[CallFault, string | number, string]>([
    [{ do: 'refuse' }, 'ECONNREFUSED', 'running'],
    [{ do: 'lose_request' }, 'ECONNRESET', 'running'],
    [{ do: 'lose_answer' }, 'ECONNRESET', 'stopping'],
    [{ do: 'expire_token' }, 401, 'running'],
    [{ do: 'duplicate' }, 200, 'stopping'],
    [{ do: 'answer', status: 500, body: '<h1>Oops' }, 500, 'running'],
    [{ do: 'answer', status: 502, arrives: true }, 502, 'stopping'],
    [{ do: 'answer', status: 204 }, 204, 'running'],
  ])('that meets %j ends in %s, and leaves the job %s', async (fault, end, status) => {
    const server = createMockTrainingServer()
    const jobId = server.createJobIn('running')
    server.fault({ on: 'control', ...fault })
    const seen = await cancel(server, jobId).then(
      (response) => response.status,
      (error: TypeError) => (error.cause as { code: string }).code,
    )
    expect([seen, server.job(jobId).status]).toEqual([end, status])
    expect((await cancel(server, jobId)).status, 'the next one is well').toBe(200)
  })

  it('that is delayed is carried out at once, and answered when the time has passed', async () => {
    const server = createMockTrainingServer()
    const jobId = server.createJobIn('running')
    server.fault({ do: 'delay', seconds: 30 })
    let answered = false
    const answer = cancel(server, jobId).then(() => {
      answered = true
    })
    await server.advance(29)
    expect([server.job(jobId).status, answered]).toEqual(['stopping', false])
    await server.advance(1)
    await answer
  })

  it('that is never answered ends with its signal', async () => {
    const server = createMockTrainingServer()
    const left = new AbortController()
    server.fault({ do: 'never_answer' })
    const answer = cancel(server, server.createJobIn('running'), { signal: left.signal })
    left.abort(new Error('gave up'))
    await expect(answer).rejects.toThrow('gave up')
  })

  it('that is overtaken arrives after the next one', async () => {
    const server = createMockTrainingServer()
    const jobId = server.createJobIn('running')
    server.fault({ do: 'reorder', on: 'control' })
    const first = cancel(server, jobId)
    const second = await server.fetch(`${base}/pause/${jobId}`, { method: 'POST' })
    expect((await second.json()).result.job.status).toBe('pausing')
    expect((await (await first).json()).result.job.status).toBe('stopping')
  })

  it('meets a fault only where it is about it, so often as it says, until it is taken away', async () => {
    const server = createMockTrainingServer()
    const [one, other] = [server.createJobIn('running'), server.createJobIn('running')]
    const stop = server.fault({
      do: 'refuse',
      on: ['control', 'job'],
      jobId: one,
      times: Number.POSITIVE_INFINITY,
    })
    expect((await cancel(server, other)).status).toBe(200)
    for (let i = 0; i < 3; i++) await expect(cancel(server, one)).rejects.toThrow('fetch failed')
    await expect(server.fetch(`${base}/jobs/${one}`)).rejects.toThrow('fetch failed')
    expect((await server.fetch(`${base}/jobs/${one}/commands`)).status).toBe(200)
    stop()
    expect((await cancel(server, one)).status).toBe(200)
  })
})

describe('a stream', () => {
  /** What comes of ten steps, of which each is an event, by their steps; and how it ended. */
  async function stepsSeen(fault: StreamFault): Promise<[number[], string]> {
    const server = createMockTrainingServer()
    const jobId = server.createJobIn('running')
    server.fault({ on: 'events', ...fault })
    const { body } = await server.fetch(`${base}/jobs/${jobId}/events`)
    let text = ''
    const end = (async () => {
      for await (const chunk of body as unknown as AsyncIterable<Uint8Array>)
        text += new TextDecoder().decode(chunk)
      return 'ended'
    })().catch(() => 'broke')
    for (let step = 1; step <= 10; step++) {
      server.run(jobId).step(step)
      await server.advance(1)
    }
    server.clearFaults()
    await server.advance(20)
    const open = new Promise<string>((resolve) => setImmediate(() => resolve('open')))
    const events = [...text.matchAll(/data: (.*)\n/g)].map(([, data]) => JSON.parse(data ?? '') as WireEvent)
    const steps = events.flatMap((event) => (event.type === 'metrics' ? [event.data.progress.step ?? 0] : []))
    return [steps, await Promise.race([end, open])]
  }

  it.each<[StreamFault, number[], string]>([
    [{ do: 'cut', afterEvents: 4 }, [1, 2], 'broke'],
    [{ do: 'close', afterEvents: 4 }, [1, 2], 'ended'],
    [{ do: 'silence', afterEvents: 4 }, [1, 2], 'open'],
    [{ do: 'lose_events', afterEvents: 2 }, [1, 3, 5, 7, 9], 'open'],
    [{ do: 'duplicate_events', every: 5, afterEvents: 2 }, [1, 2, 3, 4, 5, 5, 6, 7, 8, 9, 10, 10], 'open'],
    [{ do: 'reorder_events', every: 3, afterEvents: 2 }, [1, 2, 4, 3, 5, 7, 6, 8, 10, 9], 'open'],
    [{ do: 'delay_events', seconds: 5, afterEvents: 2 }, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 'open'],
  ])('that meets %j', async (fault, steps, end) => {
    expect(await stepsSeen(fault)).toEqual([steps, end])
  })

  it('ends when the server is restarted, and goes on by its cursor without a gap', async () => {
    const server = createMockTrainingServer()
    const jobId = server.createJobIn('running')
    const read = async (headers: Record<string, string> = {}) => {
      const response = await server.fetch(`${base}/jobs/${jobId}/events`, { headers })
      server.dropStreams()
      return [...(await response.text()).matchAll(/id: 1\.(\d+)/g)].map(([, seq]) => Number(seq))
    }
    const [first = 0] = await read()
    server.run(jobId).step(109)
    server.run(jobId).step(110)
    expect(await read({ 'last-event-id': `1.${first}` })).toEqual([first + 1, first + 2])
  })

  it('says reset where its events are kept no longer, and of many jobs that one is gone', async () => {
    const server = createMockTrainingServer()
    const [jobId, gone] = [server.createJobIn('running'), server.createJobIn('running')]
    server.run(jobId).step(109)
    server.forgetEvents(jobId)
    const jobs = { [jobId]: '1.2', [gone]: null }
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jobs }),
    }
    const response = await server.fetch(`${base}/events`, init)
    server.removeJob(gone)
    server.run(jobId).exit()
    const types = [...(await response.text()).matchAll(/event: (\w+)\n.*?"job_id":"(\w+)"/g)]
    const of = (id: string) => types.filter(([, , of]) => of === id).map(([, type]) => type)
    expect(of(jobId).slice(0, 2)).toEqual(['reset', 'job'])
    expect(of(gone).at(-1)).toBe('gone')
  })
})

it('lets in whom it is told to, each to their own jobs', async () => {
  const server = createMockTrainingServer({
    authenticate: (authorization) =>
      authorization === 'Bearer ada' ? { kind: 'user', id: 'ada', name: 'Ada' } : null,
  })
  const [hers, his] = [server.createJobIn('running', { owner: 'ada' }), server.createJob({ owner: 'bob' })]
  const headers = { authorization: 'Bearer ada' }
  expect((await cancel(server, hers)).status).toBe(401)
  expect((await cancel(server, his, { headers })).status).toBe(404)
  const { result } = await (await cancel(server, hers, { headers })).json()
  expect(result.command.actor).toEqual({ type: 'user', id: 'ada', name: 'Ada' })
})

it('says that its time can not be moved where it goes by a clock that runs by itself', async () => {
  const server = createMockTrainingServer({ clock: systemClock })
  await expect(server.advance(1)).rejects.toThrow('goes by a clock that runs by itself')
})
