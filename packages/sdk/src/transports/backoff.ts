import type { Clock } from './clock'

export interface Backoff {
  /** The longest wait after the first failure, in milliseconds. It doubles with each further one … */
  base: number
  /** … up to this. */
  cap: number
}

/** Full jitter: anything between nothing and the longest wait, so that clients cut off together don't return together. */
export function backoffDelay(clock: Clock, { base, cap }: Backoff, failures: number): number {
  return clock.random() * Math.min(cap, base * 2 ** Math.max(0, failures - 1))
}
