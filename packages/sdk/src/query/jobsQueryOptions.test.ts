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
})
