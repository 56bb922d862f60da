import * as z from 'zod/mini'
import { receiptStages, receiptStates } from '../receipt'
import { open, timestamp } from './primitives'

/** Proof that one stage of a command was reached, or why not. Stages still ahead have no receipt. */
export const receipt = z.object({
  stage: open(receiptStages),
  state: open(receiptStates),
  at: timestamp,
  /** Who saw it: `server`, `shim`, `process`. */
  by: z.string(),
  /** More for a person, e.g. `step 315` or `step-00000315 verified, 2 files`. */
  detail: z.nullable(z.string()),
})
