import { neverSent } from '../../errors/neverSent'
import { type TrainingError, trainingError } from '../../errors/trainingError'
import { type Watchdog, watchdog } from '../watchdog'
import type { HttpContext } from './context'
import type { HttpRoute } from './route'

/** A response whose head is there; its body is still guarded by `watch`. */
export interface SentRequest {
  response: Response
  watch: Watchdog
  /** Values of the caller's headers, which no error may repeat. */
  secrets: readonly string[]
  /** Names a failure while the body is read. */
  failure(cause: unknown): TrainingError
}

/**
 * Sends one request with fresh headers and waits for the head of the response. Throws a `TrainingError` that says
 * whether the request may have arrived. Redirects are not followed: they lead to sign-in pages, not to answers.
 */
export async function send(
  context: HttpContext,
  route: HttpRoute,
  signal: AbortSignal | undefined,
  extraHeaders: Record<string, string>,
): Promise<SentRequest> {
  if (signal?.aborted) throw trainingError('aborted', { arrived: 'no' })
  const watch = watchdog(context.clock, signal, context.answerTimeoutSeconds)
  const failure = (cause: unknown) => failureOf(cause, { context, route, watch, signal })
  const headers = await freshHeaders(context, watch, signal)
  const secrets = [...headers.values()]
  for (const [name, value] of Object.entries(extraHeaders)) headers.set(name, value)
  // Asked before, since a connection may come back while the request fails.
  const wasOffline = isOffline()
  try {
    const response = await watch.guard(
      context.fetch(`${context.url}${route.path}`, {
        method: route.method,
        headers,
        signal: watch.signal,
        redirect: 'manual',
        cache: 'no-store',
        ...(route.body !== undefined && { body: JSON.stringify(route.body) }),
      }),
    )
    return { response, watch, secrets, failure }
  } catch (cause) {
    watch.release()
    const reached = watch.timedOut || signal?.aborted
    if (!reached && wasOffline && isOffline()) throw trainingError('not_sent', { arrived: 'no', cause })
    throw failure(cause)
  }
}

async function freshHeaders(
  context: HttpContext,
  watch: Watchdog,
  signal: AbortSignal | undefined,
): Promise<Headers> {
  try {
    return new Headers(await watch.guard(Promise.resolve().then(context.headers)))
  } catch (cause) {
    watch.release()
    if (signal?.aborted) throw trainingError('aborted', { arrived: 'no' })
    const message =
      'The request was not sent, since its headers (a token, perhaps) could not be had. Try again in a moment.'
    throw trainingError('not_sent', { message, arrived: 'no', cause })
  }
}

interface Circumstances {
  context: HttpContext
  route: HttpRoute
  watch: Watchdog
  signal: AbortSignal | undefined
}

function failureOf(cause: unknown, { context, route, watch, signal }: Circumstances): TrainingError {
  if (signal?.aborted) return trainingError('aborted', { arrived: 'unknown' })
  if (watch.timedOut) {
    return trainingError('timeout', { timeoutSeconds: context.answerTimeoutSeconds, arrived: 'unknown' })
  }
  // A read that is lost has changed nothing, wherever it was lost.
  if (neverSent(cause) || route.method === 'GET') {
    return trainingError('server_unreachable', { arrived: 'no', cause })
  }
  const idempotencyKey = route.idempotencyKey ?? null
  return trainingError('outcome_unknown', { idempotencyKey, arrived: 'unknown', cause })
}

/** Only believed where the request failed as well: a server on the same machine is reached without a network. */
function isOffline(): boolean {
  return globalThis.navigator?.onLine === false
}
