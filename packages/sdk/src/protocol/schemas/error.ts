import * as z from 'zod/mini'

/**
 * Any error, from any route, with an honest status code. `invalid_request` is 400 for a body that can't be read, 413
 * for one too large, 415 for another content type, and 422 for one that can be read but makes no sense.
 * `server_unreachable` comes from a host's handler when nothing was sent upstream; `outcome_unknown` when it may
 * have arrived.
 */
export const errorAnswer = z.object({
  success: z.literal(false),
  /** One plain sentence: what, why, what to do. */
  error: z.string(),
  code: z.string(),
  request_id: z.optional(z.string()),
  /** The true status of the job, where the error is about it. */
  status: z.optional(z.string()),
  /** The field of the request that is wrong, e.g. `params.epochs`. */
  field: z.optional(z.string()),
})
