import type { ServerResponse } from 'node:http'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { createTrainingClient } from '../client/createTrainingClient'
import type { Command } from '../protocol'
import { Collected } from '../scripted/collected'
import { ManualClock } from '../scripted/manualClock'
import { envelope, jobEvent, metricsEvent, sampleCommand, wireJob } from '../scripted/samples'
import { answer, cut, openStream, type Script, scriptedServer, sse } from '../scripted/scriptedServer'
import { http } from '../transports/http/http'
import { type WaitForCommandResult, waitForCommand } from './waitForCommand'

const active = sampleCommand({ id: 'cmd_7', status: 'active', ended_at: null })
const ended = sampleCommand({ id: 'cmd_7', status: 'succeeded' })
const underWay = { status: 'stopping', command: active } as const
const over = { status: 'cancelled', command: null, last_command: ended, status_version: 9 } as const
const wanted = { jobId: 'job_1', commandId: 'cmd_7' }
const notFound = { success: false, error: 'No such call.', code: 'not_found' }

interface Scripts {
  command?: Script
  events?: Script
  job?: Script
}

/** Streams are there for a test to write to; everything else is answered as it says. */
async function waiting(scripts: Scripts = {}) {
  const streams = new Collected<ServerResponse>()
  const asked = new Collected<string>()
  const {
    command = (_, response) => answer(response, 200, { success: true, command: active }),
    events = (_, response) => {
      openStream(response)
      response.write(sse(jobEvent(underWay)))
      streams.push(response)
    },
    job = (_, response) => answer(response, 200, { success: true, job: wireJob(underWay) }),
  } = scripts
  const server = await scriptedServer((received, response) => {
    const script = received.path.endsWith('/events')
      ? events
      : received.path.includes('/commands/')
        ? command
        : job
    if (script === command) asked.push(received.path)
    return script(received, response)
  })
  const clock = new ManualClock()
  const client = createTrainingClient({ transport: http({ url: server.url, clock }), clock })
  return { server, clock, client, streams, asked }
}

describe('waitForCommand', () => {
  it('tells at once of a command that has ended', async () => {
    const { client, clock } = await waiting({
      command: (_, response) => answer(response, 200, { success: true, command: ended }),
    })
    expect(await waitForCommand(client, wanted)).toMatchObject({ ok: true, command: { status: 'succeeded' } })
    expect(clock.running).toEqual([])
  })

  it.each([
    ['an event of the command', { ...envelope(2), type: 'command', data: ended } as const],
    ['the job after it', jobEvent({ ...over, seq: 2 })],
  ])('waits until %s shows its end, and asks no more than once before', async (_, event) => {
    const { client, streams, asked, clock } = await waiting()
    const pending = waitForCommand(client, wanted)
    await asked.first(() => true)
    const stream = await streams.first(() => true)
    stream.write(sse(metricsEvent(1, 5)))
    stream.write(sse(event))
    expect(await pending).toEqual({ ok: true, command: ended })
    expect(asked.items).toHaveLength(1)
    expect(clock.running).toEqual([])
  })

  it('asks when another command has taken its place and the watch shows nothing of it', async () => {
    let isOver = false
    const { client, streams, asked } = await waiting({
      command: (_, response) => answer(response, 200, { success: true, command: isOver ? ended : active }),
    })
    const pending = waitForCommand(client, wanted)
    await asked.first(() => true)
    const stream = await streams.first(() => true)
    isOver = true
    const newer = sampleCommand({ id: 'cmd_9', status: 'active' })
    stream.write(sse(jobEvent({ status: 'stopping', command: newer, seq: 2, status_version: 9 })))
    expect(await pending).toMatchObject({ ok: true, command: { id: 'cmd_7', status: 'succeeded' } })
    expect(asked.items.length).toBeGreaterThan(1)
  })

  it('looks again now and then, where a watch misses something', async () => {
    let isOver = false
    const { client, streams, asked, clock } = await waiting({
      command: (_, response) => answer(response, 200, { success: true, command: isOver ? ended : active }),
    })
    const pending = waitForCommand(client, wanted)
    await asked.first(() => true)
    await streams.first(() => true)
    isOver = true
    await clock.pass(20_000)
    expect(await pending).toMatchObject({ ok: true, command: { status: 'succeeded' } })
  })

  it('waits on while the server is away', async () => {
    let asks = 0
    const { client, clock } = await waiting({
      command: (_, response) =>
        ++asks <= 3 ? cut(response) : answer(response, 200, { success: true, command: ended }),
    })
    const pending = waitForCommand(client, wanted)
    await clock.pass(200)
    await clock.pass(400)
    await clock.pass(20_000)
    expect(await pending).toMatchObject({ ok: true, command: { status: 'succeeded' } })
  })

  it('by asking, where the job can not be watched', async () => {
    const refused: Script = (_, response) => void response.writeHead(404).end()
    const { client, clock } = await waiting({
      events: refused,
      job: refused,
      command: (_, response) => {
        const command = clock.now() > begun ? ended : active
        answer(response, 200, { success: true, command })
      },
    })
    const begun = clock.now()
    const pending = waitForCommand(client, wanted)
    await clock.pass(3000)
    expect(await pending).toMatchObject({ ok: true, command: { status: 'succeeded' } })
  })

  it('by watching alone, before a server that can not be asked for one command', async () => {
    const { client, streams, asked } = await waiting({
      command: (_, response) => answer(response, 404, notFound),
    })
    const pending = waitForCommand(client, wanted)
    await asked.first(() => true)
    const stream = await streams.first(() => true)
    stream.write(sse(jobEvent({ ...over, seq: 2 })))
    expect(await pending).toMatchObject({ ok: true, command: { status: 'succeeded' } })
  })

  it('says that there is no such command', async () => {
    const { client, clock } = await waiting({
      command: (_, response) => answer(response, 404, notFound),
      events: (_, response) => {
        openStream(response)
        response.write(sse(jobEvent()))
      },
    })
    expect(await waitForCommand(client, wanted)).toMatchObject({
      ok: false,
      error: { code: 'not_supported' },
    })
    expect(clock.running).toEqual([])
  })

  it.each([
    [404, { success: false, error: 'No job.', code: 'job_not_found' }, 'job_not_found'],
    [401, {}, 'unauthenticated'],
    [200, { success: true, command: 'done' }, 'invalid_response'],
  ])('does not wait for what waiting does not mend: %i %j', async (status, body, code) => {
    const { client, clock } = await waiting({ command: (_, response) => answer(response, status, body) })
    expect(await waitForCommand(client, wanted)).toMatchObject({ ok: false, error: { code } })
    expect(clock.running).toEqual([])
  })

  it('ends with its time, which is named, and the command goes on', async () => {
    const { client, clock, server } = await waiting()
    const pending = waitForCommand(client, { ...wanted, timeoutSeconds: 60 })
    await server.receives(2)
    clock.advance(60_000)
    expect(await pending).toMatchObject({
      ...{ ok: false, error: { code: 'timeout', limit: 'command', timeoutSeconds: 60, arrived: 'no' } },
    })
    expect(clock.running).toEqual([])
  })

  it('ends with its signal, and leaves nothing behind', async () => {
    const { client, clock, streams } = await waiting()
    const abort = new AbortController()
    const pending = waitForCommand(client, { ...wanted, signal: abort.signal })
    const stream = await streams.first(() => true)
    const closed = new Promise<void>((resolve) => stream.on('close', resolve))
    await clock.waitsFor(20_000)
    abort.abort()
    expect(await pending).toMatchObject({ ok: false, error: { code: 'aborted' } })
    await closed
    expect(clock.running).toEqual([])
  })

  it('has types', () => {
    expectTypeOf<Extract<WaitForCommandResult, { ok: true }>['command']>().toEqualTypeOf<Command>()
  })
})
