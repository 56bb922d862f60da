import { VirtualClock } from '../testing/virtualClock'

/** A virtual clock on which a test can wait for a timer to be set, so that it need not know how many turns that takes. */
export class ManualClock extends VirtualClock {
  #watchers = new Set<() => void>()

  constructor() {
    super({ start: '2026-11-23T18:00:00Z' })
  }

  override setTimer(callback: () => void, milliseconds: number): () => void {
    const cancel = super.setTimer(callback, milliseconds)
    for (const watcher of [...this.#watchers]) watcher()
    return cancel
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
      const { nextIn } = this
      if (nextIn !== null) this.advance(nextIn)
    }
  }
}
