/**
 * Something live that components read through `useSyncExternalStore`: it runs while anyone listens, and tells its
 * listeners at most once a frame, unless a change can't wait.
 */
export abstract class LiveStore<Snapshot> {
  #snapshot: Snapshot
  #next: Snapshot
  #cancelFrame: (() => void) | null = null
  #cancelStop: (() => void) | null = null
  #stop: (() => void) | null = null
  readonly #listeners = new Set<() => void>()

  constructor(initial: Snapshot) {
    this.#snapshot = initial
    this.#next = initial
  }

  /** Begins to follow the source; returns what ends it. */
  protected abstract start(): () => void

  getSnapshot = (): Snapshot => this.#snapshot

  get idle(): boolean {
    return this.#stop === null
  }

  subscribe = (listener: () => void): (() => void) => {
    // A function of its own, so that the same listener can be given twice.
    const entry = () => listener()
    this.#listeners.add(entry)
    this.#cancelStop?.()
    this.#cancelStop = null
    this.#stop ??= this.start()
    return () => {
      if (!this.#listeners.delete(entry) || this.#listeners.size > 0) return
      // Not at once: a remount in the same tick (StrictMode, a keyed page) keeps the connection and what is known.
      const timer = setTimeout(() => {
        this.#cancelStop = null
        this.#stop?.()
        this.#stop = null
        this.#cancelFrame?.()
      }, 0)
      this.#cancelStop = () => clearTimeout(timer)
    }
  }

  /** What will be told next; newer than what listeners have been told. */
  protected get latest(): Snapshot {
    return this.#next
  }

  /** Takes `next` over and tells it in the next frame, or `now`. */
  protected publish(next: Snapshot, now = false): void {
    this.#next = next
    if (now) this.#tell()
    else if (this.#next !== this.#snapshot) this.#cancelFrame ??= afterFrame(() => this.#tell())
  }

  #tell(): void {
    this.#cancelFrame?.()
    this.#cancelFrame = null
    if (this.#next === this.#snapshot) return
    this.#snapshot = this.#next
    for (const listener of [...this.#listeners]) listener()
  }
}

/** A hidden tab paints no frames. There a timer takes their place, with what is not urgent. */
const hiddenMilliseconds = 250

function afterFrame(callback: () => void): () => void {
  if (typeof requestAnimationFrame === 'function' && !document.hidden) {
    const frame = requestAnimationFrame(callback)
    return () => cancelAnimationFrame(frame)
  }
  const timer = setTimeout(callback, hiddenMilliseconds)
  return () => clearTimeout(timer)
}
