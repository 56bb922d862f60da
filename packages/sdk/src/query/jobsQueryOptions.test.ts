import { QueryClient, QueryObserver } from '@tanstack/query-core'
import { describe, expect, it } from 'vitest'
import * as z from 'zod/mini'
import { job } from '../protocol/schemas'
import { wireJob } from '../scripted/samples'
import { type JobsPage, jobsQueryOptions } from './jobsQueryOptions'

const page = (...jobs: [id: string, seq: number][]): JobsPage => ({
  jobs: jobs.map(([id, seq]) => z.parse(job, wireJob({ id, seq }))),
  nextCursor: null,
})

describe('jobsQueryOptions', () => {
  it('takes the newer of each job, wherever it comes from', () => {
    const { structuralSharing } = jobsQueryOptions({} as never)
    const held = page(['a', 5], ['b', 5])
    const next = structuralSharing(held, page(['c', 1], ['a', 4], ['b', 6])) as JobsPage
    expect(next.jobs.map(({ id, seq }) => [id, seq])).toEqual([
      ['c', 1],
      ['a', 5],
      ['b', 6],
    ])
    expect(structuralSharing(undefined, held)).toEqual(held)
    expect(structuralSharing(held, structuredClone(held))).toBe(held)
  })

  it('with select shows what the cache has, whatever it selects', () => {
    const queries = new QueryClient()
    const client = { key: 'default' } as never
    const options = jobsQueryOptions(client)
    const selects: ((page: JobsPage) => unknown)[] = [
      ({ jobs }) => jobs.length,
      ({ jobs }) => jobs.map(({ seq }) => seq),
      ({ jobs }) => jobs,
      ({ jobs }) => ({ jobs: jobs.length }),
      ({ jobs }) => jobs.find(({ id }) => id === 'z'),
    ]
    for (const select of selects) {
      queries.setQueryData(options.queryKey, page(['a', 5]))
      const observer = new QueryObserver(queries, { ...options, enabled: false, select })
      const leave = observer.subscribe(() => {})
      const next = page(['a', 6], ['b', 1])
      queries.setQueryData(options.queryKey, next)
      expect(observer.getCurrentResult().data).toEqual(select(next))
      leave()
      queries.clear()
    }
  })

  it('is another query for each status', () => {
    const client = { key: 'default' } as never
    expect(jobsQueryOptions(client, { status: 'running' }).queryKey).not.toEqual(
      jobsQueryOptions(client).queryKey,
    )
  })
})
