import type { Job } from '../../protocol'
import { snapshotOf } from '../../state/eventsOfJob'
import { newerJob, reduceJob } from '../../state/reduceJob'
import { disconnected } from '../connection'
import type { TransportObserver, TransportUpdate } from '../transport'
import { type Known, packJob, type TabMessage, unpackError, unpackJob } from './tabMessage'

/** One job, as one tab knows it. */
export class Watched {
  readonly jobId: string
  /** Who listens in this tab. */
  readonly observers = new Set<TransportObserver>()
  /** The other tabs that want it. The leader alone knows. */
  readonly tabs = new Set<string>()
  job: Job | null = null
  last: TransportUpdate
  /** Ends a subscription of this tab's own: the leader's, or one for itself. */
  stop: (() => void) | null = null
  /** The leader tells this tab of it, without a gap. */
  isFollowing = false
  /** The leader was refused it: that is between the server and that tab. */
  isOwn = false

  constructor(jobId: string, cursor: string | null) {
    this.jobId = jobId
    this.last = { event: null, connection: disconnected, error: null, cursor }
  }

  get cursor(): string | null {
    return this.last.cursor ?? null
  }

  get known(): Known {
    return { job: packJob(this.job), cursor: this.cursor }
  }

  take(update: TransportUpdate): void {
    this.last = update
    if (update.event) this.job = reduceJob(this.job, update.event)
    for (const observer of [...this.observers]) observer.next(update)
  }

  /** From another tab that knows it: kept, and not told. */
  learn({ job }: Known): void {
    const news = unpackJob(job)
    if (news) this.job = newerJob(this.job, news)
  }

  /** The leader's answer: goes on without a word where nothing was missed, else anew. */
  follow({ known, connection, error }: Extract<TabMessage, { type: 'now' }>): void {
    this.stop?.()
    this.stop = null
    this.isFollowing = true
    const before = this.job
    // Without a place in common it can't be told whether something was missed.
    const hasGap = before !== null && (known.cursor === null || known.cursor !== this.cursor)
    this.learn(known)
    const base = { connection, error: unpackError(error), cursor: known.cursor }
    if (hasGap) {
      const { at, generation, seq } = snapshotOf(before)
      const data = { reason: 'Another tab has taken over.' }
      this.take({ ...base, event: { type: 'reset', job_id: this.jobId, generation, seq, at, data } })
    }
    this.take({ ...base, event: this.job && (hasGap || before === null) ? snapshotOf(this.job) : null })
  }
}
