import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { Collected } from '../../scripted/collected'
import { endEvent, envelope, jobEvent, metricsEvent } from '../../scripted/samples'
import { answer, sse } from '../../scripted/scriptedServer'
import {
  broken,
  closedStream,
  job,
  refuse,
  seenResponses,
  stream,
  watchScripted,
} from '../../scripted/watchScripted'

describe('a subscription by stream', () => {
  it('tells the snapshot, what follows, and ends with the job', async () => {
    const { ended, events, updates, seen } = await watchScripted({
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
    const { event, events, clock, seen, stop } = await watchScripted(
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
    const { event, clock, seen, stop } = await watchScripted({
      streams: [closedStream(metricsEvent(2, 10), log), stream(metricsEvent(3, 20))],
    })
    await clock.pass(250)
    await event(3)
    expect(seen.streams[1]?.headers['last-event-id']).toBe('1.2')
    stop()
  })

  it('is not stale while it reconnects, but once that has failed', async () => {
    const { updates, clock, event, stop } = await watchScripted({
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
    const { updates, clock, event, seen, stop } = await watchScripted({
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
    const { event, events, clock, seen, stop } = await watchScripted({
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
    const { event, events, clock, seen, stop } = await watchScripted({
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
    const { event, clock, seen, stop } = await watchScripted({
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

  it('goes on after an id that comes without an event', async () => {
    const { event, clock, seen, stop } = await watchScripted({
      streams: [closedStream(jobEvent(), 'id: 1.9\n\n'), stream(jobEvent({ seq: 10 }))],
    })
    await clock.pass(250)
    await event(10)
    expect(seen.streams[1]?.headers['last-event-id']).toBe('1.9')
    stop()
  })

  it('begins anew after an empty id', async () => {
    const { event, clock, seen, stop } = await watchScripted({
      streams: [closedStream(jobEvent(), 'id\n\n'), stream(jobEvent({ seq: 10 }))],
    })
    await clock.pass(250)
    await event(10)
    expect(seen.streams[1]?.headers['last-event-id']).toBeUndefined()
    stop()
  })

  it.each([
    ['as long as the server asks', 'retry: 4000\n\n', 5000],
    ['no longer than a minute, whatever it asks', 'retry: 999999999\n\n', 75_000],
    ['its own time, where it asks for none', 'retry: 0\n\n', 250],
  ])('waits before the next stream %s', async (_, retry, milliseconds) => {
    const { event, clock, stop } = await watchScripted({
      streams: [closedStream(jobEvent(), retry), stream(jobEvent({ seq: 2 }))],
    })
    await clock.pass(milliseconds)
    await event(2)
    stop()
  })

  it.each([
    ['blank lines', '\n\n'],
    ['lines that are no fields', 'lorem ipsum\n\n'],
    ['events without data', 'event: job\n\n'],
  ])('takes %s for the silence that they are', async (_, garbage) => {
    let write: (() => void) | undefined
    const { updates, clock, event, stop } = await watchScripted({
      streams: [
        (received, response) => {
          stream(jobEvent())(received, response)
          write = () => response.write(`${garbage}: beat\n\n${garbage}`)
        },
        stream(jobEvent({ seq: 2 })),
      ],
    })
    await event(1)
    const before = updates.items.length
    // The beat among it tells when all has come.
    write?.()
    await updates.first((update) => updates.items.indexOf(update) >= before)
    clock.advance(29_999)
    expect(updates.items.at(-1)).toMatchObject({ connection: { stale: false } })
    clock.advance(1)
    expect(await updates.first(({ connection }) => connection.stale)).toMatchObject({
      error: { code: 'timeout' },
    })
    await clock.pass(250)
    await event(2)
    stop()
  })

  it('polls where nothing but garbage comes', async () => {
    const { fetch, responses } = seenResponses()
    const { event, clock, stop } = await watchScripted(
      {
        streams: [stream(...Array.from({ length: 100 }, () => 'lorem ipsum\n\n'))],
        reads: [job({ seq: 4 })],
      },
      { fetch },
    )
    await responses.first(() => true)
    await clock.pass(15_000)
    expect(await event(4)).toMatchObject({ connection: { source: 'polling' } })
    stop()
  })

  it('reads the job at once where an event of it could not be read, and is stale until it has', async () => {
    const reads = new Collected<() => void>()
    const { updates, event, events, seen, stop } = await watchScripted({
      streams: [
        stream(jobEvent(), 'id: 1.2\nevent: job\ndata: {"type":"job","seq":2}\n\n', metricsEvent(3, 30)),
      ],
      reads: [
        (received, response) => {
          reads.push(() => job({ seq: 3, status: 'cancelled' })(received, response))
        },
      ],
    })
    const heard = await event(3)
    expect(heard).toMatchObject({
      event: { type: 'metrics' },
      error: { code: 'invalid_response' },
      connection: { source: 'sse', stale: true },
    })
    const answerRead = await reads.first(() => true)
    answerRead()
    const mended = await updates.first(({ event }) => event?.type === 'job' && event.seq === 3)
    expect(mended).toMatchObject({
      event: { data: { status: 'cancelled' } },
      error: null,
      connection: { source: 'sse', stale: false },
    })
    expect(events()).toEqual(['job 1', 'reset 1', 'metrics 3', 'job 3'])
    expect(seen.streams).toHaveLength(1)
    stop()
  })

  it('is sure again with what it knew, where nothing newer was lost', async () => {
    const snapshot = sse(jobEvent({ seq: 4 })).replace('"status"', '"standing"')
    const { event, updates, clock, seen, stop } = await watchScripted({
      streams: [closedStream(jobEvent({ seq: 4 })), stream('id\n\n', snapshot)],
      reads: [job({ seq: 3 }), job({ seq: 4 })],
    })
    await event(4)
    await clock.pass(250)
    expect(await updates.first(({ error }) => error !== null)).toMatchObject({ connection: { stale: true } })
    // A read of a copy that lags behind does not mend it, the next one does.
    await event(3)
    expect(updates.items.at(-1)).toMatchObject({ connection: { stale: true } })
    await clock.pass(3000)
    const asBefore = () => seen.reads.length === 2 && updates.items.at(-1)?.error === null
    await updates.first(asBefore)
    expect(updates.items.at(-1)).toMatchObject({ connection: { source: 'sse', stale: false } })
    stop()
  })

  it('keeps what it is sent secret where it quotes an event that could not be read', async () => {
    const { updates, stop } = await watchScripted(
      { streams: [stream(jobEvent(), 'data: {"type":"job","key":"open-sesame"}\n\n')] },
      { headers: { 'x-api-key': 'open-sesame' } },
    )
    const { error } = await updates.first(({ error }) => error !== null)
    expect(error).toMatchObject({ code: 'invalid_response', excerpt: '{"type":"job","key":"…"}' })
    stop()
  })

  it('gives up an event of ten megabytes and quotes its beginning', async () => {
    const { updates, event, stop } = await watchScripted({
      streams: [stream(jobEvent(), `data: {"type":"job","x":"${'x'.repeat(10_000_000)}"}\n\n`)],
      reads: [job({ seq: 2 })],
    })
    const { error } = await updates.first(({ error }) => error !== null)
    expect(error).toMatchObject({
      code: 'invalid_response',
      excerpt: expect.stringMatching(/^data: {"type":"job"/),
    })
    await event(2)
    stop()
  })

  it('reads how the job ended where the stream ends it without having told', async () => {
    const { ended, events } = await watchScripted({
      streams: [stream(jobEvent(), endEvent(7, 'cancelled'))],
      reads: [job({ seq: 7, status: 'cancelled' })],
    })
    await ended()
    expect(events()).toEqual(['job 1', 'job 7', 'end 7'])
  })

  it('does not end before that could be read', async () => {
    const { ended, events, clock, updates } = await watchScripted({
      streams: [stream(jobEvent(), endEvent(7, 'cancelled'))],
      reads: [broken, job({ seq: 6, status: 'stopping' }), job({ seq: 7, status: 'cancelled' })],
    })
    expect(await updates.first(({ error }) => error !== null)).toMatchObject({ connection: { stale: true } })
    await clock.pass(250)
    await clock.pass(3000)
    expect(await ended()).toEqual({ error: null })
    expect(events()).toEqual(['job 1', 'job 6', 'job 7', 'end 7'])
  })

  it('ends with a final status that it does not know, since the server says that it is one', async () => {
    const { ended, events } = await watchScripted({
      streams: [stream(jobEvent(), endEvent(7, 'archived'))],
      reads: [job({ seq: 7, status: 'archived' })],
    })
    expect(await ended()).toEqual({ error: null })
    expect(events()).toEqual(['job 1', 'job 7', 'end 7'])
  })

  it.each([
    ['keeps the stream open', stream, 5000],
    ['closes the stream', closedStream, 0],
  ])('ends with a final job where the server says no end and %s', async (_, open, milliseconds) => {
    const { ended, events, clock, seen } = await watchScripted({
      streams: [open(jobEvent({ status: 'completed' }), metricsEvent(2, 20))],
    })
    if (milliseconds > 0) await clock.pass(milliseconds)
    expect(await ended()).toEqual({ error: null })
    expect(events()).toEqual(['job 1', 'metrics 2', 'end 1'])
    expect(seen).toMatchObject({ reads: [], streams: { length: 1 } })
    expect(clock.running).toEqual([])
  })

  it('is closed on the server when it is stopped, and tells nothing any more', async () => {
    let response: ServerResponse | undefined
    const { event, stop, updates } = await watchScripted({
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
  ])('with %i %s ends once a read has confirmed it', async (status, code) => {
    const { ended, seen, updates, clock } = await watchScripted({
      streams: [refuse(status, code)],
      reads: [refuse(status, code)],
    })
    expect(await ended()).toMatchObject({ error: { code, status } })
    expect(updates.items.at(-1)).toMatchObject({ error: { code }, connection: { stale: true } })
    expect(updates.items.filter(({ error }) => error !== null)).toHaveLength(1)
    expect(seen).toMatchObject({ streams: { length: 1 }, reads: { length: 1 } })
    expect(clock.running).toEqual([])
  })

  it.each([
    [403, 'forbidden', 1],
    [401, 'unauthenticated', 2],
    [404, 'job_not_found', 1],
  ])('with %i %s for the stream alone goes on by polling', async (status, code, streams) => {
    const { event, seen, stop } = await watchScripted({ streams: [refuse(status, code)], reads: [job()] })
    expect(await event(1)).toMatchObject({ connection: { source: 'polling', stale: false }, error: null })
    expect(seen.streams).toHaveLength(streams)
    stop()
  })

  it('with 401 asks once more with fresh headers, then only every minute, until somebody signs in', async () => {
    const signedOut = refuse(401, 'unauthenticated')
    const { updates, event, clock, seen, stop } = await watchScripted({
      streams: [signedOut, signedOut, stream(jobEvent({ seq: 2 }))],
      reads: [signedOut, job()],
    })
    await updates.first(({ error }) => error?.code === 'unauthenticated')
    expect(seen).toMatchObject({ streams: { length: 2 }, reads: { length: 1 } })
    await clock.pass(60_000)
    expect(await event(2)).toMatchObject({ error: null, connection: { source: 'sse' } })
    stop()
  })

  it('with 429 waits as long as it is told', async () => {
    const { event, clock, stop } = await watchScripted({
      streams: [(_, response) => answer(response, 429, {}, { 'retry-after': '40' }), stream(jobEvent())],
    })
    await clock.pass(40_000)
    await event(1)
    stop()
  })
})
