/**
 * Whether a call reached the training server: `no` means that nothing was changed, `yes` that the server answered,
 * `unknown` that it may have been carried out although no answer came back.
 */
export type Arrived = 'no' | 'yes' | 'unknown'

/**
 * Which time ran out: `answer`, the wait for the answer to one request, or for the first word of a stream; `silence`,
 * between two words of a stream; `intent`, for all requests of one call together; `command`, for a command to end.
 */
export type TimeLimit = 'answer' | 'silence' | 'intent' | 'command'

/** What each code carries beside the fields that all errors have. */
export interface TrainingErrorFields {
  /** Nobody is signed in, or the token has expired. */
  unauthenticated: object
  /** Signed in, but this is not allowed. Someone else's job is `job_not_found`, not this. */
  forbidden: object
  /** No such job, or not one that this user may see. */
  job_not_found: object
  /** `field`: the part of the request that is wrong, e.g. `params.epochs`. */
  invalid_request: { field: string | null }
  /** This server, or this job, can't do that. */
  not_supported: object
  /** The job is in a state that doesn't allow it. `jobStatus`: that state. */
  conflict: { jobStatus: string | null }
  /** The job has changed since it was read (`If-Match`). `jobStatus`: its state now. */
  precondition_failed: { jobStatus: string | null }
  /** There is nothing verified to resume from. */
  no_checkpoint: object
  /** `retryAfterSeconds`: how long the server asked to be left alone. */
  rate_limited: { retryAfterSeconds: number | null }
  /** Nothing was sent to the training server, so nothing was changed. */
  server_unreachable: object
  /**
   * Not done within `timeoutSeconds`; `limit` names which time it was. A control call that may have arrived is settled,
   * or `outcome_unknown`.
   */
  timeout: { timeoutSeconds: number; limit: TimeLimit }
  /** The caller's own signal was aborted. */
  aborted: object
  /** The request never left: no network, or no headers for it. */
  not_sent: object
  /**
   * The call may have been carried out, and asking the server did not settle it. Call again with the same
   * `idempotencyKey` to go on with the same intent: it joins the command if there is one.
   */
  outcome_unknown: { idempotencyKey: string | null }
  /** The server answered something that is not this protocol. `excerpt`: its beginning, at most 200 characters. */
  invalid_response: { excerpt: string }
  /** The server failed. `rawCode`: its own code, where it is one that this version does not know. */
  internal: { rawCode: string | null }
}

/** Every code that a {@link TrainingError} can have. Closed: a code that a newer server invents is `internal`. */
export type TrainingErrorCode = keyof TrainingErrorFields

/** What every error has, whatever its code. */
export interface CommonErrorFields<Code extends TrainingErrorCode> {
  readonly name: 'TrainingError'
  readonly code: Code
  /** A sentence for a person, on one line of at most 500 characters, without the secrets of the request. */
  readonly message: string
  /** HTTP status, null where there was no answer. */
  readonly status: number | null
  /** The server's id of the request, to look it up in its log. */
  readonly requestId: string | null
  readonly arrived: Arrived
  /**
   * The key of the intent that failed, if it was one. Call again with it to go on with the same intent, without it to
   * begin another. Null for reads, and for what was never an intent.
   */
  readonly idempotencyKey: string | null
  /** How many seconds the server asked to be left alone. Null where it did not. */
  readonly retryAfterSeconds: number | null
  /** All fields but `cause` and `stack`, for logs. */
  toJSON(): Record<string, unknown>
}

/** The error with this code, and the fields that it alone has. */
export type TrainingErrorOf<Code extends TrainingErrorCode> = Error &
  CommonErrorFields<Code> &
  Readonly<TrainingErrorFields[Code]>

/**
 * Everything that can go wrong, as a closed union: switch over `code`, exhaustively. Actions return it as
 * `{ ok: false, error }`; query and mutation functions throw it.
 */
export type TrainingError = { [Code in TrainingErrorCode]: TrainingErrorOf<Code> }[TrainingErrorCode]

const sentences: Record<TrainingErrorCode, string> = {
  unauthenticated: 'You are not signed in. Sign in and try again.',
  forbidden: 'You are not allowed to do this.',
  job_not_found: 'There is no such job.',
  invalid_request: 'The training server did not accept this request.',
  not_supported: 'This training server does not support this.',
  conflict: "The job's state does not allow this.",
  precondition_failed: 'The job has changed meanwhile. Look at it again, then decide.',
  no_checkpoint: 'There is no verified checkpoint to resume from.',
  rate_limited: 'Too many requests. Try again in a moment.',
  server_unreachable: "The training server can't be reached, so nothing was changed. Try again in a moment.",
  timeout: 'The training server did not answer in time. Try again in a moment.',
  aborted: 'The request was given up before it was answered.',
  not_sent: 'The request was not sent, so nothing was changed. Check the network and try again.',
  outcome_unknown:
    "The connection was lost, and it is not known whether the training server got this. Check the job's status.",
  invalid_response: "The training server's answer could not be understood.",
  internal: 'The training server failed. Try again in a moment.',
}

const brand = Symbol.for('trainstop.TrainingError')

class TrainingFailure extends Error {
  override readonly name = 'TrainingError'
  readonly [brand] = true

  toJSON(): Record<string, unknown> {
    // The message is no field that is counted; nor are `stack` and `cause`, which stay here.
    return { ...(this as object), message: this.message }
  }
}

/** What a {@link TrainingError} of this code is made from. */
export type TrainingErrorInit<Code extends TrainingErrorCode> = {
  /** Default: a plain sentence for the code. */
  message?: string | undefined
  status?: number | null
  requestId?: string | null
  /** Default: `yes` with a status, else `unknown`. */
  arrived?: Arrived
  idempotencyKey?: string | null
  retryAfterSeconds?: number | null
  cause?: unknown
} & TrainingErrorFields[Code]

/** Makes a {@link TrainingError}. For those who write a transport. */
export function trainingError<Code extends TrainingErrorCode>(
  code: Code,
  init: TrainingErrorInit<Code>,
): { [Each in Code]: TrainingErrorOf<Each> }[Code] {
  const { message = sentences[code], status = null, requestId = null, cause, ...fields } = init
  const arrived: Arrived = init.arrived ?? (status === null ? 'unknown' : 'yes')
  const error = new TrainingFailure(message, cause === undefined ? undefined : { cause })
  return Object.assign(error, {
    idempotencyKey: null,
    retryAfterSeconds: null,
    ...fields,
    code,
    status,
    requestId,
    arrived,
  }) as unknown as { [Each in Code]: TrainingErrorOf<Each> }[Code]
}

/** Whether a caught value is a {@link TrainingError}, also across copies of this package. */
export function isTrainingError(value: unknown): value is TrainingError {
  return value instanceof Error && brand in value
}
