import type { Clock } from '../clock'
import type { Transport } from '../transport'

export interface HttpTransportOptions {
  /** Where the training calls are: usually the host's own route, `/api/training`. */
  url: string
  /**
   * Sent with every call. A function is asked again before every attempt, so that a token never goes stale: it may be
   * async. Cookies of the same origin are sent by themselves.
   */
  headers?: HeadersInit | (() => HeadersInit | Promise<HeadersInit>) | undefined
  /** Default: the global one. */
  fetch?: typeof globalThis.fetch | undefined
  /** Seconds to wait for an answer, or for the first word of a stream. Default 15. */
  answerTimeoutSeconds?: number | undefined
  /** Seconds of silence after which a stream is taken for dead. Servers send a heartbeat every 10. Default 30. */
  stallTimeoutSeconds?: number | undefined
  /** Seconds between two reads while polling. Default 3. */
  pollSeconds?: number | undefined
  /** For tests: the time that time-outs, back-off and polling go by. */
  clock?: Clock | undefined
}
export declare function http(options: HttpTransportOptions): Transport
