import * as z from 'zod/mini'
import { checkpointReasons } from '../checkpoint'
import { metricValue } from './metrics'
import { count, id, open, seconds, timestamp } from './primitives'

/** A saved state of the run, listed once its manifest is on disk. */
export const checkpoint = z.object({
  id,
  job_id: id,
  attempt: count,
  step: z.nullable(count),
  epoch: z.nullable(z.number().check(z.minimum(0))),
  /** The directory on the training machine. */
  path: z.string(),
  bytes: count,
  files: count,
  saved_at: timestamp,
  /** When retention removed it from the disk. Only events tell of such a one; lists leave it out. */
  removed_at: z.nullable(timestamp),
  save_seconds: seconds,
  reason: open(checkpointReasons),
  /** Every file was read again and has the size and hash of the manifest. Resume is offered only then. */
  verified: z.boolean(),
  /** Why it did not verify. */
  problem: z.nullable(z.string()),
  metrics: z.record(z.string(), metricValue),
})
