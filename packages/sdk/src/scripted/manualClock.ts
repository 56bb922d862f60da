import type { Clock } from '../transports/clock'

interface Timer {
  at: number
  milliseconds: number
  callback: () => void
}

/** A clock that stands until a test moves it, so that no test waits for time and none depends on the machine's. */
export class ManualClock implements Clock {
  #now = Date.parse('2026-11-23T18:00:00Z')
  #timers = new Set<Timer>()
  #watchers = new Set<() => void>()

  now(): number {
    return this.#now
  }

  /** Half, so that a wait with full jitter is half of its longest. */
  random(): number {
    return 0.5
  }

  setTimer(callback: () => void, milliseconds: number): () => void {
    const timer = { at: this.#now + milliseconds, milliseconds, callback }
    this.#timers.add(timer)
    for (const watcher of [...this.#watchers]) watcher()
    return () => this.#timers.delete(timer)
  }

  /** How long each timer that runs was set for, in milliseconds. */
  get running(): number[] {
    return [...this.#timers].map(({ milliseconds }) => milliseconds)
  }

  /** Resolves once a timer of just so many milliseconds runs. */
  async waitsFor(milliseconds: number): Promise<void> {
    while (!this.running.includes(milliseconds)) {
      await new Promise<void>((resolve) => {
        const watcher = () => {
          this.#watchers.delete(watcher)
          resolve()
        }
        this.#watchers.add(watcher)
      })
    }
  }

  /** Waits until a timer of just so many milliseconds runs, then lets that much time pass. */
  async pass(milliseconds: number): Promise<void> {
    await this.waitsFor(milliseconds)
    this.advance(milliseconds)
  }

  /** Lets time pass whenever nothing else happens, until `pending` is settled. */
  async runUntil<T>(pending: Promise<T>): Promise<T> {
    let isSettled = false
    const settle = () => {
      isSettled = true
    }
    pending.then(settle, settle)
    for (;;) {
      await new Promise<void>((resolve) => setImmediate(resolve))
      if (isSettled) return pending
      const next = Math.min(...[...this.#timers].map(({ at }) => at))
      if (Number.isFinite(next)) this.advance(next - this.#now)
    }
  }

  /** Moves on, firing what is due on the way, in order. */
  advance(milliseconds: number): void {
    const until = this.#now + milliseconds
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)
      if (!next) break
      this.#timers.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.callback()
    }
    this.#now = until
  }
}
