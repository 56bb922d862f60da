import * as z from 'zod/mini'
import { stopModes } from '../capability'
import { reportedFacts } from '../report'
import { count, id, timestamp } from './primitives'

/** One fact that a run reports, with the fields that its type has. */
export const reportedFact = z.looseObject({ type: z.enum(reportedFacts) })

/**
 * Body of `POST /jobs/{job_id}/report`, with the run's own token. `offset`: how many facts this rank reported before
 * these, so that a report that is sent again counts once.
 */
export const reportRequest = z.object({
  attempt: z.int().check(z.minimum(1)),
  rank: z.int().check(z.minimum(0), z.maximum(999_999)),
  offset: count,
  facts: z.array(reportedFact).check(z.maxLength(1000)),
})

/** What is asked of the run now. */
export const controlCommand = z.object({
  id,
  action: z.enum(['cancel', 'pause']),
  mode: z.enum(stopModes),
  created_at: timestamp,
  /** When the process gets SIGTERM; null for a pause. */
  term_at: z.nullable(timestamp),
  /** A cancel: when everything left is killed. A pause: when it expires. */
  deadline: timestamp,
})

/** `next_offset`: where to go on. Facts beyond a gap are not taken. */
export const reportAnswer = z.object({
  success: z.literal(true),
  next_offset: count,
  command: z.nullable(controlCommand),
})
