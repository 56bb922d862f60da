import { keepPreviousData, QueryClient, QueryObserver } from '@tanstack/query-core'
import { describe, expect, expectTypeOf, it } from 'vitest'
import * as z from 'zod/mini'
import { createTrainingClient } from '../client/createTrainingClient'
import type { TrainingError } from '../errors/trainingError'
import type { Job } from '../protocol'
import { job } from '../protocol/schemas'
import { wireJob } from '../scripted/samples'
import { answer, scriptedServer } from '../scripted/scriptedServer'
import { http } from '../transports/http/http'
import { jobQueryOptions } from './jobQueryOptions'

const parseJob = (changes: Parameters<typeof wireJob>[0]): Job => z.parse(job, wireJob(changes))

async function clientOf(script: Parameters<typeof scriptedServer>[0]) {
  const server = await scriptedServer(script)
  return { server, client: createTrainingClient({ transport: http({ url: server.url }) }) }
}

describe('jobQueryOptions', () => {
  it('reads the job', async () => {
    const { client } = await clientOf((_, response) =>
      answer(response, 200, { success: true, job: wireJob() }),
    )
    const queries = new QueryClient()
    const found = await queries.fetchQuery(jobQueryOptions(client, { jobId: 'job_1' }))
    expect(found).toMatchObject({ id: 'job_1', status: 'running' })
    expectTypeOf(found).toEqualTypeOf<Job>()
  })

  it('throws the error that the action returns, and does not try again by itself', async () => {
    const body = { success: false, error: 'There is no such job.', code: 'job_not_found' }
    const { client, server } = await clientOf((_, response) => answer(response, 404, body))
    const failing = new QueryClient().fetchQuery(jobQueryOptions(client, { jobId: 'job_1' }))
    await expect(failing).rejects.toMatchObject({ name: 'TrainingError', code: 'job_not_found', status: 404 })
    expect(server.received).toHaveLength(1)
  })

  it('never lets a slower, older answer overwrite what a subscription has told since', async () => {
    const release: (() => void)[] = []
    const { client, server } = await clientOf(async (_, response) => {
      await new Promise<void>((resolve) => release.push(resolve))
      answer(response, 200, { success: true, job: wireJob({ status: 'running', seq: 5 }) })
    })
    const queries = new QueryClient()
    const options = jobQueryOptions(client, { jobId: 'job_1' })
    const observer = new QueryObserver(queries, options)
    const leave = observer.subscribe(() => {})
    await server.receives(1)
    queries.setQueryData(options.queryKey, parseJob({ status: 'cancelled', seq: 9 }))
    release[0]?.()
    await observer.fetchOptimistic(observer.options)
    expect(observer.getCurrentResult().data).toMatchObject({ status: 'cancelled', seq: 9 })
    leave()
  })

  it('with select shows what the cache has, whatever it selects', async () => {
    const { client } = await clientOf((_, response) =>
      answer(response, 200, { success: true, job: wireJob({ status: 'running', seq: 5 }) }),
    )
    const selects: ((job: Job) => unknown)[] = [
      (job) => job.status,
      (job) => job.seq,
      (job) => job.progress,
      (job) => ({ id: job.id, status: job.status }),
      (job) => [job.status],
      () => null,
    ]
    for (const select of selects) {
      const queries = new QueryClient()
      const options = jobQueryOptions(client, { jobId: 'job_1' })
      const observer = new QueryObserver(queries, { ...options, select })
      const leave = observer.subscribe(() => {})
      await observer.fetchOptimistic(observer.options)
      const next = parseJob({ status: 'cancelled', seq: 9 })
      queries.setQueryData(options.queryKey, next)
      expect(observer.getCurrentResult().data).toEqual(select(next))
      leave()
    }
  })

  it('shows the job that is asked for, after another one was shown in its place', async () => {
    const { client } = await clientOf(({ path }, response) => {
      const id = path.split('/').at(-1) ?? ''
      answer(response, 200, { success: true, job: wireJob({ id, seq: id === 'job_1' ? 50 : 2 }) })
    })
    const queries = new QueryClient()
    const optionsOf = (jobId: string) => ({
      ...jobQueryOptions(client, { jobId }),
      placeholderData: keepPreviousData,
      select: (job: Job) => ({ ...job }),
    })
    const observer = new QueryObserver(queries, optionsOf('job_1'))
    const leave = observer.subscribe(() => {})
    await observer.fetchOptimistic(observer.options)
    observer.setOptions(optionsOf('job_2'))
    expect(observer.getCurrentResult()).toMatchObject({ isPlaceholderData: true, data: { id: 'job_1' } })
    await observer.fetchOptimistic(observer.options)
    expect(observer.getCurrentResult()).toMatchObject({ isPlaceholderData: false, data: { id: 'job_2' } })
    leave()
  })

  it('keeps the objects of what did not change', () => {
    const { structuralSharing } = jobQueryOptions({} as never, { jobId: 'job_1' })
    const held = parseJob({ seq: 5 })
    const next = structuralSharing(held, parseJob({ seq: 6 })) as Job
    expect(next.seq).toBe(6)
    expect(next.capabilities).toBe(held.capabilities)
    expect(structuralSharing(held, structuredClone(held))).toBe(held)
    expect(structuralSharing(held, parseJob({ seq: 4 }))).toBe(held)
    expect(structuralSharing(undefined, held)).toBe(held)
  })

  it('tells clients with different keys apart', () => {
    const transport = http({ url: 'http://127.0.0.1:1' })
    const keyOf = (key?: string) =>
      jobQueryOptions(createTrainingClient({ transport, ...(key && { key }) }), { jobId: 'job_1' }).queryKey
    expect(keyOf()).toEqual(['trainstop', 'default', 'job', 'job_1'])
    expect(keyOf('eu')).not.toEqual(keyOf('us'))
  })

  it('types the error of an observer', () => {
    const observer = new QueryObserver(
      new QueryClient(),
      jobQueryOptions({ key: 'k' } as never, { jobId: 'job_1' }),
    )
    expectTypeOf(observer.getCurrentResult().error).toEqualTypeOf<TrainingError | null>()
    expectTypeOf(observer.getCurrentResult().data).toEqualTypeOf<Job | undefined>()
  })
})
