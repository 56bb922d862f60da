import * as z from 'zod/mini'
import { open, timestamp } from './primitives'

/** The stages of a command, in their order. */
export const receiptStages = [
  'requested',
  'accepted',
  'delivered',
  'acknowledged',
  'checkpoint_saved',
  'process_exited',
  'resources_released',
] as const
export type ReceiptStage = (typeof receiptStages)[number]

export const receiptStates = ['done', 'skipped', 'not_measured', 'failed'] as const
export type ReceiptState = (typeof receiptStates)[number]

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
export type Receipt = z.output<typeof receipt>
