import * as z from 'zod/mini'
import { stopModes } from '../capability'
import { open } from './primitives'

/** Whether an action is possible on a job right now, and if not, why, as a sentence for a person. */
export const capability = z.object({ allowed: z.boolean(), reason: z.nullable(z.string()) })

/** What can be done with a job right now. */
export const capabilities = z.object({
  cancel: capability,
  force: capability,
  pause: capability,
  resume: capability,
  /** The modes that `cancel` takes on this job. */
  modes: z.array(open(stopModes)),
  /** Whether `modes` has `checkpoint`, and if not, why. Older servers don't say. So for `epoch`. */
  checkpoint: z.optional(capability),
  epoch: z.optional(capability),
  /** Pause with `hold`: park at a step and keep the GPU. */
  hold: z.optional(capability),
})
