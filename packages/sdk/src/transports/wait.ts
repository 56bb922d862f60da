import type { Clock } from './clock'

/**
 * Resolves after so many milliseconds, or as soon as `signal` is aborted; with `untilOnline` also as soon as the browser
 * is online again. Never rejects.
 */
export function wait(
  clock: Clock,
  milliseconds: number,
  signal: AbortSignal | undefined,
  untilOnline = false,
): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const finish = () => {
      cancel()
      signal?.removeEventListener('abort', finish)
      globalThis.removeEventListener?.('online', finish)
      resolve()
    }
    const cancel = clock.setTimer(finish, milliseconds)
    signal?.addEventListener('abort', finish)
    if (untilOnline) globalThis.addEventListener?.('online', finish)
  })
}
