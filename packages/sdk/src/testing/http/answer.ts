import { serverErrorStatus } from '../../protocol/error'
import type { Refusal } from '../mock/refusal'

const common = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

export function answer(value: object, requestId: string, { status = 200, headers = {} } = {}): Response {
  return json({ success: true, ...value }, requestId, status, headers)
}

export function refuse(refusal: Refusal, requestId: string, headers = {}): Response {
  const { message, code, status, field, jobStatus } = refusal
  const body = {
    ...{ success: false, error: message, code, request_id: requestId },
    ...(jobStatus !== null && { status: jobStatus }),
    ...(field !== null && { field }),
  }
  return json(body, requestId, status ?? serverErrorStatus[code], headers)
}

function json(body: object, requestId: string, status: number, headers: object): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...common, 'content-type': 'application/json', 'x-request-id': requestId, ...headers },
  })
}
