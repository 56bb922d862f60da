import {
  type Connection,
  disconnected,
  type Job,
  type JobStatus,
  newerJob,
  type TrainingClient,
  type TrainingError,
  watchJob,
} from '@trainstop/sdk'
import { LiveStore } from './liveStore'
import { storeOf } from './storeRegistry'

/** What is known of a job. */
export interface TrainingJob {
  /** Undefined until the first answer. */
  job: Job | undefined
  status: JobStatus | undefined
  /** How fresh this is. */
  connection: Connection
  /** What is wrong with the connection, until it is mended. With `job` still undefined: why there is none. */
  error: TrainingError | null
  /** No answer yet. */
  isLoading: boolean
  /** Nothing more will come: the job is final, or `error` can't be mended by trying again. */
  isEnded: boolean
}

export const unknownJob: TrainingJob = Object.freeze({
  job: undefined,
  status: undefined,
  connection: disconnected,
  error: null,
  isLoading: true,
  isEnded: false,
})

/** Follows one job. A change of status or command is told at once, everything else once a frame. */
export class JobStore extends LiveStore<TrainingJob> {
  readonly #client: TrainingClient
  readonly #jobId: string

  constructor(client: TrainingClient, jobId: string) {
    super(unknownJob)
    this.#client = client
    this.#jobId = jobId
  }

  protected start(): () => void {
    this.#take({ isEnded: false })
    return watchJob(this.#client, {
      jobId: this.#jobId,
      onUpdate: ({ job, connection, error }) =>
        this.#take({ job: job ?? undefined, connection: settled(this.latest.connection, connection), error }),
      onEnd: (error) => this.#take({ isEnded: true, ...(error && { error }) }),
    })
  }

  /** A job that was read elsewhere, such as in the answer to a command. Older ones change nothing. */
  learn(job: Job): void {
    if (job.id === this.#jobId) this.#take({ job })
  }

  #take(news: Partial<TrainingJob>): void {
    const before = this.latest
    const job = news.job ? newerJob(before.job ?? null, news.job) : before.job
    const error = news.error === undefined ? before.error : news.error
    const isEnded = news.isEnded ?? before.isEnded
    const next: TrainingJob = {
      job,
      status: job?.status,
      connection: news.connection ?? before.connection,
      error,
      isLoading: job === undefined && !(isEnded && error !== null),
      isEnded,
    }
    if ((Object.keys(next) as (keyof TrainingJob)[]).every((key) => next[key] === before[key])) return
    const shown = this.getSnapshot()
    const cannotWait =
      next.job?.raw_status !== shown.job?.raw_status ||
      next.job?.status_version !== shown.job?.status_version ||
      next.job?.command !== shown.job?.command ||
      next.isEnded !== shown.isEnded ||
      next.error?.code !== shown.error?.code ||
      next.connection.stale !== shown.connection.stale
    this.publish(next, cannotWait)
  }
}

/** The same object while only the time of the last event moved on, by less than a second. */
function settled(before: Connection, after: Connection): Connection {
  const same =
    before.source === after.source && before.stale === after.stale && before.attempt === after.attempt
  if (!same || before.lastEventAt === null || after.lastEventAt === null)
    return same && before.lastEventAt === after.lastEventAt ? before : after
  return after.lastEventAt - before.lastEventAt < 1000 ? before : after
}

export function jobStoreOf(client: TrainingClient, jobId: string): JobStore {
  return storeOf(client, `job ${jobId}`, () => new JobStore(client, jobId))
}
