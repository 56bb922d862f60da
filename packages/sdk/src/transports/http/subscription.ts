import { isTrainingError, type TrainingError, trainingError } from '../../errors/trainingError'
import { isTerminal, type Job, type TrainingEvent } from '../../protocol'
import { readJobAnswer } from '../../protocol/read'
import { endOf, snapshotOf } from '../../state/eventsOfJob'
import { comparePositions, type Position, positionOf } from '../../state/jobOrder'
import { type Backoff, backoffDelay } from '../backoff'
import { type Connection, disconnected } from '../connection'
import type { TransportObserver } from '../transport'
import { wait } from '../wait'
import type { HttpContext } from './context'
import { request } from './request'
import type { StreamMember } from './sharedStream'
import type { StreamHub } from './streamHub'

/** Waits between reads that fail. */
const retry: Backoff = { base: 500, cap: 10_000 }
/** Signing in again mends it, asking without end does not. */
const signedOutRetrySeconds = 60
/** A server that says `end` says it right after the final snapshot. Others are let go of. */
const endAfterFinalSeconds = 5

/** Watches one job over HTTP until it is final: by stream where possible, by polling where not. */
export class HttpSubscription implements StreamMember {
  readonly jobId: string
  /** Id of the newest event of a stream, where the next one goes on. */
  cursor: string | null
  readonly #context: HttpContext
  readonly #hub: StreamHub
  readonly #observer: TransportObserver
  readonly #stopped = new AbortController()
  #connection: Connection = disconnected
  #error: TrainingError | null = null
  /** Of the event with that id. */
  #position: Position | null = null
  /** What a new stream tells again up to here was told already. */
  #toldUpTo: Position | null = null
  #lastJob: Job | null = null
  #isStreaming = false
  /** An event could not be read: what is shown may be wrong until a snapshot comes, whatever else is heard. */
  #unsure: TrainingError | null = null
  /** How new that snapshot must be at least. */
  #sureFrom: Position | null = null
  /** The stream said that the job ended with this status, which is yet to be read. */
  #endStatus: string | null = null
  #cancelEnd: (() => void) | null = null
  #isPolling = false
  /** Ends the wait before the next poll. */
  #pause: AbortController | null = null
  #unauthenticated = 0

  /** Goes on where an earlier subscription was: there is something that a reset would take back. */
  readonly #goesOn: boolean

  constructor(
    context: HttpContext,
    hub: StreamHub,
    jobId: string,
    observer: TransportObserver,
    cursor: string | null,
  ) {
    this.#context = context
    this.#hub = hub
    this.jobId = jobId
    this.#observer = observer
    this.cursor = cursor
    this.#goesOn = cursor !== null
  }

  start(): void {
    this.#hub.join(this)
  }

  /** The observer is left alone from now on. */
  stop(): void {
    this.#leave(false)
  }

  onStream(from: string | null): void {
    this.#isStreaming = true
    this.#toldUpTo = from === this.cursor ? null : this.#position
    if (!this.#mustPoll) this.#pause?.abort()
  }

  onHeard(): void {
    this.#unauthenticated = 0
    this.#heard('sse')
  }

  onQuiet(): void {
    this.#tell(null)
  }

  onEvent(event: TrainingEvent | null, cursor: string | null): void {
    if (event?.type === 'reset') {
      this.cursor = cursor || null
      this.#position = this.#toldUpTo = null
    } else if (cursor !== null) {
      if (event && this.#isRepeated(event)) return
      this.cursor = cursor || null
      // Not the event itself, which would be kept as long as the subscription.
      if (event) this.#position = positionOf(event)
    }
    if (event?.type === 'gone')
      this.#end(trainingError('job_not_found', { message: event.data.reason, arrived: 'yes' }))
    else if (event?.type === 'end') this.#onEnd(event)
    else if (event) {
      if (event.type === 'job') this.#onSnapshot(event.data)
      this.#tell(event)
    }
  }

  onUnreadable(error: TrainingError, cursor: string | null): void {
    const newest = newerOf(newerOf(this.#position, this.#lastJob), this.#sureFrom)
    // A read of a copy that lags behind must not pass for one that knows what was lost.
    this.#sureFrom = newerOf(newest, positionIn(cursor))
    this.cursor = this.#position = this.#toldUpTo = null
    if (this.#unsure === null) this.#tellReset()
    this.#unsure = this.#error = error
    this.#connection = { ...this.#connection, stale: true }
    this.#tell(null)
    this.#poll()
  }

  onLost(error: TrainingError | null): void {
    this.#isStreaming = false
    if (this.#isFinal) this.#finish()
    else this.#lost(error)
  }

  onStreamless(error: TrainingError | null): void {
    this.#isStreaming = false
    if (this.#isFinal) {
      this.#finish()
      return
    }
    // Whatever made it unusable may be in what the cursor asks for. A new stream begins with a snapshot.
    if (error?.code === 'invalid_response' && this.cursor !== null) {
      this.cursor = this.#position = null
      this.#tellReset()
    }
    if (error?.code === 'unauthenticated') this.#unauthenticated = 1
    // What a stream is refused for, a read confirms: something between here and there may be against streams alone.
    if (error && !isVerdict(error)) this.#lost(error)
    else if (this.#connection.source === 'sse') this.#lost(null)
    this.#poll()
  }

  get #isStopped(): boolean {
    return this.#stopped.signal.aborted
  }

  get #isFinal(): boolean {
    const job = this.#lastJob
    return job !== null && (isTerminal(job.status) || job.raw_status === this.#endStatus)
  }

  get #mustPoll(): boolean {
    return !this.#isStopped && (!this.#isStreaming || this.#unsure !== null || this.#endStatus !== null)
  }

  /** A stream that was opened beside another, or from before it, tells some things that were heard there. */
  #isRepeated(event: TrainingEvent): boolean {
    if (this.#toldUpTo === null) return false
    const isNews = comparePositions(event, this.#toldUpTo) > 0
    if (isNews) this.#toldUpTo = null
    return !isNews
  }

  #onSnapshot(job: Job): void {
    if (this.#lastJob === null || comparePositions(job, this.#lastJob) >= 0) this.#lastJob = job
    if (this.#unsure && (this.#sureFrom === null || comparePositions(job, this.#sureFrom) >= 0)) {
      this.#unsure = this.#sureFrom = this.#error = null
      this.#connection = { ...this.#connection, stale: false }
    }
    if (!this.#isFinal || this.#cancelEnd) return
    const end = () => this.#finish()
    this.#cancelEnd = this.#context.clock.setTimer(end, endAfterFinalSeconds * 1000)
  }

  #onEnd(event: Extract<TrainingEvent, { type: 'end' }>): void {
    if (this.#lastJob?.raw_status === event.data.status) {
      this.#finish(event)
      return
    }
    // An end without the state that it is about: nobody may be left with an older one.
    this.#endStatus = event.data.status
    this.#hub.leave(this, true)
    this.#isStreaming = false
    this.#poll()
  }

  #poll(): void {
    if (this.#isPolling) return
    this.#isPolling = true
    this.#pollOn().catch((cause) => {
      this.#end(trainingError('internal', { message: 'Watching the job failed.', rawCode: null, cause }))
    })
  }

  async #pollOn(): Promise<void> {
    const { clock, pollSeconds } = this.#context
    let hasFailed = false
    while (this.#mustPoll) {
      try {
        const job = await this.#hub.polls.take(this.#stopped.signal, () => this.#readJob())
        if (job === null || this.#isStopped) return
        this.#unauthenticated = 0
        this.#onSnapshot(job)
        this.#heard(this.#isStreaming ? 'sse' : 'polling')
        this.#tell(snapshotOf(job))
        if (this.#isFinal && !this.#isStreaming) this.#finish()
        // Whatever kept the server from answering kept the streams away as well.
        if (hasFailed) this.#hub.onReachable(this)
        hasFailed = false
        if (this.#mustPoll) await this.#wait(pollSeconds * 1000 * (0.75 + clock.random() / 2))
      } catch (error) {
        if (this.#isStopped) return
        if (!isTrainingError(error)) throw error
        hasFailed = true
        await this.#afterFailure(error)
      }
    }
    this.#isPolling = false
  }

  async #afterFailure(error: TrainingError): Promise<void> {
    if (error.code === 'unauthenticated') {
      // The first time the headers may just have been stale: they are asked for again.
      if (++this.#unauthenticated === 1) return
      this.#lost(error)
      return this.#wait(signedOutRetrySeconds * 1000)
    }
    // Where a stream is there, it is the one that knows whether there is anything to watch.
    if (isVerdict(error) && !this.#isStreaming) {
      this.#end(error)
      return
    }
    this.#lost(error)
    const asked = error.code === 'rate_limited' ? (error.retryAfterSeconds ?? 0) * 1000 : 0
    const failures = Math.max(1, this.#connection.attempt)
    await this.#wait(Math.max(asked, backoffDelay(this.#context.clock, retry, failures)))
  }

  async #readJob(): Promise<Job> {
    const call = { name: 'getJob', jobId: this.jobId } as const
    const body = await request(this.#context, call, this.#stopped.signal)
    const read = readJobAnswer(body)
    if (read.ok) return read.value.job
    throw trainingError('invalid_response', { excerpt: '' })
  }

  #heard(source: Connection['source']): void {
    this.#error = this.#unsure
    const stale = this.#unsure !== null
    this.#connection = { source, lastEventAt: this.#context.clock.now(), stale, attempt: 0 }
  }

  /** A connection that closes is no failure yet; that it can't be had again is. */
  #lost(error: TrainingError | null): void {
    const { source, lastEventAt, attempt, stale } = this.#connection
    const failed = error !== null
    this.#error = error ?? this.#unsure
    this.#connection = {
      source: this.#isStreaming ? source : 'none',
      lastEventAt,
      stale: stale || failed,
      attempt: failed ? attempt + 1 : attempt,
    }
    this.#tell(null)
  }

  /** What came by stream before may have a gap now. */
  #tellReset(): void {
    if (this.#lastJob === null && !this.#goesOn) return
    const { generation, seq } = this.#lastJob ?? { generation: 0, seq: 0 }
    const data = { reason: 'An event could not be read.' }
    const at = new Date(this.#context.clock.now()).toISOString()
    this.#tell({ type: 'reset', job_id: this.jobId, generation, seq, at, data })
  }

  /** The job is final, and was told. */
  #finish(event: TrainingEvent | null = this.#lastJob && endOf(this.#lastJob)): void {
    if (this.#isStopped) return
    this.#error = null
    this.#connection = { ...this.#connection, source: 'none', attempt: 0, stale: false }
    this.#tell(event)
    this.#end(null)
  }

  #end(error: TrainingError | null): void {
    if (this.#isStopped) return
    this.#isStreaming = false
    if (error) this.#lost(error)
    this.#leave(true)
    this.#observer.end(error)
  }

  #leave(ended: boolean): void {
    if (this.#isStopped) return
    this.#stopped.abort()
    this.#pause?.abort()
    this.#cancelEnd?.()
    this.#hub.leave(this, ended)
  }

  #tell(event: TrainingEvent | null): void {
    if (this.#isStopped) return
    this.#observer.next({ event, connection: this.#connection, error: this.#error, cursor: this.cursor })
  }

  /** Also ends when the browser is online again, and when there is nothing to wait for any more. */
  async #wait(milliseconds: number): Promise<void> {
    if (this.#isStopped) return
    this.#pause = new AbortController()
    await wait(this.#context.clock, milliseconds, this.#pause.signal, true)
    this.#pause = null
  }
}

/** Asking again would not change it, as long as nobody signs in or is given a right. */
function isVerdict({ code }: TrainingError): boolean {
  return ['unauthenticated', 'job_not_found', 'forbidden', 'not_supported'].includes(code)
}

function newerOf(a: Position | null, b: Position | null): Position | null {
  const newer = a === null || (b !== null && comparePositions(b, a) > 0) ? b : a
  return newer && positionOf(newer)
}

/** What a cursor says, where it is as this protocol has it. */
function positionIn(cursor: string | null): Position | null {
  const [, generation, seq] = /^(\d{1,15})\.(\d{1,15})$/.exec(cursor ?? '') ?? []
  return generation && seq ? { generation: Number(generation), seq: Number(seq) } : null
}
