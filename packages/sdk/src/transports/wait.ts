import type { Clock } from './clock'

/** Resolves after so many milliseconds, or as soon as `signal` is aborted. Never rejects. */
export function wait(clock: Clock, milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const finish = () => {
      cancel()
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    const cancel = clock.setTimer(finish, milliseconds)
    signal?.addEventListener('abort', finish)
  })
}
