import type { TrainingError } from '../../errors/trainingError'
import type { TrainingEvent } from '../../protocol'
import { type Backoff, backoffDelay } from '../backoff'
import { wait } from '../wait'
import type { HttpContext } from './context'
import { openStream, type StreamEnd } from './stream'

/** Short enough that a restarted server is found again while somebody looks, spread enough for a thousand tabs. */
const reconnect: Backoff = { base: 500, cap: 10_000 }
/** After so many streams in a row that failed or did not last, polling takes over. */
const streamFailuresBeforePolling = 3
/** A stream that lasted less long counts as failed for that purpose, whatever it said: a proxy may be cutting it. */
const lastingStreamSeconds = 5
/** How long polling goes on before a stream is tried again; doubled each time that fails. */
export const streamRetry: Backoff = { base: 60_000, cap: 300_000 }
/** Where the server itself says how long to wait (`retry:`), at most this is believed. */
const longestAskedRetry = 60_000
/** Of a stream where always some job speaks, the others hear that much apart that it lives. */
const quietMilliseconds = 10_000

/** One job that wants to hear of a stream. */
export interface StreamMember {
  readonly jobId: string
  /** Where a stream is to go on, null for a snapshot first. */
  readonly cursor: string | null
  /** A stream is there. It began at the cursor `from`, which may be behind what was heard elsewhere by now. */
  onStream(from: string | null): void
  /** The server was heard on it; comes before what it said. */
  onHeard(): void
  /** It was only a sign of life, or about another job. */
  onQuiet(): void
  onEvent(event: TrainingEvent | null, cursor: string | null): void
  onUnreadable(error: TrainingError, cursor: string | null): void
  /** The stream is lost, and another one will be there soon. */
  onLost(error: TrainingError | null): void
  /** There is no stream for now: poll. */
  onStreamless(error: TrainingError | null): void
}

export interface StreamOwner {
  /** Only who is this stream's own is told anything of it. */
  isOf(stream: SharedStream, member: StreamMember): boolean
  /** A connection has said its first word. */
  onLive(stream: SharedStream): void
  /** A connection for many jobs was refused. True: something else was arranged for them. */
  onRefused(stream: SharedStream, error: TrainingError): boolean
}

/** One connection, and what it was opened for. */
interface Line {
  readonly controller: AbortController
  readonly wish: ReadonlyMap<string, string | null>
  readonly members: Map<string, StreamMember[]>
  heardAt: number | null
  quietAt: number
}

/**
 * Keeps one stream for a set of jobs, through lost connections and changes of the set. When somebody joins, a new
 * connection for all is opened beside the one that is there, which is closed once the new one speaks: nobody misses
 * anything meanwhile.
 */
export class SharedStream {
  readonly #context: HttpContext
  readonly #owner: StreamOwner
  readonly #members = new Set<StreamMember>()
  /** The connection that is heard. */
  #line: Line | null = null
  /** The one that is being opened. */
  #next: Line | null = null
  /** Ends the wait before the next attempt. */
  #waiting: AbortController | null = null
  #arranging = false
  #failures = 0
  /** Times in a row that a stream was tried while polling, and failed. */
  #retries = 0
  #unauthenticated = 0
  #polling = false
  #askedRetry = 0

  constructor(context: HttpContext, owner: StreamOwner) {
    this.#context = context
    this.#owner = owner
  }

  get size(): number {
    return this.#members.size
  }

  get members(): Iterable<StreamMember> {
    return this.#members
  }

  /** Whether this member hears a connection just now. */
  carries(member: StreamMember): boolean {
    return this.#line !== null && covers(this.#line, member)
  }

  join(member: StreamMember): void {
    this.#members.add(member)
    if (this.#polling && this.#owner.isOf(this, member)) member.onStreamless(null)
    this.#arrangeSoon()
  }

  /** `ended`: the server tells nothing more of its job either. */
  leave(member: StreamMember, ended: boolean): void {
    this.#members.delete(member)
    if (ended) this.#line?.members.delete(member.jobId)
    if (this.#members.size === 0) this.close()
    else this.#arrangeSoon()
  }

  close(): void {
    this.#members.clear()
    for (const line of [this.#line, this.#next]) line?.controller.abort()
    this.#line = this.#next = null
    this.#waiting?.abort()
  }

  /**
   * Reads are answered again after they were not: tries a stream at once, although polling was to go on for longer. Not
   * where streams have never come through, unless that was for want of a sign-in.
   */
  retryNow(streamsWork: boolean): void {
    if (this.#polling && (streamsWork || this.#unauthenticated > 0)) this.#waiting?.abort()
  }

  /** Once for all that join and leave in one go, as the components of a page do. */
  #arrangeSoon(): void {
    if (this.#arranging) return
    this.#arranging = true
    queueMicrotask(() => {
      this.#arranging = false
      this.#arrange()
    })
  }

  #arrange(): void {
    if (this.#members.size === 0 || this.#next || this.#waiting) return
    if (this.#line && isGoodFor(this.#line, this.#members)) return
    const members = new Map<string, StreamMember[]>()
    for (const member of this.#members) {
      const same = members.get(member.jobId)
      if (same) same.push(member)
      else members.set(member.jobId, [member])
    }
    const wish = new Map([...members].map(([jobId, same]) => [jobId, commonCursor(same)]))
    const line = { controller: new AbortController(), wish, members, heardAt: null, quietAt: 0 }
    this.#next = line
    this.#open(line).catch((cause: unknown) => {
      // A listener's own mistake, or one of ours: reported as what it is.
      queueMicrotask(() => {
        throw cause
      })
    })
  }

  async #open(line: Line): Promise<void> {
    const { signal } = line.controller
    const end = await openStream(this.#context, line.wish, signal, {
      onHeard: () => this.#heard(line),
      onQuiet: () => this.#quiet(line, null),
      onEvent: (jobId, event, cursor) => {
        const members = this.#of(line, jobId)
        for (const member of members) {
          member.onHeard()
          member.onEvent(event, cursor)
        }
        if (line.members.size > 1 && this.#context.clock.now() - line.quietAt >= quietMilliseconds)
          this.#quiet(line, jobId)
      },
      onUnreadable: (jobId, error, cursor) => {
        for (const member of this.#of(line, jobId)) member.onUnreadable(error, cursor)
      },
      onRetry: (milliseconds) => {
        this.#askedRetry = Math.min(milliseconds, longestAskedRetry)
      },
    })
    if (!signal.aborted) this.#ended(line, end)
  }

  #heard(line: Line): void {
    if (line.heardAt !== null) return
    const now = this.#context.clock.now()
    line.heardAt = line.quietAt = now
    const before = this.#line
    this.#line = line
    this.#next = null
    before?.controller.abort()
    this.#polling = false
    this.#unauthenticated = 0
    this.#owner.onLive(this)
    for (const [jobId, from] of line.wish) for (const member of this.#of(line, jobId)) member.onStream(from)
    // Whoever came while it was being opened.
    this.#arrangeSoon()
  }

  /** Everybody hears that the server is there, but for one job's, who have heard it already. */
  #quiet(line: Line, besides: string | null): void {
    line.quietAt = this.#context.clock.now()
    for (const jobId of [...line.members.keys()]) {
      if (jobId === besides) continue
      for (const member of this.#of(line, jobId)) {
        member.onHeard()
        member.onQuiet()
      }
    }
  }

  /** Those of a job that are still here, and this stream's own. */
  #of(line: Line, jobId: string): StreamMember[] {
    if (line.controller.signal.aborted) return []
    return (line.members.get(jobId) ?? []).filter(
      (member) => this.#members.has(member) && this.#owner.isOf(this, member),
    )
  }

  #ended(line: Line, end: StreamEnd): void {
    if (line === this.#next) this.#next = null
    else this.#line = null
    if (this.#members.size === 0) return
    const { clock } = this.#context
    const lasted = line.heardAt !== null && clock.now() - line.heardAt >= lastingStreamSeconds * 1000
    if (lasted) this.#failures = this.#retries = 0
    else this.#failures++
    const error = end.kind === 'closed' ? null : end.error
    if (this.#next) {
      // Another one is being opened already: it decides what comes next.
      this.#tellStreamless((member) => member.onLost(error))
    } else if (!error || end.kind !== 'refused') {
      if (this.#failures < streamFailuresBeforePolling) this.#reconnect(error)
      else this.#giveWay(error)
    } else if (error.code === 'unauthenticated' && ++this.#unauthenticated === 1) {
      // The first time the headers may just have been stale: they are asked for again.
      this.#arrange()
    } else if (!isAboutMany(line, error) || !this.#owner.onRefused(this, error)) {
      this.#failures = streamFailuresBeforePolling
      this.#giveWay(error)
    }
  }

  #reconnect(error: TrainingError | null): void {
    const { clock } = this.#context
    this.#tellStreamless((member) => member.onLost(error))
    const refusedFor = error?.code === 'rate_limited' ? (error.retryAfterSeconds ?? 0) * 1000 : 0
    const asked = Math.max(refusedFor, this.#askedRetry * (1 + clock.random() / 2))
    this.#arrangeAfter(Math.max(asked, backoffDelay(clock, reconnect, Math.max(1, this.#failures))), true)
  }

  /** To polling, for a while. */
  #giveWay(error: TrainingError | null): void {
    this.#polling = true
    this.#tellStreamless((member) => member.onStreamless(error))
    const { base, cap } = streamRetry
    const delay = Math.min(cap, base * 2 ** this.#retries++)
    this.#arrangeAfter(delay * (0.75 + this.#context.clock.random() / 2), false)
  }

  #tellStreamless(tell: (member: StreamMember) => void): void {
    for (const member of [...this.#members])
      if (!this.carries(member) && this.#owner.isOf(this, member)) tell(member)
  }

  /** `untilOnline`: also as soon as the browser is online again. */
  #arrangeAfter(milliseconds: number, untilOnline: boolean): void {
    // All of them may have had enough.
    if (this.#members.size === 0) return
    this.#waiting = new AbortController()
    wait(this.#context.clock, milliseconds, this.#waiting.signal, untilOnline).then(() => {
      this.#waiting = null
      this.#arrange()
    })
  }
}

function covers(line: Line, member: StreamMember): boolean {
  return line.members.get(member.jobId)?.includes(member) === true
}

/** What a server answers that has no stream for many, or not for so many. A stream that was there before is no such case. */
function isAboutMany({ heardAt, wish }: Line, { code, status }: TrainingError): boolean {
  return wish.size > 1 && heardAt === null && status !== null && code !== 'unauthenticated'
}

/** It has all who are here, and not mostly those who have left. */
function isGoodFor(line: Line, members: ReadonlySet<StreamMember>): boolean {
  for (const member of members) if (!covers(line, member)) return false
  return line.members.size <= 2 * members.size
}

/** Cursors can't be compared: where they differ, a snapshot serves all. */
function commonCursor([first, ...others]: StreamMember[]): string | null {
  const cursor = first?.cursor ?? null
  return others.every((other) => other.cursor === cursor) ? cursor : null
}
