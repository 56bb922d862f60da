import { describe, expect, expectTypeOf, it } from 'vitest'
import { createTrainingClient } from '../client/createTrainingClient'
import type { Job } from '../protocol'
import { vector } from '../scripted/samples'
import { answer, scriptedServer } from '../scripted/scriptedServer'
import { http } from '../transports/http/http'
import { type ListJobsResult, listJobs } from './listJobs'

describe('listJobs', () => {
  it('tells a page, and where the next one begins', async () => {
    const body = { ...vector<object>('JobsAnswer'), next_cursor: 'abc' }
    const server = await scriptedServer((_, response) => answer(response, 200, body))
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    const result = await listJobs(client, { limit: 10, cursor: 'xyz' })
    if (!result.ok) throw result.error
    expect(result.nextCursor).toBe('abc')
    expect(result.jobs[0]).toMatchObject({ status: expect.any(String), raw_status: expect.any(String) })
    expect(server.received[0]?.path).toBe('/api/training/jobs?cursor=xyz&limit=10')
  })

  it('needs no parameters', async () => {
    const server = await scriptedServer((_, response) =>
      answer(response, 200, { success: true, jobs: [], next_cursor: null }),
    )
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    expect(await listJobs(client)).toEqual({ ok: true, jobs: [], nextCursor: null })
  })

  it('asks for jobs of some statuses only; of none there are none', async () => {
    const server = await scriptedServer((_, response) =>
      answer(response, 200, { success: true, jobs: [], next_cursor: null }),
    )
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    await listJobs(client, { status: 'running' })
    await listJobs(client, { status: ['paused', 'stopping'] })
    expect(await listJobs(client, { status: [] })).toEqual({ ok: true, jobs: [], nextCursor: null })
    expect(server.received.map(({ path }) => path.split('?')[1])).toEqual([
      'status=running',
      'status=paused%2Cstopping',
    ])
  })

  it('has types', () => {
    expectTypeOf<Extract<ListJobsResult, { ok: true }>['jobs']>().toEqualTypeOf<Job[]>()
    // @ts-expect-error No server knows a status of that name.
    listJobs({} as never, { status: 'unknown' })
  })
})
