import { describe, expect, expectTypeOf, it } from 'vitest'
import * as z from 'zod/mini'
import { createTrainingClient } from '../client/createTrainingClient'
import type { JobUpdate } from '../client/jobUpdate'
import { event } from '../protocol/schemas'
import { endEvent, jobEvent, metricsEvent } from '../scripted/samples'
import { openStream, type Script, scriptedServer, sse } from '../scripted/scriptedServer'
import { disconnected } from '../transports/connection'
import { http } from '../transports/http/http'
import type { TransportObserver } from '../transports/transport'
import { subscribeJob } from './subscribeJob'
import { maxWaitingUpdates } from './updateQueue'

const wholeRun: Script = (_, response) => {
  openStream(response)
  const events = [
    jobEvent(),
    metricsEvent(2, 20),
    jobEvent({ seq: 3, status: 'cancelled' }),
    endEvent(3, 'cancelled'),
  ]
  for (const each of events) response.write(sse(each))
}

async function clientOf(script: Script) {
  const server = await scriptedServer(script)
  return { server, client: createTrainingClient({ transport: http({ url: server.url }) }) }
}

describe('subscribeJob', () => {
  it('can be read with for await, and ends with the job', async () => {
    const { client } = await clientOf(wholeRun)
    const seen: string[] = []
    for await (const update of subscribeJob(client, { jobId: 'job_1' })) {
      if (update.event) seen.push(`${update.event.type} ${update.job?.status} ${update.job?.progress.step}`)
      expectTypeOf(update).toEqualTypeOf<JobUpdate>()
    }
    const step = jobEvent().data.progress.step
    expect(seen).toEqual([
      ...[`job running ${step}`, 'metrics running 20', `job cancelled ${step}`, `end cancelled ${step}`],
    ])
  })

  it('lets the connection go when the loop is left', async () => {
    let closed: Promise<unknown> | undefined
    const { client } = await clientOf((_, response) => {
      closed = new Promise((resolve) => response.on('close', resolve))
      openStream(response)
      response.write(sse(jobEvent()))
    })
    for await (const { job } of subscribeJob(client, { jobId: 'job_1' })) if (job) break
    await closed
  })

  it('ends when its signal is aborted, without throwing', async () => {
    const { client, server } = await clientOf((_, response) => {
      openStream(response)
      response.write(sse(jobEvent()))
    })
    const abort = new AbortController()
    for await (const { job } of subscribeJob(client, { jobId: 'job_1', signal: abort.signal })) {
      if (job) abort.abort()
    }
    for await (const _ of subscribeJob(client, { jobId: 'job_1', signal: abort.signal })) {
      throw new Error('aborted before it began')
    }
    expect(server.received).toHaveLength(1)
  })

  it('yields an error that ends it, instead of throwing', async () => {
    const { client } = await clientOf((_, response) => {
      response
        .writeHead(404)
        .end(JSON.stringify({ success: false, error: 'No such job.', code: 'job_not_found' }))
    })
    const errors: (string | undefined)[] = []
    for await (const { error } of subscribeJob(client, { jobId: 'job_1' })) errors.push(error?.code)
    expect(errors).toEqual(['job_not_found'])
  })

  it('gives a reader that falls far behind a reset instead of what it missed, with the newest job', async () => {
    let observer: TransportObserver | undefined
    const transport = {
      request: () => Promise.reject(new Error('not used here')),
      subscribe(options: { observer: TransportObserver }) {
        observer = options.observer
        return () => {}
      },
    }
    const client = createTrainingClient({ transport })
    const reader = subscribeJob(client, { jobId: 'job_1' })[Symbol.asyncIterator]()
    await new Promise<void>((resolve) => setImmediate(resolve))
    const tell = (wire: unknown) =>
      observer?.next({ event: z.parse(event, wire), connection: disconnected, error: null })
    tell(jobEvent())
    for (let i = 0; i < maxWaitingUpdates + 5; i++) tell(metricsEvent(i + 2, i))
    const { value } = await reader.next()
    expect(value).toMatchObject({
      event: { type: 'reset' },
      job: { progress: { step: maxWaitingUpdates - 1 } },
    })
    const steps = []
    for (let i = 0; i < 5; i++) steps.push((await reader.next()).value.job.progress.step)
    expect(steps).toEqual([0, 1, 2, 3, 4].map((i) => maxWaitingUpdates + i))
  })
})
