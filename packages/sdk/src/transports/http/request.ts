import { readText } from '../../body/readText'
import { rememberSecrets } from '../../errors/bodySecrets'
import { errorFromAnswer, invalidResponse, type RefusedAnswer } from '../../errors/errorFromAnswer'
import type { TransportCall } from '../transportCall'
import type { HttpContext } from './context'
import { retryAfterSeconds } from './retryAfter'
import { type HttpRoute, isRead, routeOf } from './route'
import { type SentRequest, send } from './send'

/** Room for every metric row of a long run. */
const largestAnswerBytes = 64 * 1024 * 1024
/** Of a refusal only its sentence matters. */
const largestRefusalBytes = 256 * 1024

/** One attempt of one call. Resolves with the answer's JSON. */
export async function request(
  context: HttpContext,
  call: TransportCall,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const route = routeOf(call)
  const sent = await send(context, route, signal, {
    accept: 'application/json',
    ...(route.body !== undefined && { 'content-type': 'application/json' }),
    ...(route.idempotencyKey !== undefined && { 'idempotency-key': route.idempotencyKey }),
    ...(route.ifMatch !== undefined && { 'if-match': route.ifMatch }),
  })
  const answer = await readAnswer(context, route, sent)
  if (isRedirect(sent.response)) throw redirected(answer)
  const { body, status } = answer
  if (status >= 200 && status < 300) {
    if (!answer.complete) throw invalidResponse(answer, 'it is too large')
    const { success } = (body ?? {}) as { success?: unknown }
    if (success === true) {
      rememberSecrets(body as object, answer.secrets)
      return body
    }
    if (success !== false) throw invalidResponse(answer)
  }
  throw errorFromAnswer(answer)
}

/** Reads the body to its end, within the time that is left for the answer. */
export async function readAnswer(
  { clock }: HttpContext,
  route: HttpRoute,
  { response, watch, secrets, failure }: SentRequest,
): Promise<RefusedAnswer & { complete: boolean }> {
  try {
    const { text, complete } = await watch.guard(textOf(response))
    if (!complete) watch.abort()
    return {
      status: response.status,
      text,
      complete,
      body: complete ? parsed(text) : undefined,
      requestId: response.headers.get('x-request-id'),
      retryAfterSeconds: retryAfterSeconds(response.headers.get('retry-after'), clock.now()),
      secrets,
      readOnly: isRead(route),
    }
  } catch (cause) {
    throw failure(cause)
  } finally {
    watch.release()
  }
}

/** Where bodies can't be read piece by piece (React Native), they come whole. */
async function textOf(response: Response): Promise<{ text: string; complete: boolean }> {
  if (!response.body) return { text: await response.text(), complete: true }
  return readText(response.body, response.ok ? largestAnswerBytes : largestRefusalBytes)
}

/** In a browser a redirect that is not followed is opaque, with status 0. */
export function isRedirect({ type, status }: Response): boolean {
  return type === 'opaqueredirect' || (status >= 300 && status < 400)
}

export function redirected(answer: RefusedAnswer) {
  return invalidResponse(answer, 'it redirects, often a sign of an expired sign-in')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
