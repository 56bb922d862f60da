import type { JobUpdate } from '../client/jobUpdate'

/** How far a reader may fall behind before what it missed is replaced by a `reset`. Bounds the memory it can take. */
export const maxWaitingUpdates = 1000

/** What lies between a subscription that pushes and a `for await` that pulls. */
export interface UpdateQueue {
  push(update: JobUpdate): void
  /** No more will be pushed. What waits is still delivered. */
  end(): void
  /** Throws away what waits. */
  clear(): void
  /** `onLeave` is called once, when the reader leaves its loop or has read all. */
  iterator(onLeave: () => void): AsyncIterator<JobUpdate>
}

export function updateQueue(jobId: string): UpdateQueue {
  let waiting: JobUpdate[] = []
  let readers: ((result: IteratorResult<JobUpdate>) => void)[] = []
  let ended = false
  const done: IteratorResult<JobUpdate> = { done: true, value: undefined }

  return {
    push(update) {
      if (ended) return
      const reader = readers.shift()
      if (reader) reader({ done: false, value: update })
      else if (waiting.length < maxWaitingUpdates) waiting.push(update)
      else waiting = [resetInsteadOf(update, jobId)]
    },
    end() {
      ended = true
      for (const reader of readers) reader(done)
      readers = []
    },
    clear() {
      waiting = []
    },
    iterator(onLeave) {
      const leave = () => {
        ended = true
        waiting = []
        onLeave()
      }
      return {
        next() {
          const update = waiting.shift()
          if (update) return Promise.resolve({ done: false, value: update })
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

function resetInsteadOf(update: JobUpdate, jobId: string): JobUpdate {
  const data = { reason: `The reader fell more than ${maxWaitingUpdates} updates behind.` }
  const at = new Date().toISOString()
  const { generation = 0, seq = 0 } = update.job ?? {}
  return { ...update, event: { type: 'reset', job_id: jobId, generation, seq, at, data } }
}
