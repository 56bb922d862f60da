import type { Clock } from './clock'
import { endedBy } from './endedBy'

/** Ends something that takes too long, or that its caller no longer wants. */
export interface Watchdog {
  /** Aborted when the time is over or the caller gave up. */
  readonly signal: AbortSignal
  /** Whether it was the time. */
  readonly timedOut: boolean
  /** Gives so many seconds from now, in place of what was left. */
  feed(seconds: number): void
  /** Ends it now. */
  abort(): void
  /** No more time limit, no more listening to the caller. */
  release(): void
  /** Rejects as soon as the signal is aborted, even if what is waited for does not heed it. */
  guard<T>(promise: Promise<T>): Promise<T>
}

export function watchdog(clock: Clock, outer: AbortSignal | undefined, seconds: number): Watchdog {
  const controller = new AbortController()
  const { signal } = controller
  let timedOut = false
  let cancelTimer = () => {}
  const abort = () => controller.abort(outer?.reason)
  const release = () => {
    cancelTimer()
    outer?.removeEventListener('abort', abort)
  }
  const feed = (next: number) => {
    cancelTimer()
    if (signal.aborted) return
    cancelTimer = clock.setTimer(() => {
      timedOut = true
      controller.abort()
    }, next * 1000)
  }
  signal.addEventListener('abort', release)
  if (outer?.aborted) abort()
  else outer?.addEventListener('abort', abort)
  feed(seconds)
  return {
    signal,
    get timedOut() {
      return timedOut
    },
    feed,
    abort,
    release,
    guard: (promise) => endedBy(signal, promise, (reject) => reject(signal.reason)),
  }
}
