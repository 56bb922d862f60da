import * as z from 'zod/mini'
import { count, seconds, timestamp } from './primitives'

/** How far the run is. What the script never told is null. */
export const progress = z.object({
  epoch: z.nullable(z.number().check(z.minimum(0))),
  epoch_total: z.nullable(count),
  step: z.nullable(count),
  step_total: z.nullable(count),
  /** When the current attempt's process started. */
  started_at: z.nullable(timestamp),
  /** Rate over the last seconds of the current attempt. */
  steps_per_second: z.nullable(z.number().check(z.minimum(0))),
  eta_seconds: z.nullable(seconds),
})
