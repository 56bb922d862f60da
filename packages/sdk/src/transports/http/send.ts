import { neverSent } from '../../errors/neverSent'
import { type TrainingError, trainingError } from '../../errors/trainingError'
import { type Watchdog, watchdog } from '../watchdog'
import type { HttpContext } from './context'
import { type HttpRoute, isRead } from './route'

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
  if (signal?.aborted) throw trainingError('aborted', { arrived: 'no', cause: signal.reason })
  const watch = watchdog(context.clock, signal, context.answerTimeoutSeconds)
  const failure = (cause: unknown) => failureOf(cause, { context, route, watch, signal })
  const { headers, secrets } = await freshHeaders(context, extraHeaders, watch, signal)
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
    const gaveUp = watch.timedOut || signal?.aborted
    const couldLeave = !wasOffline || !isOffline() || mayBeThisMachine(context.url)
    if (!gaveUp && !couldLeave) throw trainingError('not_sent', { arrived: 'no', cause })
    throw failure(cause)
  }
}

async function freshHeaders(
  context: HttpContext,
  extraHeaders: Record<string, string>,
  watch: Watchdog,
  signal: AbortSignal | undefined,
): Promise<{ headers: Headers; secrets: string[] }> {
  try {
    const headers = new Headers(await watch.guard(Promise.resolve().then(context.headers)))
    const secrets = [...headers.values()]
    for (const [name, value] of Object.entries(extraHeaders)) headers.set(name, value)
    return { headers, secrets }
  } catch (cause) {
    watch.release()
    if (signal?.aborted) throw trainingError('aborted', { arrived: 'no', cause: signal.reason })
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
  const idempotencyKey = route.idempotencyKey ?? null
  if (signal?.aborted) {
    return trainingError('aborted', { idempotencyKey, arrived: 'unknown', cause: signal.reason })
  }
  if (watch.timedOut) {
    const timeoutSeconds = context.answerTimeoutSeconds
    return trainingError('timeout', { timeoutSeconds, limit: 'answer', idempotencyKey, arrived: 'unknown' })
  }
  // A read that is lost has changed nothing, wherever it was lost.
  if (neverSent(cause) || isRead(route)) {
    return trainingError('server_unreachable', { arrived: 'no', cause })
  }
  return trainingError('outcome_unknown', { idempotencyKey, arrived: 'unknown', cause })
}

/** Only believed where the request failed as well: a server on the same machine is reached without a network. */
function isOffline(): boolean {
  return globalThis.navigator?.onLine === false
}

/**
 * Without a network a request still reaches a server on the same machine, under a loopback name, an address, or a name
 * of this machine's own. Of a name in the wider net it is sure that nothing could leave.
 */
function mayBeThisMachine(url: string): boolean {
  try {
    const { hostname } = new URL(url, globalThis.location?.href)
    return /^[^.]+$|^[\d.]+$|\.local(host)?\.?$/.test(hostname)
  } catch {
    return true
  }
}
