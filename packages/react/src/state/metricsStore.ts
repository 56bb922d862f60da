import {
  getMetrics,
  type MetricColumns,
  type TrainingClient,
  type TrainingError,
  type TrainingEvent,
  watchJob,
} from '@trainstop/sdk'
import { LiveStore } from './liveStore'
import { appendRows, emptyRows, type MetricRows } from './metricRows'
import { storeOf } from './storeRegistry'

export interface JobMetrics {
  /** All rows so far. The arrays grow in place; `length` says how many rows belong to this snapshot. */
  rows: MetricRows
  length: number
  /** Names of the metrics, in the order in which they were first logged. */
  names: readonly string[]
  isLoading: boolean
  /** Why the rows could not be read. Reading is tried again by itself. */
  error: TrainingError | null
}

export const noMetrics: JobMetrics = Object.freeze({
  rows: Object.freeze(emptyRows()) as MetricRows,
  length: 0,
  names: Object.freeze([]),
  isLoading: true,
  error: null,
})

const retryMilliseconds = 3000
/** How often all rows are read again where no rows are pushed. */
const pollMilliseconds = 3000

type MetricsEvent = Extract<TrainingEvent, { type: 'metrics' }>

/** Every metric row of a job: those up to now read once, those from now on pushed, joined by `seq`. */
export class MetricsStore extends LiveStore<JobMetrics> {
  readonly #client: TrainingClient
  readonly #jobId: string
  #rows = emptyRows()
  #base: { generation: number; seq: number } | null = null
  #waiting: MetricsEvent[] = []
  #loading: AbortController | null = null
  #again = false
  #cancelTimer: (() => void) | null = null
  #polledSeq = -1

  constructor(client: TrainingClient, jobId: string) {
    super(noMetrics)
    this.#client = client
    this.#jobId = jobId
  }

  protected start(): () => void {
    const leave = watchJob(this.#client, {
      jobId: this.#jobId,
      onUpdate: ({ event, connection }) => {
        if (event?.type === 'metrics') this.#onRows(event)
        else if (event?.type === 'reset') this.#load()
        else if (event?.type === 'job' && this.#base && event.generation !== this.#base.generation)
          this.#load()
        else if (event?.type === 'job' && connection.source === 'polling') this.#poll(event.seq)
        // The last rows of a run that ended while it was polled: nobody pushes them.
        else if (event?.type === 'end' && this.#cancelTimer) void this.#load()
      },
    })
    this.#load()
    return () => {
      leave()
      this.#loading?.abort()
      this.#loading = null
      this.#again = false
      this.#cancelTimer?.()
      this.#cancelTimer = null
      this.#base = null
      this.#polledSeq = -1
      this.#waiting = []
    }
  }

  #onRows(event: MetricsEvent): void {
    if (this.#loading || !this.#base) this.#waiting.push(event)
    else this.#append(event)
  }

  #append({ generation, seq, data }: MetricsEvent): void {
    if (!this.#base) return
    if (generation !== this.#base.generation) {
      if (generation > this.#base.generation) this.#load()
      return
    }
    if (seq <= this.#base.seq) return
    this.#base.seq = seq
    appendRows(this.#rows, data.columns)
    this.#tell({ isLoading: false, error: null })
  }

  #poll(seq: number): void {
    if (seq <= this.#polledSeq || seq <= (this.#base?.seq ?? -1)) return
    this.#polledSeq = seq
    this.#cancelTimer ??= this.#client.clock.setTimer(() => this.#load(), pollMilliseconds)
  }

  async #load(): Promise<void> {
    this.#cancelTimer?.()
    this.#cancelTimer = null
    if (this.#loading) {
      this.#again = true
      return
    }
    const loading = new AbortController()
    this.#loading = loading
    const result = await getMetrics(this.#client, { jobId: this.#jobId, signal: loading.signal })
    if (loading.signal.aborted) return
    this.#loading = null
    if (this.#again) {
      this.#again = false
      return this.#load()
    }
    if (result.ok) this.#begin(result.columns, result)
    else if (result.error.code === 'not_supported') this.#begin(null, { generation: 0, seq: 0 })
    else {
      this.#tell({ isLoading: false, error: result.error })
      if (result.error.code !== 'job_not_found') {
        this.#cancelTimer = this.#client.clock.setTimer(() => this.#load(), retryMilliseconds)
      }
    }
  }

  #begin(columns: MetricColumns | null, { generation, seq }: { generation: number; seq: number }): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#rows = emptyRows()
    if (columns) appendRows(this.#rows, columns)
    this.#base = { generation: columns ? generation : (waiting[0]?.generation ?? generation), seq }
    this.#tell({ isLoading: false, error: null })
    for (const event of waiting) this.#onRows(event)
  }

  #tell(state: Pick<JobMetrics, 'isLoading' | 'error'>): void {
    const names = Object.keys(this.#rows.values)
    const before = this.latest.names
    const same = names.length === before.length && names.every((name, i) => name === before[i])
    this.publish({
      ...state,
      rows: this.#rows,
      length: this.#rows.attempt.length,
      names: same ? before : names,
    })
  }
}

export function metricsStoreOf(client: TrainingClient, jobId: string): MetricsStore {
  return storeOf(client, `metrics ${jobId}`, () => new MetricsStore(client, jobId))
}
