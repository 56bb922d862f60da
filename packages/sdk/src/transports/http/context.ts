import type { Clock } from '../clock'

/** The options of an http transport, with their defaults filled in. */
export interface HttpContext {
  readonly url: string
  readonly headers: () => HeadersInit | Promise<HeadersInit>
  readonly fetch: typeof globalThis.fetch
  readonly answerTimeoutSeconds: number
  readonly stallTimeoutSeconds: number
  readonly pollSeconds: number
  readonly clock: Clock
}
