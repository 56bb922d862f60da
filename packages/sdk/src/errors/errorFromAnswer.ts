import type { ServerErrorCode } from '../protocol'
import { excerpt } from './excerpt'
import { type Arrived, type TrainingError, trainingError } from './trainingError'

/** An answer that is not a success. */
export interface RefusedAnswer {
  status: number
  /** The body, parsed if it is JSON, else undefined. */
  body: unknown
  text: string
  requestId: string | null
  retryAfterSeconds: number | null
  /** Values of the request's headers, in case the answer echoes them. */
  secrets: readonly string[]
  /** Whether the call only reads. What a proxy says about a call that changes something leaves its outcome open. */
  readOnly: boolean
}

/** The error that an answer stands for: by its code, else by its status. */
export function errorFromAnswer(answer: RefusedAnswer): TrainingError {
  const body = isObject(answer.body) ? answer.body : null
  const code = body && typeof body.code === 'string' ? body.code : null
  const spoken = body && (stringOf(body.error) ?? stringOf(body.detail) ?? stringOf(body.message))
  const { status, requestId: headerId } = answer
  const requestId = (body && stringOf(body.request_id)) ?? headerId
  const base = { message: spoken ?? undefined, status, requestId }
  // `Not Found` is what web frameworks say of a path that they don't know.
  const spoke = spoken !== null && spoken !== 'Not Found'
  switch (code === null ? codeOfStatus(status, spoke) : isKnown(code) ? code : 'internal') {
    case 'unauthenticated':
      return trainingError('unauthenticated', base)
    case 'forbidden':
      return trainingError('forbidden', base)
    case 'job_not_found':
      return trainingError('job_not_found', base)
    case 'invalid_request':
      return trainingError('invalid_request', { ...base, field: (body && stringOf(body.field)) ?? null })
    case 'not_found':
    case 'not_supported':
      return trainingError('not_supported', base)
    case 'conflict':
      return trainingError('conflict', { ...base, jobStatus: (body && stringOf(body.status)) ?? null })
    case 'precondition_failed':
      return trainingError('precondition_failed', {
        ...base,
        jobStatus: (body && stringOf(body.status)) ?? null,
      })
    case 'no_checkpoint':
      return trainingError('no_checkpoint', base)
    case 'rate_limited':
      return trainingError('rate_limited', { ...base, retryAfterSeconds: answer.retryAfterSeconds })
    case 'server_unreachable':
      return trainingError('server_unreachable', { ...base, arrived: 'no' })
    case 'outcome_unknown':
      return trainingError('outcome_unknown', { ...base, arrived: 'unknown', idempotencyKey: null })
    case 'gateway': {
      // Not from the training server, and not from a host's handler: a proxy between them does not know.
      const unanswered = { status, requestId }
      return answer.readOnly
        ? trainingError('server_unreachable', { ...unanswered, arrived: 'no' })
        : trainingError('outcome_unknown', { ...unanswered, arrived: 'unknown', idempotencyKey: null })
    }
    case 'internal':
      return trainingError('internal', {
        ...base,
        arrived: arrivedAt(status),
        rawCode: code && !isKnown(code) ? code : null,
      })
    case 'invalid_response':
      return invalidResponse(answer)
  }
}

/** The error for an answer that is not this protocol, whatever its status. */
export function invalidResponse(
  { status, requestId, text, secrets }: Pick<RefusedAnswer, 'status' | 'requestId' | 'text' | 'secrets'>,
  detail?: string,
): TrainingError {
  const what = detail ?? (text.trim() === '' ? 'it was empty' : 'it is not the JSON that was expected')
  return trainingError('invalid_response', {
    message: `The training server's answer could not be understood: ${what}. Check the URL that this app uses.`,
    status,
    requestId,
    arrived: 'unknown',
    excerpt: excerpt(text, secrets),
  })
}

const serverCodes: Record<ServerErrorCode, true> = {
  unauthenticated: true,
  forbidden: true,
  job_not_found: true,
  not_found: true,
  invalid_request: true,
  not_supported: true,
  conflict: true,
  no_checkpoint: true,
  precondition_failed: true,
  rate_limited: true,
  server_unreachable: true,
  outcome_unknown: true,
  internal: true,
}

function isKnown(code: string): code is ServerErrorCode {
  return Object.hasOwn(serverCodes, code)
}

function codeOfStatus(status: number, spoken: boolean): ServerErrorCode | 'gateway' | 'invalid_response' {
  switch (status) {
    case 400:
    case 413:
    case 415:
    case 422:
      return 'invalid_request'
    case 401:
      return 'unauthenticated'
    case 403:
      return 'forbidden'
    case 404:
      // With a sentence of its own it is about the job; a bare 404 means that there is no such route.
      return spoken ? 'job_not_found' : 'not_supported'
    case 405:
    case 501:
      return 'not_supported'
    case 409:
      return 'conflict'
    case 412:
      return 'precondition_failed'
    case 429:
      return 'rate_limited'
    case 408:
    case 502:
    case 503:
    case 504:
      return 'gateway'
    default:
      return status >= 500 || (status < 300 && spoken) ? 'internal' : 'invalid_response'
  }
}

/** A server that failed may have done it before it failed. */
function arrivedAt(status: number): Arrived {
  return status >= 500 ? 'unknown' : 'yes'
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function stringOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
