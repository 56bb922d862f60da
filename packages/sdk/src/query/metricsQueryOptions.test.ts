import { describe, expect, it } from 'vitest'
import { type JobMetrics, metricsQueryOptions } from './metricsQueryOptions'

const metrics = (seq: number, step: number, changes: Partial<JobMetrics> = {}): JobMetrics => ({
  ...{ jobId: 'job_1', generation: 1, seq },
  columns: { attempt: [1], step: [step], epoch: [null], elapsed_seconds: [1], values: { loss: [0.5] } },
  ...changes,
})

describe('metricsQueryOptions', () => {
  const { structuralSharing } = metricsQueryOptions({} as never, { jobId: 'job_1' })

  it('never lets an older answer take rows away', () => {
    const held = metrics(7, 30)
    expect(structuralSharing(held, metrics(6, 20))).toBe(held)
    expect(structuralSharing(held, metrics(8, 40))).toEqual(metrics(8, 40))
    expect(structuralSharing(undefined, held)).toBe(held)
    // A restored backup is newer, whatever its seq.
    expect(structuralSharing(held, metrics(2, 5, { generation: 2 }))).toMatchObject({ generation: 2 })
  })

  it("leaves alone what is selected from them, and another job's", () => {
    expect(structuralSharing(30, 20)).toBe(20)
    expect(structuralSharing({ seq: 7 }, { seq: 6 })).toEqual({ seq: 6 })
    const others = metrics(2, 1, { jobId: 'job_2' })
    expect(structuralSharing(metrics(7, 30), others)).toEqual(others)
  })
})
