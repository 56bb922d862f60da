/** Time and chance, as everything here that waits sees them. Replaced in tests, so that none has to wait. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls back after so many milliseconds, unless the returned function is called before. */
  setTimer(callback: () => void, milliseconds: number): () => void
  /** At least 0, below 1. */
  random(): number
}

/** The real clock, and real chance. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(callback, milliseconds) {
    const timer = setTimeout(callback, milliseconds)
    return () => clearTimeout(timer)
  },
  random: () => Math.random(),
}
