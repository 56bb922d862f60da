import * as z from 'zod/mini'
import { stopModes } from '../capability'
import { commandActions, stopReasons } from '../command'
import { outcomes } from '../control'
import { command } from './command'
import { job, wireJob } from './job'
import { id, seconds } from './primitives'

const about = {
  reason: z.optional(z.nullable(z.enum(stopReasons))),
  note: z.optional(z.nullable(z.string().check(z.maxLength(2000)))),
}
/** How long the process may take before the ladder's end, in seconds. Default: max(60, 3 × the measured save time). */
const grace = { grace_seconds: z.optional(z.nullable(seconds.check(z.maximum(86_400)))) }

/** How to stop, and why. All of it may be left out. */
export const cancelOptions = z.object({
  ...about,
  ...grace,
  mode: z.optional(z.nullable(z.enum(stopModes))),
  /** `checkpoint` and `epoch`: how long the run may go on to that place, in seconds. Default: 3600. Then the stop is graceful. */
  wait_seconds: z.optional(z.nullable(seconds.check(z.maximum(604_800)))),
})
/** How to pause, and why. All of it may be left out. */
export const pauseOptions = z.object({ ...about, ...grace, hold: z.optional(z.nullable(z.boolean())) })
/** From where to go on, and why. All of it may be left out. */
export const resumeOptions = z.object({
  ...about,
  /** `last` (default), `best`, or a checkpoint's id. */
  from: z.optional(z.nullable(z.string().check(z.regex(/^[A-Za-z0-9_-]{1,64}$/)))),
})

/** Body of `POST /local/{job_id}/control`. `/cancel/{job_id}` and its like take the same without `action`. */
export const controlRequest = z.discriminatedUnion('action', [
  z.object({ action: z.literal('cancel'), ...cancelOptions.shape }),
  z.object({ action: z.literal('pause'), ...pauseOptions.shape }),
  z.object({ action: z.literal('resume'), ...resumeOptions.shape }),
])

/** What the smallest compatible server answers: `result` may hold anything. */
export const controlAnswer = z.object({
  success: z.literal(true),
  action: z.enum(commandActions),
  job_id: z.string(),
  result: z.unknown(),
})

/**
 * `result` of a Trainstop server. Resuming a cancelled or failed job starts a new one: then `job` is that new job, while
 * the answer's `job_id` stays the one that was asked for.
 */
export const wireControlResult = z.object({
  outcome: z.enum(outcomes),
  command: z.nullable(command),
  job: wireJob,
})
/** `result` as a client works with it. */
export const controlResult = z.object({ outcome: z.enum(outcomes), command: z.nullable(command), job })

/** A value of a template's parameter. */
export const paramValue = z.union([z.string().check(z.maxLength(1000)), z.number(), z.boolean()])

/** Body of `POST /jobs`: only what the operator allow-listed as a template can be started. */
export const startRequest = z.object({
  template: id,
  name: z.optional(z.nullable(z.string().check(z.minLength(1), z.maxLength(200)))),
  params: z.optional(z.record(id, paramValue)),
})
