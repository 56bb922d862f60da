/** Lets so many at once do something, the others wait for their turn in the order in which they came. */
export class Turns {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor(atOnce: number) {
    this.#free = atOnce
  }

  /** Calls `work` when its turn has come; not at all where `signal` is aborted before, and resolves with null. */
  async take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T | null> {
    if (!(await this.#turn(signal))) return null
    try {
      return await work()
    } finally {
      const [next] = this.#waiting
      if (next) next()
      else this.#free++
    }
  }

  #turn(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false)
    if (this.#free > 0) {
      this.#free--
      return Promise.resolve(true)
    }
    return new Promise((resolve) => {
      const settle = (mine: boolean) => {
        this.#waiting.delete(come)
        signal.removeEventListener('abort', leave)
        resolve(mine)
      }
      const come = () => settle(true)
      const leave = () => settle(false)
      this.#waiting.add(come)
      signal.addEventListener('abort', leave)
    })
  }
}
