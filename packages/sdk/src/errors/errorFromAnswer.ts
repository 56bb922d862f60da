import type { ServerErrorCode } from '../protocol'
import { excerpt } from './excerpt'
import { type Arrived, type TrainingError, trainingError } from './trainingError'

const longestMessage = 500

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
  const { status, secrets, retryAfterSeconds } = answer
  const told = (value: unknown, length?: number) =>
    typeof value === 'string' ? excerpt(value, secrets, length) || null : null
  const code = body && typeof body.code === 'string' ? body.code : null
  const message =
    body &&
    (told(body.error, longestMessage) ??
      told(body.detail, longestMessage) ??
      told(body.message, longestMessage))
  const requestId = told(body?.request_id) ?? told(answer.requestId)
  const base = { message: message ?? undefined, status, requestId, retryAfterSeconds }
  const jobStatus = told(body?.status)
  // Others have a sentence for a path that they don't know, too: gateways, frameworks.
  const isOurShape = body?.success === false && message !== null
  switch (code === null ? codeOfStatus(status, isOurShape) : isKnown(code) ? code : 'internal') {
    case 'unauthenticated':
      return trainingError('unauthenticated', base)
    case 'forbidden':
      return trainingError('forbidden', base)
    case 'job_not_found':
      return trainingError('job_not_found', base)
    case 'invalid_request':
      return trainingError('invalid_request', { ...base, field: told(body?.field) })
    case 'not_found':
    case 'not_supported':
      return trainingError('not_supported', base)
    case 'conflict':
      return trainingError('conflict', { ...base, jobStatus })
    case 'precondition_failed':
      return trainingError('precondition_failed', { ...base, jobStatus })
    case 'no_checkpoint':
      return trainingError('no_checkpoint', base)
    case 'rate_limited':
      return trainingError('rate_limited', base)
    case 'server_unreachable':
      return trainingError('server_unreachable', { ...base, arrived: 'no' })
    case 'outcome_unknown':
      return trainingError('outcome_unknown', { ...base, arrived: 'unknown', idempotencyKey: null })
    case 'gateway': {
      // Not from the training server, and not from a host's handler: a proxy between them does not know.
      const unanswered = { status, requestId, retryAfterSeconds }
      return answer.readOnly
        ? trainingError('server_unreachable', { ...unanswered, arrived: 'no' })
        : trainingError('outcome_unknown', { ...unanswered, arrived: 'unknown', idempotencyKey: null })
    }
    case 'internal':
      return trainingError('internal', {
        ...base,
        arrived: arrivedAt(status),
        rawCode: code && !isKnown(code) ? told(code) : null,
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
    requestId: requestId === null ? null : excerpt(requestId, secrets),
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

function codeOfStatus(status: number, isOurShape: boolean): ServerErrorCode | 'gateway' | 'invalid_response' {
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
      // In the protocol's shape it is about the job; any other 404 means that there is no such route.
      return isOurShape ? 'job_not_found' : 'not_supported'
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
      return status >= 500 || (status < 300 && isOurShape) ? 'internal' : 'invalid_response'
  }
}

/** A server that failed may have done it before it failed. */
function arrivedAt(status: number): Arrived {
  return status >= 500 ? 'unknown' : 'yes'
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
