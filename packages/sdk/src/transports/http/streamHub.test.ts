import { describe, expect, it } from 'vitest'
import { endEvent, envelope, jobEvent, metricsEvent } from '../../scripted/samples'
import { answer, type Script } from '../../scripted/scriptedServer'
import { of, streamServer } from '../../scripted/streamServer'

const beat = ': beat\n\n'
const gone = (jobId: string) =>
  `event: gone\ndata: ${JSON.stringify(of(jobId, { ...envelope(0), type: 'gone', data: { reason: 'There is no such job.' } }))}\n\n`
const refuse =
  (status: number, code?: string): Script =>
  (_, response) =>
    code === undefined
      ? void response.writeHead(status).end()
      : answer(response, status, { success: false, error: 'No.', code })
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('the streams of one transport', () => {
  it('are one for all jobs of a page', async () => {
    const { watch, stream, streams } = await streamServer()
    const [a, b, c] = ['a', 'b', 'c'].map((id) => watch(id))
    const all = await stream(0)
    expect(all).toMatchObject({ method: 'POST', jobs: { a: null, b: null, c: null } })
    all.send(beat, of('a', jobEvent()), of('b', jobEvent({ seq: 4 })), of('a', metricsEvent(2, 20)))
    await a?.event(2)
    expect([a, b, c].map((one) => one?.events())).toEqual([['job 1', 'metrics 2'], ['job 4'], []])
    expect(c?.last()?.connection).toMatchObject({ source: 'sse', stale: false })
    expect(streams.items).toHaveLength(1)
    for (const one of [a, b, c]) one?.stop()
    await all.closed
  })

  it("are a job's own where there is only one", async () => {
    const { watch, stream } = await streamServer()
    watch('a')
    expect(await stream(0)).toMatchObject({ method: 'GET', jobs: { a: null } })
  })

  it('are made anew for one who joins while the one that is there goes on, without gap or double', async () => {
    const { watch, stream, streams } = await streamServer()
    const a = watch('a')
    const first = await stream(0)
    first.send(of('a', jobEvent()), of('a', metricsEvent(2, 20)))
    await a.event(2)
    const b = watch('b')
    const second = await stream(1)
    expect(second).toMatchObject({ method: 'POST', jobs: { a: '1.2', b: null } })
    first.send(of('a', metricsEvent(3, 30)))
    await a.event(3)
    expect(b.events()).toEqual([])
    second.send(beat)
    await first.closed
    second.send(
      of('a', metricsEvent(3, 30)),
      of('b', jobEvent()),
      of('a', jobEvent({ seq: 3 })),
      of('a', metricsEvent(4, 40)),
      of('a', metricsEvent(4, 40)),
    )
    await a.event(4)
    await b.event(1)
    second.send(of('b', metricsEvent(2, 20)))
    await b.event(2)
    // What was heard on the stream before is passed over; what this one says twice is not ours to judge.
    expect(a.events()).toEqual(['job 1', 'metrics 2', 'metrics 3', 'metrics 4', 'metrics 4'])
    expect(streams.items).toHaveLength(2)
    expect(a.updates.items.every(({ connection }) => !connection.stale && connection.source === 'sse')).toBe(
      true,
    )
  })

  it('keep what they have where the new one does not come about', async () => {
    const { watch, stream, streams } = await streamServer({
      many: () => (streams.items.length === 1 ? (_, response) => void response.socket?.destroy() : null),
    })
    const a = watch('a')
    const first = await stream(0)
    first.send(of('a', jobEvent()))
    await a.event(1)
    const b = watch('b')
    await b.updates.first(({ connection }) => connection.attempt === 1)
    expect(b.last()).toMatchObject({ error: { code: 'server_unreachable' }, connection: { stale: true } })
    first.send(of('a', metricsEvent(2, 20)))
    await a.event(2)
    expect(a.last()).toMatchObject({ error: null, connection: { source: 'sse', stale: false, attempt: 0 } })
  })

  it("go on from each job's own place, with fresh headers", async () => {
    let asked = 0
    const { watch, stream, clock } = await streamServer(
      {},
      { headers: () => ({ authorization: `Bearer ${++asked}` }) },
    )
    const [a, b] = ['a', 'b'].map((id) => watch(id))
    const first = await stream(0)
    first.send(of('a', jobEvent({ seq: 7 })), of('b', jobEvent({ seq: 3 })))
    first.send(of('b', { ...envelope(9), type: 'bookmark', data: {} }))
    await b?.event(9)
    first.end()
    await a?.updates.first(({ connection }) => connection.source === 'none')
    await clock.pass(250)
    expect(await stream(1)).toMatchObject({
      jobs: { a: '1.7', b: '1.9' },
      headers: { authorization: 'Bearer 2' },
    })
  })

  it('end with job_not_found for a job that is gone, and for that one alone', async () => {
    const { watch, stream } = await streamServer()
    const [a, b] = ['a', 'b'].map((id) => watch(id))
    const all = await stream(0)
    all.send(beat, gone('b'), of('a', jobEvent()), of('a', metricsEvent(2, 20)))
    await a?.event(2)
    expect(b?.ends.items).toEqual(['job_not_found'])
    expect(a?.ends.items).toEqual([])
  })

  it('end with each job, and are closed when the last one has ended', async () => {
    const { watch, stream, clock } = await streamServer()
    const [a, b] = ['a', 'b'].map((id) => watch(id))
    const all = await stream(0)
    all.send(
      of('a', jobEvent({ status: 'completed' })),
      of('a', endEvent(1, 'completed')),
      of('b', jobEvent()),
    )
    await b?.event(1)
    expect(a?.ends.items).toEqual(['final'])
    all.send(of('b', jobEvent({ seq: 2, status: 'failed' })), of('b', endEvent(2, 'failed')))
    await all.closed
    expect(b?.ends.items).toEqual(['final'])
    expect(clock.running).toEqual([])
  })

  it('read the job, and no other, of which an event could not be read', async () => {
    const { watch, stream, reads, streams } = await streamServer()
    const [a, b] = ['a', 'b'].map((id) => watch(id))
    const all = await stream(0)
    all.send(of('a', jobEvent({ seq: 0 })), of('b', jobEvent()), 'data: {"type":"job","job_id":"a"}\n\n')
    await a?.updates.first(({ event }) => event?.type === 'job' && event.seq === 1)
    expect(a?.events()).toEqual(['job 0', 'reset 0', 'job 1'])
    expect(a?.last()).toMatchObject({ error: null, connection: { source: 'sse', stale: false } })
    expect(reads.items).toEqual(['a'])
    expect(b?.updates.items.every(({ connection, error }) => !connection.stale && error === null)).toBe(true)
    expect(streams.items).toHaveLength(1)
  })

  it('are given up for polling where it can not be told of which job an event could not be read', async () => {
    const { watch, stream, clock } = await streamServer()
    const [a, b] = ['a', 'b'].map((id) => watch(id))
    const all = await stream(0)
    all.send(of('a', jobEvent({ seq: 0 })), of('b', jobEvent({ seq: 0 })), 'data: ?\n\n')
    for (const one of [a, b]) {
      expect(await one?.event(1)).toMatchObject({ connection: { source: 'polling' } })
      expect(one?.events()).toEqual(['job 0', 'reset 0', 'job 1'])
    }
    clock.advance(60_000)
    expect((await stream(1)).jobs).toEqual({ a: null, b: null })
  })

  it('tell the others from time to time that the server is there, where always one job speaks', async () => {
    const { watch, stream, clock } = await streamServer()
    const [a, b] = ['a', 'b'].map((id) => watch(id))
    const all = await stream(0)
    all.send(of('a', jobEvent()), of('b', jobEvent()))
    await b?.event(1)
    clock.advance(9000)
    all.send(of('a', metricsEvent(2, 20)))
    await a?.event(2)
    expect(b?.updates.items).toHaveLength(1)
    clock.advance(1000)
    all.send(of('a', metricsEvent(3, 30)))
    await a?.event(3)
    expect(b?.updates.items).toHaveLength(2)
    expect(b?.last()).toMatchObject({ event: null, connection: { lastEventAt: clock.now() } })
  })

  it('are made anew where most have left, and kept where one has', async () => {
    const { watch, stream, streams } = await streamServer()
    const [, b, c] = ['a', 'b', 'c'].map((id) => watch(id))
    const all = await stream(0)
    all.send(of('a', jobEvent()), of('b', jobEvent()), of('c', jobEvent()))
    await c?.event(1)
    c?.stop()
    await settle()
    expect(streams.items).toHaveLength(1)
    b?.stop()
    const own = await stream(1)
    expect(own).toMatchObject({ method: 'GET', jobs: { a: '1.1' } })
    own.send(beat)
    await all.closed
  })

  it('tell two who watch the same job the same, from the place that serves both', async () => {
    const { watch, stream } = await streamServer()
    const first = watch('a')
    const own = await stream(0)
    own.send(of('a', jobEvent()))
    await first.event(1)
    const second = watch('a')
    const both = await stream(1)
    expect(both.jobs).toEqual({ a: null })
    both.send(of('a', jobEvent()), of('a', metricsEvent(2, 20)))
    await second.event(2)
    expect(first.events()).toEqual(['job 1', 'metrics 2'])
    expect(second.events()).toEqual(['job 1', 'metrics 2'])
  })
})

describe('where a server has no stream for many', () => {
  it.each([
    ['no such route', refuse(404, 'not_found')],
    ['a bare 404', refuse(404)],
    ['a 405', refuse(405)],
    ['a page', (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>')] as [
      string,
      Script,
    ],
    ['a refusal of that path alone', refuse(403, 'forbidden')],
  ])('(%s) three jobs get streams of their own, and the others are polled', async (_, script) => {
    const { watch, stream, streams, reads, server } = await streamServer({ many: () => script })
    const all = ['a', 'b', 'c', 'd'].map((id) => watch(id))
    for (const index of [0, 1, 2]) {
      const own = await stream(index)
      expect(own.method).toBe('GET')
      own.send(of(Object.keys(own.jobs)[0] ?? '', jobEvent({ seq: 5 })))
    }
    for (const one of all.slice(0, 3))
      expect(await one.event(5)).toMatchObject({ connection: { source: 'sse' }, error: null })
    expect(await all[3]?.event(1)).toMatchObject({ connection: { source: 'polling' }, error: null })
    expect(reads.items).toEqual(['d'])
    // One that ends makes room for one that was polled.
    all[0]?.stop()
    const own = await stream(3)
    expect(own).toMatchObject({ method: 'GET', jobs: { d: null } })
    expect(server.received.filter(({ method }) => method === 'POST')).toHaveLength(1)
    expect(streams.items).toHaveLength(4)
  })

  it('one for all is tried again beside them, and takes over when it speaks', async () => {
    let refusals = 0
    // Nothing is said on the streams while the clock is moved on.
    const { watch, stream, streams, clock, reads } = await streamServer(
      { many: () => (refusals++ < 2 ? refuse(404) : null) },
      { stallTimeoutSeconds: 600 },
    )
    const all = ['a', 'b', 'c', 'd'].map((id) => watch(id))
    for (const index of [0, 1, 2]) {
      const own = await stream(index)
      own.send(of(Object.keys(own.jobs)[0] ?? '', jobEvent({ seq: 5 })))
    }
    for (const one of all.slice(0, 3)) await one.event(5)
    await all[3]?.event(1)
    await clock.pass(60_000)
    await clock.pass(120_000)
    const one = await stream(3)
    expect(one).toMatchObject({ method: 'POST', jobs: { a: '1.5', b: '1.5', c: '1.5', d: null } })
    one.send(beat)
    await Promise.all(streams.items.slice(0, 3).map(({ closed }) => closed))
    one.send(of('d', jobEvent({ seq: 9 })), of('a', metricsEvent(6, 60)))
    expect(await all[3]?.event(9)).toMatchObject({ connection: { source: 'sse' } })
    await all[0]?.event(6)
    expect(all[0]?.events()).toEqual(['job 5', 'metrics 6'])
    expect(all[0]?.updates.items.every(({ connection }) => connection.source === 'sse')).toBe(true)
    const polled = reads.items.length
    clock.advance(60_000)
    await settle()
    expect(reads.items).toHaveLength(polled)
    expect(refusals).toBe(3)
  })

  it('more jobs than it takes at once are shared out', async () => {
    const { watch, stream } = await streamServer({
      many: ({ body }) =>
        Object.keys(JSON.parse(body).jobs).length > 200 ? refuse(422, 'invalid_request') : null,
    })
    for (let i = 0; i < 450; i++) watch(`job_${i}`)
    const sizes = []
    for (const index of [0, 1, 2]) sizes.push(Object.keys((await stream(index)).jobs).length)
    expect(sizes).toEqual([200, 200, 50])
  })

  it('and none for one either, jobs are polled two at a time, so that a Stop finds a free connection', async () => {
    const waiting: (() => void)[] = []
    const { watch, reads } = await streamServer({
      many: () => refuse(404),
      single: () => refuse(404),
      read: (id) => (_, response) => {
        waiting.push(() => answer(response, 200, { success: true, job: of(id, jobEvent({ seq: 2 })).data }))
      },
    })
    const all = Array.from({ length: 10 }, (_, i) => watch(`job_${i}`))
    for (let i = 0; i < 10; i++) {
      await reads.first(() => reads.items.length > i)
      await settle()
      expect(waiting.length).toBeLessThanOrEqual(2)
      waiting.shift()?.()
    }
    for (const one of all) expect(await one.event(2)).toMatchObject({ connection: { source: 'polling' } })
  })
})
