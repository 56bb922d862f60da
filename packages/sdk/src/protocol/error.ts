/** The codes a server answers with, each with its HTTP status. */
export const serverErrorStatus = {
  unauthenticated: 401,
  forbidden: 403,
  job_not_found: 404,
  not_found: 404,
  invalid_request: 400,
  not_supported: 422,
  conflict: 409,
  no_checkpoint: 409,
  precondition_failed: 412,
  rate_limited: 429,
  server_unreachable: 502,
  outcome_unknown: 504,
  internal: 500,
} as const
/** A code that a server answers with. */
export type ServerErrorCode = keyof typeof serverErrorStatus
