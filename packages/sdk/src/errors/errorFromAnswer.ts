import { type ServerErrorCode, serverErrorStatus } from '../protocol/error'
import { excerpt } from './excerpt'
import { type TrainingError, trainingError } from './trainingError'

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
  const sentences = [body?.error, body?.detail, body?.message].map((each) => told(each, longestMessage))
  const message = sentences.find((sentence) => sentence !== null)
  const requestId = told(body?.request_id) ?? told(answer.requestId)
  const base = { message, status, requestId, retryAfterSeconds }
  // Others have a sentence for a path that they don't know, too: gateways, frameworks.
  const isOurShape = body?.success === false && message !== undefined
  const found = code === null ? codeOfStatus(status, isOurShape) : isKnown(code) ? code : 'internal'
  switch (found) {
    case 'not_found':
      return trainingError('not_supported', base)
    case 'invalid_request':
      return trainingError(found, { ...base, field: told(body?.field) })
    case 'conflict':
    case 'precondition_failed':
      return trainingError(found, { ...base, jobStatus: told(body?.status) })
    case 'server_unreachable':
      return trainingError(found, { ...base, arrived: 'no' })
    case 'outcome_unknown':
      return trainingError(found, { ...base, arrived: 'unknown', idempotencyKey: null })
    case 'gateway': {
      // Not from the training server, and not from a host's handler: a proxy between them does not know.
      const unanswered = { ...base, message: undefined }
      return answer.readOnly
        ? trainingError('server_unreachable', { ...unanswered, arrived: 'no' })
        : trainingError('outcome_unknown', { ...unanswered, arrived: 'unknown', idempotencyKey: null })
    }
    case 'internal':
      return trainingError(found, {
        ...base,
        // A server that failed may have done it before it failed.
        arrived: status >= 500 ? 'unknown' : 'yes',
        rawCode: code && !isKnown(code) ? told(code) : null,
      })
    case 'invalid_response':
      return invalidResponse(answer)
    default:
      return trainingError(found, base)
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

function isKnown(code: string): code is ServerErrorCode {
  return Object.hasOwn(serverErrorStatus, code)
}

/** What a status says by itself. */
function codeOfStatus(status: number, isOurShape: boolean): ServerErrorCode | 'gateway' | 'invalid_response' {
  switch (status) {
    case 413:
    case 415:
    case 422:
      return 'invalid_request'
    case 404:
      // In the protocol's shape it is about the job; any other 404 means that there is no such route.
      return isOurShape ? 'job_not_found' : 'not_supported'
    case 405:
    case 501:
      return 'not_supported'
    case 408:
    case 502:
    case 503:
    case 504:
      return 'gateway'
  }
  if (status >= 500 || (status < 300 && isOurShape)) return 'internal'
  const [code] = Object.entries(serverErrorStatus).find(([, each]) => each === status) ?? []
  return (code as ServerErrorCode | undefined) ?? 'invalid_response'
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
