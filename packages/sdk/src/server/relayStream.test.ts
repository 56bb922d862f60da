import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { subscribeJob } from '../actions/subscribeJob'
import { createTrainingClient } from '../client/createTrainingClient'
import { Collected } from '../scripted/collected'
import { hostServer } from '../scripted/hostServer'
import { endEvent, jobEvent, metricsEvent } from '../scripted/samples'
import { openStream, type Script, scriptedServer, sse } from '../scripted/scriptedServer'
import { http } from '../transports/http/http'
import { createTrainingHandler } from './createTrainingHandler'
import { relayStream } from './relayStream'

/** Browser, host app and training server, each of them real. */
async function path(script: Script) {
  const upstream = await scriptedServer(script)
  const handler = createTrainingHandler({
    authenticate: () => ({ id: 'u_1' }),
    trainingServer: { url: upstream.origin, token: 'secret' },
  })
  const host = await hostServer(handler)
  return { upstream, handler, host, client: createTrainingClient({ transport: http({ url: host.url }) }) }
}

describe('a stream through the handler', () => {
  it('arrives as it is, event by event, and ends with the job', async () => {
    const opened = new Collected<ServerResponse>()
    const { client, upstream } = await path((_, response) => {
      openStream(response)
      response.write(sse(jobEvent()))
      opened.push(response)
    })
    const seen: string[] = []
    for await (const { event } of subscribeJob(client, { jobId: 'job_1' })) {
      if (!event) continue
      seen.push(`${event.type} ${event.seq}`)
      const [response] = opened.items
      // Each is only sent once the one before has come through: nothing holds the stream back.
      if (event.seq === 1) response?.write(sse(metricsEvent(2, 20)))
      if (event.seq === 2) response?.write(sse(jobEvent({ seq: 3, status: 'completed' })))
      if (event.seq === 3 && event.type === 'job') response?.end(sse(endEvent(3, 'completed')))
    }
    expect(seen).toEqual(['job 1', 'metrics 2', 'job 3', 'end 3'])
    expect(upstream.received[0]).toMatchObject({ path: '/api/training/jobs/job_1/events' })
  })

  it('goes on where it was when the training server comes back', async () => {
    const { client, upstream } = await path((_, response) => {
      openStream(response)
      const first = upstream.received.length === 1
      const parts = first
        ? [jobEvent(), metricsEvent(2, 20)]
        : [jobEvent({ seq: 3, status: 'failed' }), endEvent(3, 'failed')]
      for (const part of parts) response.write(sse(part))
      // The first is lost in the middle of an event.
      if (first) response.write('id: 1.3\nevent: jo', () => response.socket?.destroy())
    })
    const seen: string[] = []
    for await (const { event } of subscribeJob(client, { jobId: 'job_1' })) {
      if (event) seen.push(`${event.type} ${event.seq}`)
    }
    expect(seen).toEqual(['job 1', 'metrics 2', 'job 3', 'end 3'])
    expect(upstream.received[1]?.headers['last-event-id']).toBe('1.2')
  })

  it('is let go on the training server when the browser leaves', async () => {
    const closed = new Collected<boolean>()
    const { client } = await path((_, response) => {
      response.on('close', () => closed.push(true))
      openStream(response)
      response.write(sse(jobEvent()))
    })
    for await (const { job } of subscribeJob(client, { jobId: 'job_1' })) if (job) break
    await closed.first(() => true)
  })

  it('is let go when only its body is cancelled, too', async () => {
    const closed = new Collected<boolean>()
    const { handler } = await path((_, response) => {
      response.on('close', () => closed.push(true))
      openStream(response)
      response.write(sse(jobEvent()))
    })
    const response = await handler(new Request('http://app.example/api/training/jobs/job_1/events'))
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(response.headers.get('cache-control')).toContain('no-transform')
    const reader = response.body?.getReader()
    await reader?.read()
    await reader?.cancel()
    await closed.first(() => true)
  })

  it('takes from the training server only what the browser takes, so that nothing piles up in the host', async () => {
    let taken = 0
    const upstream = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          taken++
          controller.enqueue(new TextEncoder().encode(`: ${taken}\n\n`))
        },
      },
      { highWaterMark: 0 },
    )
    const reader = relayStream(upstream, () => {}, new AbortController().signal).body?.getReader()
    const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
    await settled()
    expect(taken).toBe(0)
    for (const expected of [1, 2, 3]) {
      expect(new TextDecoder().decode((await reader?.read())?.value)).toBe(`: ${expected}\n\n`)
      await settled()
      expect(taken).toBe(expected)
    }
  })
})
