import type { TrainingClient } from '../client/createTrainingClient'
import { read } from '../client/read'
import { type Result, resultOf } from '../client/result'
import type { TrainingError } from '../errors/trainingError'
import type { MetricColumns } from '../protocol'
import { readMetricsAnswer } from '../protocol/read'

/** Which job's metrics, and how many points of them. */
export interface GetMetricsParameters {
  jobId: string
  /** Downsample to about so many rows. Default: every row. */
  maxPoints?: number | null | undefined
  signal?: AbortSignal | undefined
}
/**
 * Every row logged up to (`generation`, `seq`). To go on live without a gap or a double, subscribe first, then append
 * the rows of each `metrics` event that comes after that point.
 */
export type GetMetricsResult = Result<{ columns: MetricColumns; generation: number; seq: number }>
/** Why the metrics could not be read. */
export type GetMetricsError = TrainingError

/** Reads the metrics of a job, all attempts, as columns. */
export function getMetrics(
  client: TrainingClient,
  { jobId, maxPoints = null, signal }: GetMetricsParameters,
): Promise<GetMetricsResult> {
  return resultOf(async () => {
    const call = { name: 'getMetrics', jobId, maxPoints } as const
    const { columns, generation, seq } = await read(client, call, readMetricsAnswer, signal)
    return { columns, generation, seq }
  })
}
