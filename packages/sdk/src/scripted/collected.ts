/** Collects what is pushed, and lets a test wait until what it looks for is there. */
export class Collected<Item> {
  readonly items: Item[] = []
  #watchers = new Set<() => void>()

  readonly push = (item: Item): void => {
    this.items.push(item)
    for (const watcher of [...this.#watchers]) watcher()
  }

  /** Resolves with the first item, past or future, that matches. */
  async first(matches: (item: Item) => boolean): Promise<Item> {
    for (;;) {
      const item = this.items.find(matches)
      if (item !== undefined) return item
      await new Promise<void>((resolve) => {
        const watcher = () => {
          this.#watchers.delete(watcher)
          resolve()
        }
        this.#watchers.add(watcher)
      })
    }
  }
}
