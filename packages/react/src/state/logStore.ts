import { getLogs, type TrainingClient, type TrainingError, watchJob } from '@trainstop/sdk'
import { emptyLog, LogBuffer, type LogContent } from '../log/logBuffer'
import { LiveStore } from './liveStore'
import { storeOf } from './storeRegistry'

export interface JobLogs extends LogContent {
  /** Whose output this is: the newest attempt's. Null until the first answer. */
  attempt: number | null
  /** Bytes at the log's beginning that were never read, since only its end is kept. */
  skippedBytes: number
  isLoading: boolean
  /** Why the log could not be read. Reading is tried again by itself. */
  error: TrainingError | null
}

export const noLogs: JobLogs = Object.freeze({
  ...emptyLog,
  attempt: null,
  skippedBytes: 0,
  isLoading: true,
  error: null,
})

const retryMilliseconds = 3000
/** Between two reads, so that a run that prints without pause is read in pieces worth a request. */
const pauseMilliseconds = 150
/** How much of the end is read first, in bytes for each line that is kept. */
const bytesPerLine = 120

/** The end of a job's output: read by byte offset whenever the server signals that there is more. */
export class LogStore extends LiveStore<JobLogs> {
  readonly #client: TrainingClient
  readonly #jobId: string
  readonly #keepLines: number
  #buffer: LogBuffer
  #attempt: number | null = null
  #wanted: number | null = null
  #offset = 0
  #skipped = 0
  #midLine = false
  #reading: AbortController | null = null
  #more = false
  #cancelTimer: (() => void) | null = null

  constructor(client: TrainingClient, jobId: string, keepLines: number) {
    super(noLogs)
    this.#client = client
    this.#jobId = jobId
    this.#keepLines = keepLines
    this.#buffer = new LogBuffer(keepLines)
  }

  protected start(): () => void {
    const leave = watchJob(this.#client, {
      jobId: this.#jobId,
      onUpdate: ({ event, job }) => {
        if (event?.type === 'log') {
          const isNew = event.data.attempt !== this.#attempt || event.data.size !== this.#offset
          if (isNew) this.#wake(event.data.attempt)
        } else if (event?.type === 'job' || event?.type === 'reset' || event?.type === 'end') {
          // Signals are not kept by the server: whenever a snapshot comes, some may have been missed.
          this.#wake(job?.attempt ?? null)
        }
      },
    })
    this.#wake(null)
    return () => {
      leave()
      this.#reading?.abort()
      this.#reading = null
      this.#more = false
      this.#cancelTimer?.()
      this.#cancelTimer = null
    }
  }

  #wake(attempt: number | null): void {
    if (attempt !== null && this.#attempt !== null && attempt > this.#attempt) this.#forget()
    if (attempt !== null) this.#wanted = attempt
    if (this.#reading || this.#cancelTimer) this.#more = true
    else void this.#read()
  }

  /** Another attempt writes a log of its own. */
  #forget(): void {
    this.#reading?.abort()
    this.#reading = null
    this.#attempt = null
    this.#offset = 0
    this.#skipped = 0
    this.#midLine = false
    this.#buffer = new LogBuffer(this.#keepLines)
  }

  async #read(): Promise<void> {
    this.#more = false
    const reading = new AbortController()
    this.#reading = reading
    const first = this.#attempt === null
    const result = await getLogs(this.#client, {
      jobId: this.#jobId,
      attempt: this.#attempt ?? this.#wanted,
      offset: first ? -this.#keepLines * bytesPerLine : this.#offset,
      signal: reading.signal,
    })
    if (reading.signal.aborted) return
    this.#reading = null
    if (!result.ok) {
      this.publish({ ...this.latest, isLoading: false, error: result.error })
      if (result.error.code !== 'job_not_found' && result.error.code !== 'not_supported') {
        this.#after(retryMilliseconds, true)
      }
      return
    }
    if (!first && result.size < this.#offset) {
      this.#forget()
      return this.#read()
    }
    this.#take(result, first)
    this.#after(pauseMilliseconds, result.nextOffset < result.size && result.nextOffset > result.offset)
  }

  #take(
    {
      attempt,
      offset,
      nextOffset,
      text,
    }: { attempt: number; offset: number; nextOffset: number; text: string },
    first: boolean,
  ): void {
    this.#attempt = attempt
    this.#offset = nextOffset
    if (first && offset > 0) {
      this.#skipped = offset
      this.#midLine = true
    }
    let rest = text
    if (this.#midLine) {
      // Begun in the middle of a line: what is left of it says little, and could be half an escape sequence.
      const end = text.indexOf('\n')
      rest = end === -1 ? '' : text.slice(end + 1)
      this.#skipped += end === -1 ? text.length : end + 1
      this.#midLine = end === -1
    }
    this.#buffer.append(rest)
    const before = this.latest
    if (rest === '' && !before.isLoading && before.error === null && before.attempt === attempt) return
    this.publish({
      ...this.#buffer.content(),
      attempt,
      skippedBytes: this.#skipped,
      isLoading: false,
      error: null,
    })
  }

  #after(milliseconds: number, again: boolean): void {
    this.#cancelTimer = this.#client.clock.setTimer(() => {
      this.#cancelTimer = null
      if (again || this.#more) void this.#read()
    }, milliseconds)
  }
}

export function logStoreOf(client: TrainingClient, jobId: string, keepLines: number): LogStore {
  return storeOf(client, `log ${keepLines} ${jobId}`, () => new LogStore(client, jobId, keepLines))
}
