import type { LiveStore } from './liveStore'

/** Notes which fields of a snapshot a component reads, so that only those make it render again. */
export class FieldTracker<Snapshot extends object> {
  readonly #store: LiveStore<Snapshot>
  readonly #watched = new Set<keyof Snapshot>()
  #held: Snapshot | null = null

  constructor(store: LiveStore<Snapshot>) {
    this.#store = store
  }

  /** The snapshot as it was when one of the fields that are read last changed. */
  read = (): Snapshot => {
    const latest = this.#store.getSnapshot()
    const held = this.#held
    // A component that has read nothing may have passed the object on: then every field counts.
    const fields = this.#watched.size > 0 ? this.#watched : (Object.keys(latest) as (keyof Snapshot)[])
    if (held === null || [...fields].some((field) => !Object.is(latest[field], held[field])))
      this.#held = latest
    return this.#held as Snapshot
  }

  /** `snapshot`, with its fields as getters that note what is read. */
  track(snapshot: Snapshot): Snapshot {
    let current = snapshot
    const get = (field: keyof Snapshot) => {
      // What is held may be from before this field was of interest.
      if (!this.#watched.has(field) && current === this.#held) {
        current = this.#store.getSnapshot()
        this.#held = current
      }
      this.#watched.add(field)
      return current[field]
    }
    const tracked = {} as Snapshot
    for (const field of Object.keys(snapshot) as (keyof Snapshot)[]) {
      Object.defineProperty(tracked, field, { enumerable: true, get: () => get(field) })
    }
    return tracked
  }
}
