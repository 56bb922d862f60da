import { describe, expect, it } from 'vitest'
import { jobEvent } from '../../scripted/samples'
import { openStream, type Script, type ScriptedServer, scriptedServer } from '../../scripted/scriptedServer'
import {
  broken,
  closedStream,
  html,
  job,
  refuse,
  seenResponses,
  stream,
  watchScripted,
} from '../../scripted/watchScripted'

describe('a subscription by polling', () => {
  it.each<[string, Script]>([
    ['the stream is something else', html],
    ['the server has no streams', refuse(404, 'not_found')],
    ['a proxy knows no such path', (_, response) => void response.writeHead(404).end()],
  ])('takes over at once where %s', async (_, script) => {
    const { ended, clock, events, seen, updates } = await watchScripted({
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
    const { fetch, responses } = seenResponses()
    const { event, clock, stop } = await watchScripted(
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
    await responses.first(() => true)
    clock.advance(15_000)
    expect(await event(1)).toMatchObject({ connection: { source: 'polling' } })
    stop()
  })

  it('takes over after three streams that failed or were cut short, and leaves for a stream a minute later', async () => {
    const { updates, event, clock, seen, stop } = await watchScripted({
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
    const { script, server, clock, updates, event, seen, stop } = await watchScripted({
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

  it('goes on while a stream is tried, which comes to nothing', async () => {
    const { fetch, responses } = seenResponses()
    const { updates, clock, event, seen, stop } = await watchScripted(
      {
        streams: [
          html,
          (_, response) => {
            openStream(response)
            response.flushHeaders()
          },
        ],
        reads: [job({ seq: 1 }), job({ seq: 2 })],
      },
      { fetch },
    )
    await event(1)
    clock.advance(60_000)
    await responses.first(() => responses.items.filter(({ url }) => url.endsWith('/events')).length === 2)
    await clock.waitsFor(3000)
    const reads = seen.reads.length
    clock.advance(3000)
    const next = await updates.first(() => seen.reads.length > reads)
    expect(next).toBeDefined()
    expect(updates.items.at(-1)?.connection).toMatchObject({ source: 'polling', stale: false })
    stop()
  })

  it('tries no stream for every read that failed where none has ever come through', async () => {
    const { event, clock, seen, stop } = await watchScripted({
      streams: [html],
      reads: [job({ seq: 1 }), broken, job({ seq: 2 }), broken, job({ seq: 3 })],
    })
    await event(1)
    await clock.pass(3000)
    await clock.pass(250)
    await event(2)
    await clock.pass(3000)
    await clock.pass(250)
    await event(3)
    expect(seen.streams).toHaveLength(1)
    stop()
  })

  it('begins a new stream without a cursor where the old one asked for what can not be read', async () => {
    const garbage = 'id: 1.2\nevent: job\ndata: ?\n\n'
    const { updates, event, clock, events, seen, stop } = await watchScripted({
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
    const { ended } = await watchScripted({ streams: [refuse(404, 'not_found')], reads: [html404] })
    expect(await ended()).toMatchObject({ error: { code: 'not_supported' } })
  })
})

const html404: Script = (_, response) => {
  response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not Found</h1>')
}
