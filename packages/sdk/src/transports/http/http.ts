import { type Clock, systemClock } from '../clock'
import type { Transport } from '../transport'
import type { HttpContext } from './context'
import { request } from './request'
import { StreamHub } from './streamHub'
import { HttpSubscription } from './subscription'

/** What `new Headers()` takes: by this name with and without the types of the DOM. */
export type HeadersLike = NonNullable<ConstructorParameters<typeof Headers>[0]>

/** Where the training calls are, and how they are made. */
export interface HttpTransportOptions {
  /** Where the training calls are: usually the host's own route, `/api/training`. */
  url: string
  /**
   * Sent with every call. A function is asked again before every attempt, so that a token never goes stale; it may be
   * async. Cookies of the same origin are sent by themselves.
   */
  headers?: HeadersLike | (() => HeadersLike | Promise<HeadersLike>) | undefined
  /** Default: the global one. */
  fetch?: typeof globalThis.fetch | undefined
  /** Seconds to wait for an answer, or for the first word of a stream. Default 15. */
  answerTimeoutSeconds?: number | undefined
  /** Seconds of silence after which a stream is taken for dead. Servers say something every 10. Default 30. */
  stallTimeoutSeconds?: number | undefined
  /** Seconds between two reads while polling. Default 3. */
  pollSeconds?: number | undefined
  /** For tests: the time that time-outs, back-off and polling go by. */
  clock?: Clock | undefined
}

/**
 * Speaks protocol v1 over HTTP. Updates come as server-sent events, read with fetch so that headers can be sent and
 * renewed; where streams don't get through it polls, and tries a stream again later.
 */
export function http({
  url,
  headers = {},
  fetch = (input, init) => globalThis.fetch(input, init),
  answerTimeoutSeconds = 15,
  stallTimeoutSeconds = 30,
  pollSeconds = 3,
  clock = systemClock,
}: HttpTransportOptions): Transport {
  const context: HttpContext = {
    url: url.replace(/\/+$/, ''),
    headers: typeof headers === 'function' ? headers : () => headers,
    fetch,
    answerTimeoutSeconds,
    stallTimeoutSeconds,
    pollSeconds,
    clock,
  }
  const hub = new StreamHub(context)
  return {
    request: (call, { signal }) => request(context, call, signal),
    subscribe({ jobId, observer, cursor = null }) {
      const subscription = new HttpSubscription(context, hub, jobId, observer, cursor)
      subscription.start()
      return () => subscription.stop()
    },
  }
}
