import type { TabChannel, TabLocks } from '../transports/tabs/tab'

/** What the tabs of one browser have in common, in memory: messages, copied as a browser does, and locks. */
export class MemoryTabs {
  readonly #channels = new Set<MemoryChannel>()
  readonly #queue: (() => Promise<void>)[] = []
  #held = false

  /** One tab's own view of it. */
  tab() {
    const mine = new Set<MemoryChannel>()
    const gaveUp = new Set<() => void>()
    const locks: TabLocks = {
      request: (_, { signal }, callback) =>
        new Promise<void>((resolve, reject) => {
          const begin = () => {
            signal.removeEventListener('abort', leave)
            gaveUp.delete(leave)
            return Promise.race([callback(), new Promise<void>((crash) => gaveUp.add(crash))]).then(resolve)
          }
          const leave = () => {
            const at = this.#queue.indexOf(begin)
            if (at >= 0) this.#queue.splice(at, 1)
            reject(new Error('given up'))
          }
          signal.addEventListener('abort', leave)
          gaveUp.add(leave)
          this.#queue.push(begin)
          this.#grant()
        }),
    }
    const channel = (): TabChannel => {
      const made: MemoryChannel = {
        onmessage: null,
        isMute: false,
        postMessage: (message) => {
          if (made.isMute || !this.#channels.has(made)) return
          const data: unknown = structuredClone(message)
          for (const other of this.#channels)
            if (other !== made && !other.isMute)
              setImmediate(() => this.#channels.has(other) && !other.isMute && other.onmessage?.({ data }))
        },
        close: () => this.#channels.delete(made),
      }
      this.#channels.add(made)
      mine.add(made)
      return made
    }
    return {
      locks,
      channel,
      /** Nothing comes out of it or in: a tab that hangs, and keeps its lock. */
      hang: (isMute = true) => {
        for (const made of mine) made.isMute = isMute
      },
      /** Gone without a word; its locks go with it. */
      crash: () => {
        for (const made of mine) made.close()
        for (const leave of [...gaveUp]) leave()
      },
    }
  }

  #grant(): void {
    const next = this.#held ? undefined : this.#queue.shift()
    if (!next) return
    this.#held = true
    // As in a browser, never at once.
    setImmediate(() =>
      next().finally(() => {
        this.#held = false
        this.#grant()
      }),
    )
  }
}

interface MemoryChannel extends TabChannel {
  isMute: boolean
}
