import type { TrainingError } from '../../errors/trainingError'
import type { HttpContext } from './context'
import { SharedStream, type StreamMember, type StreamOwner, streamRetry } from './sharedStream'
import { Turns } from './turns'

/** What one `POST /events` takes; and what servers took before that. */
const mostJobsPerStream = 10_000
const mostJobsOfOlderServers = 200
/**
 * Where each job needs a stream of its own: so many, and the other jobs are polled. With the polls at once that leaves
 * one of the six connections that a browser opens to an HTTP/1.1 server, for the person who presses Stop.
 */
const mostSingleStreams = 3
const pollsAtOnce = 2

/**
 * One connection for all jobs that are watched through one transport. A single job's stream is its own (`GET`), many
 * share one (`POST /events`); where the server has none for many, a few get streams of their own and the others are
 * polled, and from time to time one for all is tried again.
 */
export class StreamHub implements StreamOwner {
  /** Whoever polls waits for a turn. */
  readonly polls = new Turns(pollsAtOnce)
  readonly #context: HttpContext
  readonly #streamOf = new Map<StreamMember, SharedStream>()
  readonly #streams = new Set<SharedStream>()
  /** For whom there is no stream to be had. */
  readonly #without = new Set<StreamMember>()
  #mostPerStream = mostJobsPerStream
  /** One stream for all, tried beside those that there are. */
  #trial: SharedStream | null = null
  #trials = 0
  #cancelTrial: (() => void) | null = null
  #hasHeard = false

  constructor(context: HttpContext) {
    this.#context = context
  }

  join(member: StreamMember): void {
    this.#place(member)
    this.#trial?.join(member)
  }

  /** `ended`: its job is over for the server too. */
  leave(member: StreamMember, ended: boolean): void {
    this.#without.delete(member)
    this.#trial?.leave(member, ended)
    const stream = this.#streamOf.get(member)
    if (stream) {
      this.#streamOf.delete(member)
      this.#remove(member, stream, ended)
      const [next] = this.#without
      if (next && stream.size === 0) {
        this.#without.delete(next)
        this.#place(next)
      }
    }
    if (this.#streamOf.size + this.#without.size === 0) this.#stopTrials()
  }

  /** The server answers again, after reads that failed. */
  onReachable(member: StreamMember): void {
    this.#streamOf.get(member)?.retryNow(this.#hasHeard)
  }

  isOf(stream: SharedStream, member: StreamMember): boolean {
    return this.#streamOf.get(member) === stream
  }

  onLive(stream: SharedStream): void {
    this.#hasHeard = true
    if (stream !== this.#trial) return
    // From now on it is everybody's.
    this.#trial = null
    this.#trials = 0
    this.#mostPerStream = mostJobsPerStream
    this.#streams.add(stream)
    this.#without.clear()
    for (const member of stream.members) {
      const before = this.#streamOf.get(member)
      this.#streamOf.set(member, stream)
      if (before) this.#remove(member, before, false)
    }
  }

  onRefused(stream: SharedStream, error: TrainingError): boolean {
    if (stream === this.#trial) {
      this.#trial = null
      stream.close()
    } else {
      const tooMany = error.code === 'invalid_request' && stream.size > mostJobsOfOlderServers
      this.#mostPerStream = tooMany ? mostJobsOfOlderServers : 1
      // Who hears something just now keeps it.
      const others = [...stream.members].filter((member) => !stream.carries(member))
      for (const member of others) {
        this.#streamOf.delete(member)
        this.#remove(member, stream, false)
      }
      for (const member of others) this.#place(member)
    }
    if (this.#mostPerStream === 1) this.#tryLater()
    return true
  }

  #place(member: StreamMember): void {
    let stream = [...this.#streams].find(({ size }) => size < this.#mostPerStream)
    if (!stream) {
      if (this.#mostPerStream === 1 && this.#streams.size >= mostSingleStreams) {
        this.#without.add(member)
        member.onStreamless(null)
        return
      }
      stream = new SharedStream(this.#context, this)
      this.#streams.add(stream)
    }
    this.#streamOf.set(member, stream)
    stream.join(member)
  }

  #remove(member: StreamMember, stream: SharedStream, ended: boolean): void {
    stream.leave(member, ended)
    if (stream.size === 0) this.#streams.delete(stream)
  }

  #tryLater(): void {
    if (this.#cancelTrial) return
    const { clock } = this.#context
    const delay = Math.min(streamRetry.cap, streamRetry.base * 2 ** this.#trials++)
    this.#cancelTrial = clock.setTimer(
      () => {
        this.#cancelTrial = null
        const members = [...this.#streamOf.keys(), ...this.#without]
        if (members.length < 2) {
          // Whoever comes next finds out.
          this.#mostPerStream = mostJobsPerStream
          return
        }
        this.#trial = new SharedStream(this.#context, this)
        for (const member of members) this.#trial.join(member)
      },
      delay * (0.75 + clock.random() / 2),
    )
  }

  #stopTrials(): void {
    this.#cancelTrial?.()
    this.#cancelTrial = null
    this.#trial?.close()
    this.#trial = null
  }
}
