import * as z from 'zod/mini'
import { stopModes } from '../capability'
import { actorTypes, commandActions, commandStatuses, stopReasons } from '../command'
import { id, open, timestamp } from './primitives'
import { receipt } from './receipt'

/** Who asked. A rule that stops a job is an actor too. */
export const actor = z.object({
  type: open(actorTypes),
  id: z.nullable(z.string()),
  name: z.nullable(z.string()),
})

/** A durable wish to change a job: committed before it is answered, and it always ends. */
export const command = z.object({
  id,
  job_id: id,
  attempt: z.int().check(z.minimum(1)),
  action: open(commandActions),
  /** Cancel only. */
  mode: z.nullable(open(stopModes)),
  /** Pause only: park at a step and keep the GPU, rather than save and leave. */
  hold: z.nullable(z.boolean()),
  /** Resume only: the checkpoint's id that was resolved. */
  from: z.nullable(z.string()),
  reason: z.nullable(open(stopReasons)),
  note: z.nullable(z.string()),
  actor,
  status: open(commandStatuses),
  superseded_by: z.nullable(id),
  /** The intent's Idempotency-Key, by which a caller finds its own command again. */
  idempotency_key: z.nullable(z.string()),
  created_at: timestamp,
  /** `checkpoint` and `epoch`: until when the run goes on to that place; the times below come after it. Null for other modes. */
  wait_until: z.optional(z.nullable(timestamp)),
  /** When the main process gets SIGTERM; null where nothing is ever killed. */
  term_at: z.nullable(timestamp),
  /**
   * Cancel: everything left is killed. Pause: the command expires and the run goes on. Resume of a held job: it expires,
   * and the job stays held. Absolute.
   */
  deadline: z.nullable(timestamp),
  ended_at: z.nullable(timestamp),
  /** Why it failed, was superseded or expired, as a sentence. */
  message: z.nullable(z.string()),
  receipts: z.array(receipt),
})
