import type { JobUpdate } from '../client/jobUpdate'

/** How far a reader may fall behind before what it missed is replaced by a `reset`. Bounds the memory it can take. */
export const maxWaitingUpdates = 1000

/** What lies between a subscription that pushes and a `for await` that pulls. */
export interface UpdateQueue<Update> {
  push(update: Update): void
  /** No more will be pushed. What waits is still delivered. */
  end(): void
  /** Throws away what waits. */
  clear(): void
  /** `onLeave` is called once, when the reader leaves its loop or has read all. */
  iterator(onLeave: () => void): AsyncIterator<Update>
}

/** `jobs`: of how many there are updates. A `reset` for each of them may wait beside the others. */
export function updateQueue<Update extends JobUpdate>(
  jobIdOf: (update: Update) => string,
  jobs: number,
): UpdateQueue<Update> {
  const most = maxWaitingUpdates + 2 * (jobs - 1)
  let waiting: Update[] = []
  /** How many of those that wait have been read. */
  let read = 0
  let readers: ((result: IteratorResult<Update>) => void)[] = []
  let ended = false
  const done: IteratorResult<Update> = { done: true, value: undefined }

  return {
    push(update) {
      if (ended) return
      const reader = readers.shift()
      if (reader) reader({ done: false, value: update })
      else if (waiting.length - read < most) waiting.push(update)
      else {
        const newest = new Map([...waiting.slice(read), update].map((one) => [jobIdOf(one), one]))
        waiting = [...newest].map(([jobId, one]) => resetInsteadOf(one, jobId))
        read = 0
      }
    },
    end() {
      ended = true
      for (const reader of readers) reader(done)
      readers = []
    },
    clear() {
      waiting = []
      read = 0
    },
    iterator(onLeave) {
      let left = false
      const leave = () => {
        ended = true
        waiting = []
        read = 0
        if (!left) onLeave()
        left = true
      }
      return {
        next() {
          const update = waiting[read]
          if (update) {
            // A shift of a long list moves all that is behind it.
            if (++read * 2 > waiting.length) {
              waiting = waiting.slice(read)
              read = 0
            }
            return Promise.resolve({ done: false, value: update })
          }
          if (ended) {
            leave()
            return Promise.resolve(done)
          }
          return new Promise((resolve) => readers.push(resolve))
        },
        return() {
          leave()
          return Promise.resolve(done)
        },
      }
    },
  }
}

/** What `watch` pushes as an iterable, each iteration with a queue of its own, until `signal` is aborted. */
export function updatesUntilAbort<Update>(
  signal: AbortSignal | undefined,
  makeQueue: () => UpdateQueue<Update>,
  watch: (queue: UpdateQueue<Update>) => () => void,
): AsyncIterable<Update> {
  return {
    [Symbol.asyncIterator]() {
      const queue = makeQueue()
      if (signal?.aborted) {
        queue.end()
        return queue.iterator(() => {})
      }
      const leave = watch(queue)
      const stop = () => {
        signal?.removeEventListener('abort', abort)
        leave()
      }
      const abort = () => {
        queue.clear()
        queue.end()
        stop()
      }
      signal?.addEventListener('abort', abort)
      return queue.iterator(stop)
    },
  }
}

function resetInsteadOf<Update extends JobUpdate>(update: Update, jobId: string): Update {
  const data = { reason: 'The reader fell too far behind.' }
  const at = new Date().toISOString()
  const { generation = 0, seq = 0 } = update.job ?? {}
  return { ...update, event: { type: 'reset', job_id: jobId, generation, seq, at, data } }
}
