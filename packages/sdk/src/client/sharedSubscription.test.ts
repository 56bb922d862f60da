import { afterEach, describe, expect, it, vi } from 'vitest'
import * as z from 'zod/mini'
import { trainingError } from '../errors/trainingError'
import { type JobUpdate, watchJob } from '../index'
import { event } from '../protocol/schemas'
import { Collected } from '../scripted/collected'
import { endEvent, jobEvent, metricsEvent } from '../scripted/samples'
import type { Connection } from '../transports/connection'
import type { Transport, TransportObserver } from '../transports/transport'
import { createTrainingClient } from './createTrainingClient'

const connection: Connection = { source: 'sse', lastEventAt: 1, stale: false, attempt: 0 }

/** A transport whose subscriptions a test speaks for. */
function clientOf() {
  const opened: { jobId: string; observer: TransportObserver; closed: boolean }[] = []
  const transport: Transport = {
    request: () => Promise.reject(new Error('not used here')),
    subscribe({ jobId, observer }) {
      const subscription = { jobId, observer, closed: false }
      opened.push(subscription)
      return () => {
        subscription.closed = true
      }
    },
  }
  const tell = (wire: unknown, index = opened.length - 1) =>
    opened[index]?.observer.next({ event: z.parse(event, wire), connection, error: null })
  return { client: createTrainingClient({ transport }), opened, tell }
}

function watching(client: ReturnType<typeof clientOf>['client'], jobId = 'job_1') {
  const updates = new Collected<JobUpdate>()
  const ends = new Collected<{ code: string | null }>()
  const leave = watchJob(client, {
    jobId,
    onUpdate: updates.push,
    onEnd: (error) => ends.push({ code: error?.code ?? null }),
  })
  return { updates, ends, leave, seqs: () => updates.items.map(({ event }) => event?.seq ?? null) }
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

afterEach(() => vi.restoreAllMocks())

describe('a shared subscription', () => {
  it('is one per client and job, however many watch', async () => {
    const { client, opened } = clientOf()
    for (let i = 0; i < 5; i++) watching(client)
    watching(client, 'job_2')
    watching(clientOf().client)
    await settle()
    expect(opened.map(({ jobId }) => jobId)).toEqual(['job_1', 'job_2'])
  })

  it('tells everybody every event, and latecomers what is known first', async () => {
    const { client, tell } = clientOf()
    const early = watching(client)
    await settle()
    tell(jobEvent())
    tell(metricsEvent(2, 20))
    const late = watching(client)
    await settle()
    tell(metricsEvent(3, 30))
    expect(early.seqs()).toEqual([1, 2, 3])
    expect(late.seqs()).toEqual([null, 3])
    expect(late.updates.items[0]).toMatchObject({ job: { seq: 2, progress: { step: 20 } }, connection })
  })

  it('passes on an event that is older than the job, but not an older job', async () => {
    const { client, tell } = clientOf()
    const { updates } = watching(client)
    await settle()
    tell(jobEvent({ seq: 9, status: 'cancelled' }))
    tell(jobEvent({ seq: 8, status: 'running' }))
    expect(updates.items[1]).toMatchObject({ event: { seq: 8 }, job: { seq: 9, status: 'cancelled' } })
  })

  it('calls nobody back before they hold the function to leave', () => {
    const { client, tell } = clientOf()
    const first = watching(client)
    tell(jobEvent())
    expect(first.updates.items).toEqual([])
  })

  it('is closed when the last one leaves, but kept for one who comes at once', async () => {
    const { client, opened, tell } = clientOf()
    const first = watching(client)
    await settle()
    tell(jobEvent())
    first.leave()
    const second = watching(client)
    await settle()
    expect(opened).toMatchObject([{ closed: false }])
    expect(second.updates.items).toHaveLength(1)
    second.leave()
    second.leave()
    await settle()
    expect(opened).toMatchObject([{ closed: true }])
    watching(client)
    expect(opened).toHaveLength(2)
  })

  it('tells one who has left nothing more, not even what it was about to', async () => {
    const { client, tell } = clientOf()
    const stays = watching(client)
    await settle()
    tell(jobEvent())
    const leaves = watching(client)
    leaves.leave()
    await settle()
    tell(metricsEvent(2, 20))
    expect(leaves.updates.items).toEqual([])
    expect(stays.seqs()).toEqual([1, 2])
  })

  it('tells the end, and who comes later watches anew', async () => {
    const { client, opened, tell } = clientOf()
    const { ends, updates } = watching(client)
    await settle()
    tell(jobEvent({ status: 'completed' }))
    tell(endEvent(1, 'completed'))
    opened[0]?.observer.end(null)
    opened[0]?.observer.next({ event: null, connection, error: null })
    expect(ends.items).toEqual([{ code: null }])
    expect(updates.items).toHaveLength(2)
    watching(client)
    expect(opened).toHaveLength(2)
  })

  it('tells an error that ends it as an update too', async () => {
    const { client, opened } = clientOf()
    const { ends, updates } = watching(client)
    await settle()
    opened[0]?.observer.end(trainingError('forbidden', { status: 403 }))
    expect(updates.items.at(-1)?.error?.code).toBe('forbidden')
    expect(ends.items).toEqual([{ code: 'forbidden' }])
  })

  it('ends with job_not_found for what can not be an id, without a connection', async () => {
    const { client, opened } = clientOf()
    const { ends } = watching(client, '../secrets')
    await ends.first(() => true)
    expect(ends.items).toEqual([{ code: 'job_not_found' }])
    expect(opened).toEqual([])
  })

  it('ends with an error where the transport throws', async () => {
    const { client } = clientOf()
    vi.spyOn(client.transport, 'subscribe').mockImplementation(() => {
      throw new Error('no such thing')
    })
    const { ends } = watching(client)
    await ends.first(() => true)
    expect(ends.items).toEqual([{ code: 'internal' }])
  })

  it("is not broken by a listener's own mistake, which is reported as what it is", async () => {
    const { client, tell } = clientOf()
    const thrown = new Collected<unknown>()
    const queue = queueMicrotask
    vi.stubGlobal('queueMicrotask', (callback: () => void) =>
      queue(() => {
        try {
          callback()
        } catch (error) {
          thrown.push(error)
        }
      }),
    )
    watchJob(client, {
      jobId: 'job_1',
      onUpdate() {
        throw new Error('mine')
      },
    })
    const other = watching(client)
    await settle()
    tell(jobEvent())
    expect(other.seqs()).toEqual([1])
    expect(await thrown.first(() => true)).toMatchObject({ message: 'mine' })
  })
})
