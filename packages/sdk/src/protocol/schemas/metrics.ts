import * as z from 'zod/mini'
import { count, seconds, timestamp } from './primitives'

/** JSON has no NaN and no infinity, and a diverged loss is just what one must see: they travel as strings. */
export const metricValue = z.union([z.number(), z.literal(['NaN', 'Infinity', '-Infinity'])])

/** The newest value of one metric. */
export const latestMetric = z.object({ value: metricValue, step: z.nullable(count), at: timestamp })

/**
 * Metric rows as columns. All columns have the same length; `null` in `values` means "not logged in this row".
 * `elapsed_seconds` counts from the start of the row's attempt.
 */
export const metricColumns = z.object({
  attempt: z.array(count),
  step: z.array(z.nullable(count)),
  epoch: z.array(z.nullable(z.number())),
  elapsed_seconds: z.array(seconds),
  values: z.record(z.string(), z.array(z.nullable(metricValue))),
})
