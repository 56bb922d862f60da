import type { ServerErrorCode } from '../../protocol'

/** A request that is refused and has changed nothing. */
export class Refusal extends Error {
  readonly code: ServerErrorCode
  /** What is wrong in the request. */
  readonly field: string | null
  /** The true status of the job, where the refusal is about it. */
  readonly jobStatus: string | null
  /** The HTTP status, where it is not the one of the code. */
  readonly status: number | null

  constructor(
    code: ServerErrorCode,
    sentence: string,
    more: { field?: string | null; jobStatus?: string; status?: number } = {},
  ) {
    super(sentence)
    this.code = code
    this.field = more.field ?? null
    this.jobStatus = more.jobStatus ?? null
    // What the rules refuse could be read.
    this.status = more.status ?? (code === 'invalid_request' ? 422 : null)
  }
}

/** The same for a job that never was and for somebody else's. */
export function noSuchJob(): Refusal {
  return new Refusal('job_not_found', 'There is no such job here.')
}
