import { describe, expect, expectTypeOf, it } from 'vitest'
import { createTrainingClient } from '../client/createTrainingClient'
import type { MetricColumns } from '../protocol'
import { vector } from '../scripted/samples'
import { answer, scriptedServer } from '../scripted/scriptedServer'
import { http } from '../transports/http/http'
import { type GetMetricsResult, getMetrics } from './getMetrics'

describe('getMetrics', () => {
  it('tells the columns and up to where they go', async () => {
    const body = vector<{ columns: object; generation: number; seq: number }>('MetricsAnswer')
    const server = await scriptedServer((_, response) => answer(response, 200, body))
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    const { columns, generation, seq } = body
    expect(await getMetrics(client, { jobId: 'job_1', maxPoints: 500 })).toEqual({
      ok: true,
      columns,
      generation,
      seq,
    })
    expect(server.received[0]?.path).toBe('/api/training/jobs/job_1/metrics?max_points=500')
  })

  it('has types', () => {
    expectTypeOf<Extract<GetMetricsResult, { ok: true }>['columns']>().toEqualTypeOf<MetricColumns>()
  })
})
