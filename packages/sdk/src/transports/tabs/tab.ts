import { snapshotOf } from '../../state/eventsOfJob'
import type { Clock } from '../clock'
import type { Transport, TransportObserver, TransportUpdate } from '../transport'
import { type Known, packError, type TabMessage, unpackError } from './tabMessage'
import { Watched } from './watched'

/** The leader asks so often who is still there; who does not answer until the next time is forgotten. */
const rollCallSeconds = 10
/** So long a tab waits for the leader's answer; a frozen one must not keep a page empty. */
const answerSeconds = 3
/** So long without a word of the leader, and a tab watches for itself. */
const silenceSeconds = 30

/** What is used of Web Locks. */
export interface TabLocks {
  /** Waits for the lock, holds it for as long as the callback's promise is pending. */
  request(name: string, options: { signal: AbortSignal }, callback: () => Promise<void>): Promise<unknown>
}

/** What is used of a BroadcastChannel. */
export interface TabChannel {
  /** Tells all others of the same name, not itself. */
  postMessage(message: unknown): void
  /** Nothing comes any more. */
  close(): void
  /** Takes what others tell. */
  onmessage: ((event: { data: unknown }) => void) | null
  /** Node: it keeps no process alive. */
  unref?(): unknown
}

export interface TabOptions {
  transport: Transport
  name: string
  locks: TabLocks
  channel: (name: string) => TabChannel
  clock: Clock
}

/** While somebody in this tab watches a job, it takes part: it leads when it has the lock, else it follows. */
export class Tab {
  readonly #options: TabOptions
  readonly #id = newId()
  readonly #jobs = new Map<string, Watched>()
  #channel: TabChannel | null = null
  /** Gives the lock up, or the wait for it. */
  #resign: (() => void) | null = null
  #isLeader = false
  #leader: string | null = null
  /** The first roll call is over. Before that the leader speaks to whoever may want to hear. */
  #knowsWhoListens = false
  #answered = new Set<string>()
  #cancelRollCall = () => {}
  #cancelAnswer: (() => void) | null = null
  #cancelSilence: (() => void) | null = null
  /** When the leader last said anything. */
  #heardAt = 0
  #saysSoon = false

  constructor(options: TabOptions) {
    this.#options = options
  }

  subscribe({ jobId, observer, cursor = null }: Parameters<Transport['subscribe']>[0]): () => void {
    const watched = this.#watched(jobId, cursor)
    watched.observers.add(observer)
    if (!this.#channel) this.#takePart()
    if (this.#isLeader) this.#watch(watched)
    else this.#sayWhatIsWantedSoon()
    if (watched.job) this.#catchUp(watched, observer)
    return () => {
      watched.observers.delete(observer)
      this.#dropIfUnwanted(watched)
    }
  }

  #watched(jobId: string, cursor: string | null): Watched {
    const watched = this.#jobs.get(jobId) ?? new Watched(jobId, cursor)
    this.#jobs.set(jobId, watched)
    return watched
  }

  /** One who comes when others listen already is told how it stands, a moment later. */
  #catchUp(watched: Watched, observer: TransportObserver): void {
    queueMicrotask(() => {
      const { job, last, observers } = watched
      if (job && observers.has(observer)) observer.next({ ...last, event: snapshotOf(job) })
    })
  }

  #takePart(): void {
    const { channel, locks, name } = this.#options
    this.#channel = channel(name)
    this.#channel.unref?.()
    this.#channel.onmessage = ({ data }) => this.#hear(data as TabMessage)
    const waiting = new AbortController()
    this.#resign = () => waiting.abort()
    const lead = () =>
      new Promise<void>((resolve) => {
        // It may come right when the last one here left.
        if (waiting.signal.aborted) return resolve()
        this.#resign = resolve
        this.#lead()
      })
    locks.request(name, { signal: waiting.signal }, lead).catch(() => {
      // No lock is to be had here at all (or the wait was given up): each tab for itself.
      if (!waiting.signal.aborted) this.#watchForItself()
    })
  }

  #leave(): void {
    // The others forget what this one wanted.
    if (!this.#isLeader) this.#say({ type: 'want', from: this.#id, jobs: {} })
    this.#cancelRollCall()
    this.#stopWaiting()
    for (const { stop } of this.#jobs.values()) stop?.()
    this.#jobs.clear()
    this.#isLeader = false
    this.#leader = null
    this.#resign?.()
    this.#channel?.close()
    this.#resign = this.#channel = null
  }

  #dropIfUnwanted(watched: Watched): void {
    if (watched.observers.size > 0 || this.#jobs.get(watched.jobId) !== watched) return
    if (watched.tabs.size === 0) {
      watched.stop?.()
      this.#jobs.delete(watched.jobId)
    }
    if ([...this.#jobs.values()].every(({ observers }) => observers.size === 0)) this.#leave()
    else this.#sayWhatIsWantedSoon()
  }

  #lead(): void {
    this.#isLeader = true
    this.#knowsWhoListens = false
    this.#leader = this.#id
    this.#stopWaiting()
    for (const watched of this.#jobs.values()) this.#watch(watched)
    this.#callRoll()
  }

  #callRoll(): void {
    this.#answered = new Set()
    this.#say({ type: 'lead', from: this.#id })
    this.#cancelRollCall = this.#options.clock.setTimer(() => {
      for (const watched of [...this.#jobs.values()]) {
        for (const tab of watched.tabs) if (!this.#answered.has(tab)) watched.tabs.delete(tab)
        this.#dropIfUnwanted(watched)
      }
      this.#knowsWhoListens = true
      if (this.#isLeader) this.#callRoll()
    }, rollCallSeconds * 1000)
  }

  /** Subscribes to the server itself, from where it is. */
  #watch(watched: Watched): void {
    watched.isFollowing = false
    const { jobId, cursor } = watched
    const isHere = () => this.#jobs.get(jobId) === watched
    watched.stop ??= this.#options.transport.subscribe({
      jobId,
      cursor,
      observer: {
        next: (update) => {
          if (!isHere()) return
          const after = watched.cursor
          watched.take(update)
          if (!this.#isLeader || (watched.tabs.size === 0 && this.#knowsWhoListens)) return
          const error = packError(update.error)
          this.#say({
            type: 'update',
            from: this.#id,
            jobId,
            after,
            ...update,
            error,
            cursor: watched.cursor,
          })
        },
        end: (error) => {
          if (!isHere()) return
          if (this.#isLeader) this.#say({ type: 'end', from: this.#id, jobId, isFinal: error === null })
          this.#end(watched, error)
        },
      },
    })
  }

  #watchForItself(): void {
    for (const watched of this.#jobs.values()) if (!watched.isFollowing) this.#watch(watched)
  }

  #end(watched: Watched, error: TransportUpdate['error']): void {
    const observers = [...watched.observers]
    watched.observers.clear()
    watched.tabs.clear()
    watched.stop = null
    this.#dropIfUnwanted(watched)
    for (const observer of observers) observer.end(error)
  }

  /** Once for all that come and go in one go. */
  #sayWhatIsWantedSoon(): void {
    if (this.#saysSoon) return
    this.#saysSoon = true
    queueMicrotask(() => {
      this.#saysSoon = false
      if (this.#channel && !this.#isLeader) this.#sayWhatIsWanted(({ isFollowing }) => !isFollowing)
    })
  }

  /** `isNew`: of which jobs the leader is told what is known of them, and asked how they are now. */
  #sayWhatIsWanted(isNew: (watched: Watched) => boolean): void {
    const { clock } = this.#options
    const jobs: Record<string, Known | null> = {}
    for (const watched of this.#jobs.values())
      if (!watched.isOwn) jobs[watched.jobId] = isNew(watched) ? watched.known : null
    this.#say({ type: 'want', from: this.#id, jobs })
    this.#cancelAnswer ??= clock.setTimer(() => {
      this.#cancelAnswer = null
      if (!this.#isLeader) this.#watchForItself()
    }, answerSeconds * 1000)
  }

  #expectWords(seconds = silenceSeconds): void {
    const { clock } = this.#options
    this.#cancelSilence ??= clock.setTimer(() => {
      this.#cancelSilence = null
      const left = silenceSeconds - (clock.now() - this.#heardAt) / 1000
      if (left > 0) return this.#expectWords(left)
      for (const watched of this.#jobs.values()) watched.isFollowing = false
      this.#watchForItself()
    }, seconds * 1000)
  }

  #stopWaiting(): void {
    this.#cancelAnswer?.()
    this.#cancelSilence?.()
    this.#cancelAnswer = this.#cancelSilence = null
  }

  #hear(message: TabMessage): void {
    if (message.type === 'want') this.#hearWant(message)
    if (this.#isLeader || message.type === 'want') return
    this.#heardAt = this.#options.clock.now()
    if (message.type === 'lead') this.#hearLead(message.from)
    else if (message.type === 'now') this.#hearNow(message)
    else if (message.type === 'update') this.#hearUpdate(message)
    else this.#hearEnd(message)
  }

  #hearLead(from: string): void {
    const isNew = this.#leader !== from
    this.#leader = from
    // What it watches for itself it hands over as well.
    this.#sayWhatIsWanted(({ isFollowing }) => isNew || !isFollowing)
  }

  #hearWant({ from, jobs }: Extract<TabMessage, { type: 'want' }>): void {
    if (!this.#isLeader) return
    this.#answered.add(from)
    for (const watched of [...this.#jobs.values()]) {
      if (Object.hasOwn(jobs, watched.jobId) || !watched.tabs.delete(from)) continue
      this.#dropIfUnwanted(watched)
    }
    // It may have been the last one's leaving that was heard.
    if (!this.#isLeader) return
    for (const [jobId, known] of Object.entries(jobs)) {
      if (known === null && this.#jobs.get(jobId)?.tabs.has(from)) continue
      const watched = this.#watched(jobId, known?.cursor ?? null)
      watched.tabs.add(from)
      if (known) watched.learn(known)
      this.#watch(watched)
      const { connection } = watched.last
      const error = packError(watched.last.error)
      this.#say({ type: 'now', from: this.#id, to: from, jobId, known: watched.known, connection, error })
    }
  }

  #hearNow(message: Extract<TabMessage, { type: 'now' }>): void {
    const watched = this.#jobs.get(message.jobId)
    if (message.to !== this.#id || !watched || watched.isOwn) return
    this.#leader = message.from
    watched.follow(message)
    this.#expectWords()
  }

  #hearUpdate({ jobId, after, error, ...update }: Extract<TabMessage, { type: 'update' }>): void {
    const watched = this.#jobs.get(jobId)
    if (!watched?.isFollowing) return
    // Nothing is missing between what this tab has heard last, of whomever, and this.
    if (after === watched.cursor) watched.take({ ...update, error: unpackError(error) })
    else {
      watched.isFollowing = false
      this.#sayWhatIsWantedSoon()
    }
  }

  #hearEnd({ jobId, isFinal }: Extract<TabMessage, { type: 'end' }>): void {
    const watched = this.#jobs.get(jobId)
    if (!watched?.isFollowing) return
    if (isFinal) this.#end(watched, null)
    else {
      // Another tab was refused, with its own token: that says nothing of this one.
      watched.isOwn = true
      this.#watch(watched)
    }
  }

  #say(message: TabMessage): void {
    this.#channel?.postMessage(message)
  }
}

function newId(): string {
  return Math.random().toString(36).slice(2) + Math.random().toString(36).slice(2)
}
