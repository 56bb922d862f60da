import type { Clock } from '../transports/clock'

interface Timer {
  at: number
  milliseconds: number
  callback: () => void
}

/** When the clock starts, and what chance it has. */
export interface VirtualClockOptions {
  /** The time it shows at first, as anything `Date` takes. Default: 2026-01-01T00:00:00Z. */
  start?: string | number
  /** What chance gives, at least 0 and below 1. Default: always 0.5, so that a wait with full jitter is half its longest. */
  random?: () => number
}

// Taken now: a test may put fake timers in their place later.
const { setTimeout, setImmediate } = globalThis as typeof globalThis & {
  setImmediate?: (callback: () => void) => unknown
}
const soon = setImmediate ?? ((callback: () => void) => setTimeout(callback, 0))

/** A {@link Clock} that stands still until it is told to move. Whoever shares it shares one time: server and client, say. */
export class VirtualClock implements Clock {
  #now: number
  readonly #random: () => number
  readonly #timers = new Set<Timer>()

  constructor({ start = '2026-01-01T00:00:00Z', random = () => 0.5 }: VirtualClockOptions = {}) {
    this.#now = new Date(start).getTime()
    if (Number.isNaN(this.#now)) throw new TypeError(`${start} is no time; give one that Date takes.`)
    this.#random = random
  }

  now(): number {
    return this.#now
  }

  random(): number {
    return this.#random()
  }

  setTimer(callback: () => void, milliseconds: number): () => void {
    const timer = { at: this.#now + Math.max(0, milliseconds), milliseconds, callback }
    // One that never fires need not be kept.
    if (timer.at < Number.POSITIVE_INFINITY) this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** How long each timer that runs was set for, in milliseconds. */
  get running(): number[] {
    return [...this.#timers].map(({ milliseconds }) => milliseconds)
  }

  /** Milliseconds until the next timer fires; null where none runs. */
  get nextIn(): number | null {
    const next = this.#next(Number.POSITIVE_INFINITY)
    return next ? Math.max(0, next.at - this.#now) : null
  }

  /** Moves on at once, firing what is due on the way, in order. */
  advance(milliseconds: number): void {
    const until = this.#now + milliseconds
    for (let next = this.#next(until); next; next = this.#next(until)) this.#fire(next)
    this.#now = until
  }

  /**
   * The same, in seconds, and everything that waits for something on the way (an answer, an event) acts in its own time
   * before the next timer fires. Resolves when the time has passed.
   */
  async play(seconds: number): Promise<void> {
    const until = this.#now + seconds * 1000
    await settled()
    for (let next = this.#next(until); next; next = this.#next(until)) {
      const { at } = next
      for (let same = this.#next(at); same; same = this.#next(at)) this.#fire(same)
      await settled()
    }
    this.#now = Math.max(this.#now, until)
  }

  #next(until: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) if (timer.at <= until && (!next || timer.at < next.at)) next = timer
    return next
  }

  #fire(timer: Timer): void {
    this.#timers.delete(timer)
    this.#now = Math.max(this.#now, timer.at)
    timer.callback()
  }
}

/** Resolves when nothing is left to do but to wait for time. */
async function settled(): Promise<void> {
  // A chain of promises runs to its end in one turn; a second is for what its end puts on the next.
  for (let turn = 0; turn < 2; turn++) await new Promise<void>((resolve) => soon(resolve))
}
