import { describe, expect, expectTypeOf, it } from 'vitest'
import * as z from 'zod/mini'
import { createTrainingClient } from '../client/createTrainingClient'
import type { TrainingError } from '../errors/trainingError'
import { event as eventSchema } from '../protocol/schemas'
import { endEvent, jobEvent, metricsEvent } from '../scripted/samples'
import { of, streamServer } from '../scripted/streamServer'
import type { Connection } from '../transports/connection'
import type { Transport, TransportObserver } from '../transports/transport'
import { type SubscribeJobsError, subscribeJobs } from './subscribeJobs'
import { maxWaitingUpdates } from './updateQueue'
import { type JobsUpdate, watchJobs } from './watchJobs'

const connection: Connection = { source: 'sse', lastEventAt: 1, stale: false, attempt: 0 }

/** A client whose subscriptions a test speaks for. */
function spokenFor() {
  const observers = new Map<string, TransportObserver>()
  const transport: Transport = {
    request: () => Promise.reject(new Error('not used here')),
    subscribe({ jobId, observer }) {
      observers.set(jobId, observer)
      return () => observers.delete(jobId)
    },
  }
  const tell = (jobId: string, wire: Parameters<typeof of>[1]) =>
    observers.get(jobId)?.next({ event: z.parse(eventSchema, of(jobId, wire)), connection, error: null })
  return { client: createTrainingClient({ transport }), observers, tell }
}

describe('subscribeJobs', () => {
  it('yields what comes of any of the jobs, through one connection, until all are final', async () => {
    const { transport, stream, streams } = await streamServer()
    const client = createTrainingClient({ transport })
    const seen: string[] = []
    const reading = (async () => {
      for await (const { jobId, job, event } of subscribeJobs(client, { jobIds: ['a', 'b', 'a'] }))
        if (event) seen.push(`${jobId} ${event.type} ${job?.status}`)
    })()
    const all = await stream(0)
    expect(all.jobs).toEqual({ a: null, b: null })
    all.send(of('a', jobEvent()), of('b', jobEvent({ status: 'failed' })), of('b', endEvent(1, 'failed')))
    all.send(of('a', jobEvent({ seq: 2, status: 'completed' })), of('a', endEvent(2, 'completed')))
    await reading
    expect(seen).toEqual([
      'a job running',
      'b job failed',
      'b end failed',
      'a job completed',
      'a end completed',
    ])
    expect(streams.items).toHaveLength(1)
  })

  it('yields the error of a job that can not be watched, and goes on with the others', async () => {
    const { transport, stream } = await streamServer()
    const client = createTrainingClient({ transport })
    const seen: string[] = []
    const reading = (async () => {
      for await (const { jobId, job, error } of subscribeJobs(client, { jobIds: ['../x', 'a'] })) {
        seen.push(`${jobId} ${error?.code ?? job?.status}`)
        if (job) break
      }
    })()
    const own = await stream(0)
    own.send(of('a', jobEvent()))
    await reading
    await own.closed
    expect(seen).toEqual(['../x job_not_found', 'a running'])
  })

  it('ends at once without jobs, and with an aborted signal', async () => {
    const { client, observers } = spokenFor()
    for await (const _ of subscribeJobs(client, { jobIds: [] })) expect.unreachable()
    for await (const _ of subscribeJobs(client, { jobIds: ['a'], signal: AbortSignal.abort() }))
      expect.unreachable()
    expect(observers.size).toBe(0)
  })

  it('gives a reader that falls far behind one reset for each job, with the newest of it', async () => {
    const { client, tell } = spokenFor()
    const leaving = new AbortController()
    const jobIds = ['a', 'b', 'c']
    const iterator = subscribeJobs(client, { jobIds, signal: leaving.signal })[Symbol.asyncIterator]()
    await new Promise((resolve) => setImmediate(resolve))
    for (const id of jobIds) tell(id, jobEvent())
    for (let seq = 2; seq < maxWaitingUpdates * 3; seq++) tell('a', metricsEvent(seq, seq))
    const seen: JobsUpdate[] = []
    let newest: JobsUpdate | undefined
    while (newest?.job?.seq !== maxWaitingUpdates * 3 - 1) {
      const { value } = await iterator.next()
      newest = value as JobsUpdate
      seen.push(newest)
    }
    expect(seen.length).toBeLessThanOrEqual(maxWaitingUpdates + 4)
    const resets = seen.filter(({ event }) => event?.type === 'reset').map(({ jobId }) => jobId)
    expect(new Set(resets)).toEqual(new Set(jobIds))
    leaving.abort()
    expect(await iterator.next()).toMatchObject({ done: true })
  })

  it('has the types of what it yields', () => {
    const { client } = spokenFor()
    expectTypeOf(subscribeJobs(client, { jobIds: new Set<string>() })).toEqualTypeOf<
      AsyncIterable<JobsUpdate>
    >()
    expectTypeOf<SubscribeJobsError>().toEqualTypeOf<TrainingError>()
    // @ts-expect-error: one id is no list of them
    expect(() => subscribeJobs(client, { jobIds: 1 })).toThrow(TypeError)
  })
})

describe('watchJobs', () => {
  it('goes on without a gap where one set is left for another', async () => {
    const { transport, stream, streams } = await streamServer()
    const client = createTrainingClient({ transport })
    const seen: string[] = []
    const onUpdate = ({ jobId, event }: JobsUpdate) =>
      event && seen.push(`${jobId} ${event.type} ${event.seq}`)
    const leave = watchJobs(client, { jobIds: ['a', 'b'], onUpdate })
    const first = await stream(0)
    first.send(of('a', jobEvent()), of('b', jobEvent()))
    const ended = new Promise<void>((resolve) => {
      const second = watchJobs(client, {
        jobIds: ['b', 'c'],
        onUpdate,
        onEnd: resolve,
      })
      void second
    })
    leave()
    const next = await stream(1)
    expect(next.jobs).toEqual({ b: '1.1', c: null })
    next.send(
      ...[of('b', jobEvent({ seq: 2, status: 'failed' })), of('b', endEvent(2, 'failed'))],
      ...[of('c', jobEvent({ status: 'failed' })), of('c', endEvent(1, 'failed'))],
    )
    await ended
    expect(seen.filter((line) => line.startsWith('b '))).toEqual(['b job 1', 'b job 2', 'b end 2'])
    await Promise.all(streams.items.map(({ closed }) => closed))
  })

  it('tells of each job that ended, and then that all have', async () => {
    const { client, observers } = spokenFor()
    const told: unknown[] = []
    watchJobs(client, {
      jobIds: ['a', 'b'],
      onUpdate: () => {},
      onJobEnd: (jobId, error) => told.push([jobId, error]),
      onEnd: () => told.push('all'),
    })
    await new Promise((resolve) => setImmediate(resolve))
    observers.get('b')?.end(null)
    observers.get('a')?.end(null)
    expect(told).toEqual([['b', null], ['a', null], 'all'])
  })
})
