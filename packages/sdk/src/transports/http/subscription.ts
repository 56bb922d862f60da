import { isTrainingError, type TrainingError, trainingError } from '../../errors/trainingError'
import { isTerminal, type Job, type TrainingEvent } from '../../protocol'
import { readJobAnswer } from '../../protocol/read'
import { type Backoff, backoffDelay } from '../backoff'
import { type Connection, disconnected } from '../connection'
import type { TransportObserver } from '../transport'
import { wait } from '../wait'
import type { HttpContext } from './context'
import { request } from './request'
import { openStream, type StreamEnd } from './stream'

/** Short enough that a restarted server is found again while somebody looks, spread enough for a thousand tabs. */
const reconnect: Backoff = { base: 500, cap: 10_000 }
/** After so many streams in a row that failed or did not last, polling takes over. */
const streamFailuresBeforePolling = 3
/** A stream that lasted less long counts as failed for that purpose, whatever it said: a proxy may be cutting it. */
const lastingStreamSeconds = 5
/** How long polling goes on before a stream is tried again; doubled each time that fails. */
const streamRetry: Backoff = { base: 60_000, cap: 300_000 }
/** Signing in again mends it, asking without end does not. */
const signedOutRetrySeconds = 60

/** What to do next. */
type Step = 'stream' | 'poll' | 'done'

/** Watches one job over HTTP: a stream where possible, polling where not, until the job is final. */
export class HttpSubscription {
  readonly #context: HttpContext
  readonly #jobId: string
  readonly #observer: TransportObserver
  readonly #stopped = new AbortController()
  #connection: Connection = disconnected
  #error: TrainingError | null = null
  /** Id of the newest event of a stream, where the next one goes on. */
  #cursor: string | null = null
  #lastJob: Job | null = null
  #streamFailures = 0
  /** Times that polling was left for a stream, and the stream failed. */
  #streamRetries = 0
  #refusals = 0

  constructor(context: HttpContext, jobId: string, observer: TransportObserver) {
    this.#context = context
    this.#jobId = jobId
    this.#observer = observer
  }

  /** Resolves when there is nothing more to watch, or `stop` was called. */
  async run(): Promise<void> {
    let step: Step = 'stream'
    while (step !== 'done' && !this.#isStopped)
      step = step === 'stream' ? await this.#stream() : await this.#poll()
  }

  /** The observer is left alone from now on. */
  stop(): void {
    this.#stopped.abort()
  }

  get #isStopped(): boolean {
    return this.#stopped.signal.aborted
  }

  async #stream(): Promise<Step> {
    const { clock } = this.#context
    let heardAt: number | null = null
    const end = await openStream(this.#context, this.#jobId, this.#cursor, this.#stopped.signal, {
      onHeard: () => {
        heardAt ??= clock.now()
        this.#refusals = 0
        this.#heard('sse')
      },
      onQuiet: () => this.#tell(null),
      onEvent: (event, cursor) => {
        if (event?.type === 'reset') this.#cursor = cursor
        else this.#cursor = cursor ?? this.#cursor
        if (event) this.#tell(event)
      },
      onBadEvent: (error) => {
        this.#error = error
        this.#tell(null)
      },
    })
    if (this.#isStopped) return 'done'
    const lasted = heardAt !== null && clock.now() - heardAt >= lastingStreamSeconds * 1000
    if (lasted) {
      this.#streamFailures = 0
      this.#streamRetries = 0
    }
    return this.#afterStream(end, lasted)
  }

  async #afterStream(end: StreamEnd, lasted: boolean): Promise<Step> {
    switch (end.kind) {
      case 'end':
        return this.#finish(end.status)
      case 'unusable':
        // Whatever made it unusable may be in what the cursor asks for. A new stream begins with a snapshot.
        if (end.error.code === 'invalid_response') this.#forgetCursor()
        this.#lost(end.error)
        this.#streamFailures = streamFailuresBeforePolling
        return 'poll'
      case 'closed':
        if (!lasted) this.#streamFailures++
        this.#lost(null)
        break
      case 'failed': {
        const verdict = await this.#afterRefusal(end.error, 'stream')
        if (verdict) return verdict
        if (!lasted) this.#streamFailures++
        this.#lost(end.error)
      }
    }
    if (this.#streamFailures >= streamFailuresBeforePolling) return 'poll'
    await this.#backOff(end.kind === 'failed' ? end.error : null)
    return 'stream'
  }

  async #poll(): Promise<Step> {
    const { clock, pollSeconds } = this.#context
    const streamAgainAt = clock.now() + this.#streamRetryDelay()
    let hasFailed = false
    while (!this.#isStopped) {
      try {
        const job = await this.#readJob()
        if (this.#isStopped) break
        this.#refusals = 0
        this.#heard('polling')
        this.#tell(jobEvent(job))
        if (isTerminal(job.status)) return this.#finishWith(endEvent(job))
        // Whatever kept the server from answering kept the streams away as well: no reason to go on without.
        if (hasFailed || clock.now() >= streamAgainAt) {
          this.#streamRetries++
          return 'stream'
        }
        await this.#wait(pollSeconds * 1000 * (0.75 + clock.random() / 2))
      } catch (error) {
        if (this.#isStopped) break
        if (!isTrainingError(error)) throw error
        const verdict = await this.#afterRefusal(error, 'poll')
        if (verdict) return verdict
        hasFailed = true
        this.#lost(error)
        await this.#backOff(error)
      }
    }
    return 'done'
  }

  /** For refusals that asking again at once would not change. Null for all other failures. */
  async #afterRefusal(error: TrainingError, next: Step): Promise<Step | null> {
    switch (error.code) {
      case 'job_not_found':
      case 'forbidden':
      case 'not_supported':
        this.#lost(error)
        this.#observer.end(error)
        return 'done'
      case 'unauthenticated':
        // The first time the headers may just have been stale: they are asked for again.
        if (++this.#refusals === 1) return next
        this.#lost(error)
        await this.#wait(signedOutRetrySeconds * 1000)
        return next
      default:
        return null
    }
  }

  async #finish(status: string): Promise<Step> {
    // An end without the state that it is about: read it, so that nobody is left with an older one.
    if (this.#lastJob === null || this.#lastJob.raw_status !== status) {
      try {
        this.#tell(jobEvent(await this.#readJob()))
      } catch (error) {
        if (!isTrainingError(error)) throw error
      }
      if (this.#isStopped) return 'done'
    }
    return this.#finishWith(null)
  }

  #finishWith(event: TrainingEvent | null): Step {
    this.#connection = { ...this.#connection, source: 'none', attempt: 0, stale: false }
    this.#tell(event)
    this.#observer.end(null)
    return 'done'
  }

  async #readJob(): Promise<Job> {
    const body = await request(this.#context, { name: 'getJob', jobId: this.#jobId }, this.#stopped.signal)
    const read = readJobAnswer(body)
    if (read.ok) return read.value.job
    throw trainingError('invalid_response', { excerpt: '' })
  }

  #heard(source: Connection['source']): void {
    this.#error = null
    this.#connection = { source, lastEventAt: this.#context.clock.now(), stale: false, attempt: 0 }
  }

  /** A connection that closes is no failure yet; that it can't be had again is. */
  #lost(error: TrainingError | null): void {
    const { lastEventAt, attempt, stale } = this.#connection
    const failed = error !== null
    this.#error = error
    this.#connection = {
      source: 'none',
      lastEventAt,
      stale: stale || failed,
      attempt: failed ? attempt + 1 : attempt,
    }
    this.#tell(null)
  }

  /** Makes the next stream begin anew. What came by stream before may have a gap now, so that is said too. */
  #forgetCursor(): void {
    if (this.#cursor === null || this.#lastJob === null) return
    this.#cursor = null
    const { generation, seq } = this.#lastJob
    const data = { reason: 'An event could not be read.' }
    const at = new Date(this.#context.clock.now()).toISOString()
    this.#tell({ type: 'reset', job_id: this.#jobId, generation, seq, at, data })
  }

  #tell(event: TrainingEvent | null): void {
    if (this.#isStopped) return
    if (event?.type === 'job') this.#lastJob = event.data
    this.#observer.next({ event, connection: this.#connection, error: this.#error })
  }

  #streamRetryDelay(): number {
    const { base, cap } = streamRetry
    return Math.min(cap, base * 2 ** this.#streamRetries) * (0.75 + this.#context.clock.random() / 2)
  }

  async #backOff(error: TrainingError | null): Promise<void> {
    const asked = error?.code === 'rate_limited' ? (error.retryAfterSeconds ?? 0) * 1000 : 0
    const failures = Math.max(1, this.#connection.attempt, this.#streamFailures)
    await this.#wait(Math.max(asked, backoffDelay(this.#context.clock, reconnect, failures)))
  }

  /** Also ends when the browser is online again. */
  async #wait(milliseconds: number): Promise<void> {
    if (this.#isStopped) return
    const over = new AbortController()
    const finish = () => over.abort()
    this.#stopped.signal.addEventListener('abort', finish)
    globalThis.addEventListener?.('online', finish)
    await wait(this.#context.clock, milliseconds, over.signal)
    globalThis.removeEventListener?.('online', finish)
    this.#stopped.signal.removeEventListener('abort', finish)
  }
}

function jobEvent(job: Job): TrainingEvent {
  const { id, generation, seq, updated_at } = job
  return { type: 'job', job_id: id, generation, seq, at: updated_at, data: job }
}

function endEvent(job: Job): TrainingEvent {
  const { id, generation, seq, updated_at } = job
  return { type: 'end', job_id: id, generation, seq, at: updated_at, data: { status: job.raw_status } }
}
