import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import type { TrainingError } from '../../errors/trainingError'
import { Collected } from '../../scripted/collected'
import { ManualClock } from '../../scripted/manualClock'
import { endEvent, envelope, jobEvent, metricsEvent, wireJob } from '../../scripted/samples'
import {
  answer,
  cut,
  openStream,
  type Received,
  type Script,
  type ScriptedServer,
  scriptedServer,
  sse,
} from '../../scripted/scriptedServer'
import type { TransportUpdate } from '../transport'
import { type HttpTransportOptions, http } from './http'

/** A subscription to a server whose streams and reads follow two scripts, one entry for each time it is asked. */
async function watch(
  { streams = [], reads = [] }: { streams?: Script[]; reads?: Script[] },
  options: Partial<HttpTransportOptions> = {},
) {
  const seen = { streams: [] as Received[], reads: [] as Received[] }
  const script: Script = (received, response) => {
    const kind = received.path.endsWith('/events') ? 'streams' : 'reads'
    const scripts = kind === 'streams' ? streams : reads
    seen[kind].push(received)
    const next = scripts[Math.min(seen[kind].length, scripts.length) - 1]
    return next ? next(received, response) : cut(response)
  }
  const server = await scriptedServer(script)
  const clock = new ManualClock()
  const updates = new Collected<TransportUpdate>()
  const ends = new Collected<{ error: TrainingError | null }>()
  const transport = http({ url: server.url, clock, ...options })
  const stop = transport.subscribe({
    jobId: 'job_1',
    observer: { next: updates.push, end: (error) => ends.push({ error }) },
  })
  return {
    ...{ server, script, clock, updates, stop, seen },
    ended: () => ends.first(() => true),
    event: (seq: number) => updates.first(({ event }) => event?.seq === seq),
    events: () => updates.items.flatMap(({ event }) => (event ? [`${event.type} ${event.seq}`] : [])),
  }
}

const stream =
  (...parts: (Parameters<typeof sse>[0] | string)[]): Script =>
  (_, response) => {
    openStream(response)
    for (const part of parts) response.write(typeof part === 'string' ? part : sse(part))
  }
const closedStream =
  (...parts: Parameters<typeof stream>): Script =>
  (received, response) => {
    stream(...parts)(received, response)
    response.end()
  }
const job =
  (changes: Parameters<typeof wireJob>[0] = {}): Script =>
  (_, response) =>
    answer(response, 200, { success: true, job: wireJob(changes) })
const refuse =
  (status: number, code: string): Script =>
  (_, response) =>
    answer(response, status, { success: false, error: 'No.', code })
const html: Script = (_, response) => {
  response.writeHead(200, { 'content-type': 'text/html' }).end('<p>hello')
}
const broken: Script = (_, response) => cut(response)

describe('a subscription by stream', () => {
  it('tells the snapshot, what follows, and ends with the job', async () => {
    const { ended, events, updates, seen } = await watch({
      streams: [
        stream(
          jobEvent(),
          metricsEvent(2, 10),
          jobEvent({ seq: 3, status: 'completed' }),
          endEvent(3, 'completed'),
        ),
      ],
    })
    expect(await ended()).toEqual({ error: null })
    expect(events()).toEqual(['job 1', 'metrics 2', 'job 3', 'end 3'])
    expect(updates.items[0]?.connection).toMatchObject({ source: 'sse', stale: false, attempt: 0 })
    expect(updates.items.at(-1)?.connection.source).toBe('none')
    expect(seen.streams).toHaveLength(1)
    expect(seen.reads).toHaveLength(0)
  })

  it('does not take the end of the stream for the end of the job: it goes on where it was, with fresh headers', async () => {
    let asked = 0
    const { event, events, clock, seen, stop } = await watch(
      { streams: [closedStream(jobEvent(), metricsEvent(2, 10)), stream(metricsEvent(3, 20))] },
      { headers: () => ({ authorization: `Bearer ${++asked}` }) },
    )
    await clock.pass(250)
    await event(3)
    expect(events()).toEqual(['job 1', 'metrics 2', 'metrics 3'])
    expect(seen.streams.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1.2'])
    expect(seen.streams.map(({ headers }) => headers.authorization)).toEqual(['Bearer 1', 'Bearer 2'])
    stop()
  })

  it('keeps its place through events that have no id', async () => {
    const log = { ...envelope(2), type: 'log', data: { attempt: 1, size: 40 } }
    const { event, clock, seen, stop } = await watch({
      streams: [closedStream(metricsEvent(2, 10), log), stream(metricsEvent(3, 20))],
    })
    await clock.pass(250)
    await event(3)
    expect(seen.streams[1]?.headers['last-event-id']).toBe('1.2')
    stop()
  })

  it('is not stale while it reconnects, but once that has failed', async () => {
    const { updates, clock, event, stop } = await watch({
      streams: [closedStream(jobEvent()), broken, stream(jobEvent({ seq: 2 }))],
    })
    const closed = await updates.first(({ connection }) => connection.source === 'none')
    expect(closed).toMatchObject({ connection: { stale: false, attempt: 0 }, error: null })
    await clock.pass(250)
    const failed = await updates.first(({ connection }) => connection.attempt === 1)
    expect(failed).toMatchObject({ connection: { stale: true }, error: { code: 'server_unreachable' } })
    await clock.pass(500)
    expect(await event(2)).toMatchObject({
      connection: { source: 'sse', stale: false, attempt: 0 },
      error: null,
    })
    stop()
  })

  it('takes silence for a dead connection, but not a heartbeat', async () => {
    let beat: (() => void) | undefined
    const { updates, clock, event, seen, stop } = await watch({
      streams: [
        (_, response) => {
          stream(jobEvent())(_, response)
          beat = () => response.write(': beat\n\n')
        },
        stream(jobEvent({ seq: 2 })),
      ],
    })
    await event(1)
    clock.advance(29_000)
    const before = updates.items.length
    beat?.()
    await updates.first((update) => updates.items.indexOf(update) >= before)
    expect(updates.items.at(-1)).toMatchObject({
      event: null,
      connection: { source: 'sse', lastEventAt: clock.now() },
    })
    clock.advance(29_000)
    expect(seen.streams).toHaveLength(1)
    clock.advance(1000)
    const silent = await updates.first(({ connection }) => connection.stale)
    expect(silent).toMatchObject({ error: { code: 'timeout', timeoutSeconds: 30 } })
    await clock.pass(250)
    await event(2)
    stop()
  })

  it('passes on a reset and begins anew from the snapshot after it', async () => {
    const reset = { ...envelope(5), type: 'reset', data: { reason: 'The cursor has expired.' } }
    const { event, events, clock, seen, stop } = await watch({
      streams: [
        closedStream(jobEvent()),
        // A reset whose id is left out forgets the cursor.
        closedStream(sse(reset).replace(/^id.*\n/, '')),
        stream(jobEvent({ seq: 9 })),
      ],
    })
    await clock.pass(250)
    await clock.pass(500)
    await event(9)
    expect(events()).toEqual(['job 1', 'reset 5', 'job 9'])
    expect(seen.streams.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1.1', undefined])
    stop()
  })

  it('passes over an event of a type that it does not know, and goes on after it', async () => {
    const { event, events, clock, seen, stop } = await watch({
      streams: [
        closedStream(jobEvent(), sse({ ...envelope(2), type: 'dance', data: {} } as never)),
        stream(jobEvent({ seq: 3 })),
      ],
    })
    await clock.pass(250)
    await event(3)
    expect(events()).toEqual(['job 1', 'job 3'])
    expect(seen.streams[1]?.headers['last-event-id']).toBe('1.2')
    stop()
  })

  it('goes on after a bookmark', async () => {
    const { event, clock, seen, stop } = await watch({
      streams: [
        closedStream(jobEvent(), sse({ ...envelope(7), type: 'bookmark', data: {} } as never)),
        stream(jobEvent({ seq: 8 })),
      ],
    })
    await clock.pass(250)
    await event(8)
    expect(seen.streams[1]?.headers['last-event-id']).toBe('1.7')
    stop()
  })

  it('tells of an event that it could not read, and goes on', async () => {
    const { updates, event, stop } = await watch({
      streams: [stream(jobEvent(), 'id: 1.2\nevent: job\ndata: {"type":"job"}\n\n', metricsEvent(3, 30))],
    })
    await event(3)
    expect(updates.items.map(({ error }) => error?.code)).toEqual([undefined, 'invalid_response', undefined])
    stop()
  })

  it('reads the job once when the stream ends it without having told how', async () => {
    const { ended, events } = await watch({
      streams: [stream(jobEvent(), endEvent(7, 'cancelled'))],
      reads: [job({ seq: 7, status: 'cancelled' })],
    })
    await ended()
    expect(events()).toEqual(['job 1', 'end 7', 'job 7'])
  })

  it('is closed on the server when it is stopped, and tells nothing any more', async () => {
    let response: ServerResponse | undefined
    const { event, stop, updates } = await watch({
      streams: [
        (_, opened) => {
          response = opened
          stream(jobEvent())(_, opened)
        },
      ],
    })
    await event(1)
    const count = updates.items.length
    const closed = new Promise((resolve) => response?.on('close', resolve))
    stop()
    await closed
    expect(updates.items).toHaveLength(count)
  })
})

describe('a subscription that is refused', () => {
  it.each([
    [404, 'job_not_found'],
    [403, 'forbidden'],
  ])('with %i %s ends and does not ask again', async (status, code) => {
    const { ended, seen, updates, clock } = await watch({ streams: [refuse(status, code)] })
    expect(await ended()).toMatchObject({ error: { code, status } })
    expect(updates.items.at(-1)).toMatchObject({ error: { code }, connection: { stale: true } })
    expect(seen.streams).toHaveLength(1)
    expect(clock.running).toEqual([])
  })

  it('with 401 asks once more with fresh headers, then only every minute', async () => {
    const { updates, event, clock, seen, stop } = await watch({
      streams: [refuse(401, 'unauthenticated'), refuse(401, 'unauthenticated'), stream(jobEvent())],
    })
    await updates.first(({ error }) => error?.code === 'unauthenticated')
    expect(seen.streams).toHaveLength(2)
    await clock.pass(60_000)
    expect(await event(1)).toMatchObject({ error: null })
    stop()
  })

  it('with 429 waits as long as it is told', async () => {
    const { event, clock, stop } = await watch({
      streams: [(_, response) => answer(response, 429, {}, { 'retry-after': '40' }), stream(jobEvent())],
    })
    await clock.pass(40_000)
    await event(1)
    stop()
  })
})

describe('a subscription by polling', () => {
  it.each<[string, Script]>([
    ['the stream is something else', html],
    ['the server has no streams', refuse(404, 'not_found')],
    ['a proxy knows no such path', (_, response) => void response.writeHead(404).end()],
  ])('takes over at once where %s', async (_, script) => {
    const { ended, clock, events, seen, updates } = await watch({
      streams: [script],
      reads: [job(), job({ seq: 2 }), job({ seq: 3, status: 'completed' })],
    })
    await clock.pass(3000)
    await clock.pass(3000)
    expect(await ended()).toEqual({ error: null })
    expect(events()).toEqual(['job 1', 'job 2', 'job 3', 'end 3'])
    expect(updates.items.find(({ event }) => event?.seq === 2)?.connection).toMatchObject({
      source: 'polling',
    })
    expect(seen.streams).toHaveLength(1)
  })

  it('takes over where a stream opens but nothing comes out of it', async () => {
    const opened = new Collected<Response>()
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const response = await globalThis.fetch(input, init)
      opened.push(response)
      return response
    }
    const { event, clock, stop } = await watch(
      {
        streams: [
          (_, response) => {
            openStream(response)
            response.flushHeaders()
          },
        ],
        reads: [job()],
      },
      { fetch },
    )
    await opened.first(() => true)
    clock.advance(15_000)
    expect(await event(1)).toMatchObject({ connection: { source: 'polling' } })
    stop()
  })

  it('takes over after three streams that failed or were cut short, and leaves for a stream a minute later', async () => {
    const { updates, event, clock, seen, stop } = await watch({
      streams: [broken, closedStream(jobEvent()), broken, stream(jobEvent({ seq: 30 }))],
      reads: [job({ seq: 2 })],
    })
    await clock.pass(250)
    await clock.pass(500)
    await event(2)
    expect(seen.streams).toHaveLength(3)
    for (let passed = 0; passed < 60_000; passed += 3000) {
      const reads = seen.reads.length
      await clock.pass(3000)
      await updates.first(() => seen.reads.length > reads || seen.streams.length > 3)
    }
    expect(await event(30)).toMatchObject({ connection: { source: 'sse' } })
    // Cut before polling began: the new stream still goes on from there, so that no metrics are lost.
    expect(seen.streams[3]?.headers['last-event-id']).toBe('1.1')
    stop()
  })

  it('leaves for a stream as soon as a server that was away answers again', async () => {
    const { script, server, clock, updates, event, seen, stop } = await watch({
      streams: [closedStream(jobEvent()), stream(jobEvent({ seq: 9 }))],
      reads: [job({ seq: 8 })],
    })
    await event(1)
    await clock.waitsFor(250)
    await server.stop()
    await clock.pass(250)
    await clock.pass(500)
    await updates.first(({ connection }) => connection.attempt === 2)
    // Now it polls, which fails too, with longer and longer waits.
    await updates.first(({ connection }) => connection.attempt === 3)
    expect(updates.items.at(-1)).toMatchObject({
      connection: { stale: true },
      error: { code: 'server_unreachable' },
    })
    const back: ScriptedServer = await scriptedServer(script, server.port)
    clock.advance(10_000)
    expect(await event(9)).toMatchObject({
      connection: { source: 'sse', attempt: 0, stale: false },
      error: null,
    })
    expect(seen.reads).toHaveLength(1)
    expect(back.received.map(({ path }) => path.split('/').at(-1))).toEqual(['job_1', 'events'])
    stop()
  })

  it('begins a new stream without a cursor where the old one asked for what can not be read', async () => {
    const garbage = 'id: 1.2\nevent: job\ndata: ?\n\n'
    const { updates, event, clock, events, seen, stop } = await watch({
      streams: [stream(jobEvent(), garbage, garbage, garbage), stream(jobEvent({ seq: 5 }))],
      reads: [job({ seq: 4 })],
    })
    await event(4)
    expect(events()).toEqual(['job 1', 'reset 1', 'job 4'])
    for (let passed = 0; passed < 60_000; passed += 3000) {
      const reads = seen.reads.length
      await clock.pass(3000)
      await updates.first(() => seen.reads.length > reads || seen.streams.length > 1)
    }
    await event(5)
    expect(seen.streams[1]?.headers['last-event-id']).toBeUndefined()
    stop()
  })

  it('ends where even a read is not to be had, as with the smallest compatible server', async () => {
    const { ended } = await watch({ streams: [refuse(404, 'not_found')], reads: [html404] })
    expect(await ended()).toMatchObject({ error: { code: 'not_supported' } })
  })
})

const html404: Script = (_, response) => {
  response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not Found</h1>')
}
