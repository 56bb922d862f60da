import { type ServerErrorCode, serverErrorStatus } from '../protocol'

/** A refusal, in the protocol's one shape for errors. */
export class Refusal {
  readonly status: number
  readonly code: ServerErrorCode
  readonly #body: Record<string, unknown>
  readonly #headers: Record<string, string>

  constructor(
    code: ServerErrorCode,
    error: string,
    {
      status = serverErrorStatus[code],
      headers = {},
      ...fields
    }: { status?: number; headers?: Record<string, string>; field?: string; request_id?: string } = {},
  ) {
    this.status = status
    this.code = code
    this.#body = { success: false, error, code, ...fields }
    this.#headers = headers
  }

  response(): Response {
    return json(this.#body, this.status, this.#headers)
  }
}

/** Says the same of a job that does not exist and of one that is not this user's. */
export function jobNotFound(): Refusal {
  return new Refusal('job_not_found', 'There is no such job.')
}

export function routeNotFound(): Refusal {
  return new Refusal('not_found', 'There is no such call.')
}

export function methodNotAllowed(allow: string): Refusal {
  return new Refusal('invalid_request', `This call takes ${allow} only.`, { status: 405, headers: { allow } })
}

export function signedOut(): Refusal {
  return new Refusal('unauthenticated', 'You are not signed in. Sign in and try again.')
}

export function crossSite(): Refusal {
  return new Refusal('forbidden', 'This call came from another site, so it was not carried out.')
}

export function notAllowed(): Refusal {
  return new Refusal('forbidden', 'You are not allowed to do this.')
}

export function serverUnreachable(): Refusal {
  const error = "The training server can't be reached, so nothing was changed. Try again in a moment."
  return new Refusal('server_unreachable', error)
}

export function outcomeUnknown(): Refusal {
  const error =
    "The connection to the training server was lost, and it is not known whether it got this. Check the job's status."
  return new Refusal('outcome_unknown', error)
}

/** What went wrong is in the host's own log; to the browser it would be a leak. */
export function hostFailure(error: string): Refusal {
  return new Refusal('internal', error)
}

export function json(body: unknown, status: number, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  })
}
