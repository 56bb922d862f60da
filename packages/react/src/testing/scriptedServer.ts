import {
  type Checkpoint,
  type Clock,
  type Command,
  type Connection,
  type ControlRequest,
  createTrainingClient,
  type MetricColumns,
  systemClock,
  type TrainingClient,
  type TrainingError,
  type Transport,
  type TransportCall,
  type TransportObserver,
  trainingError,
  type WireEvent,
  type WireJob,
} from '@trainstop/sdk'
import { event as eventSchema, job as jobSchema } from '@trainstop/sdk/protocol'
import { at, makeCommand, makeJob } from './fixtures'

type ControlCall = Extract<TransportCall, { name: 'controlJob' }>
/** An event without what every event has. */
type EventBody = WireEvent extends infer E ? (E extends WireEvent ? Pick<E, 'type' | 'data'> : never) : never

const noRows: MetricColumns = { attempt: [], step: [], epoch: [], elapsed_seconds: [], values: {} }

/** Nobody has to wait for a retry: what would take seconds takes a moment. */
const impatient: Clock = {
  ...systemClock,
  setTimer: (callback, milliseconds) => systemClock.setTimer(callback, milliseconds / 50),
}

/** A training server as a test tells it to be: one job, told about through the SDK's own transport interface. */
export class ScriptedServer implements Transport {
  job: WireJob
  others: WireJob[] = []
  checkpoints: Checkpoint[] = []
  commands: Command[] = []
  metrics: MetricColumns = noRows
  log = ''
  templates: unknown[] = []
  readonly calls: TransportCall[] = []
  /** While set, every call fails with it. */
  failure: (() => TrainingError) | null = null
  /** Whether a stream ends right after its snapshot, as for a job that is final. */
  endsAtOnce = false
  readonly client: TrainingClient
  #connection: Connection = { source: 'sse', lastEventAt: Date.now(), stale: false, attempt: 0 }
  #observers = new Set<TransportObserver>()
  #gate: Promise<void> | null = null
  #gatedCall: TransportCall['name'] | null = null

  constructor(job: Partial<WireJob> = {}) {
    this.job = makeJob(job)
    if (this.job.last_checkpoint) this.checkpoints = [this.job.last_checkpoint]
    this.client = createTrainingClient({ transport: this, key: crypto.randomUUID(), clock: impatient })
  }

  get subscribers(): number {
    return this.#observers.size
  }

  controlCalls(): ControlCall[] {
    return this.calls.filter((call): call is ControlCall => call.name === 'controlJob')
  }

  /** From now on nothing gets through. */
  fail(failure: () => TrainingError = unreachable): void {
    this.failure = failure
  }

  /** Calls of that name are not answered until the returned function is called. */
  holdBack(name: TransportCall['name']): () => void {
    let release = () => {}
    this.#gatedCall = name
    this.#gate = new Promise((resolve) => {
      release = resolve
    })
    return () => {
      this.#gate = null
      release()
    }
  }

  async request(call: TransportCall): Promise<unknown> {
    this.calls.push(call)
    if (this.#gate && call.name === this.#gatedCall) await this.#gate
    if (this.failure) throw this.failure()
    return structuredClone({ success: true, ...this.#answer(call) })
  }

  #answer(call: TransportCall): object {
    switch (call.name) {
      case 'getJob':
        return { job: this.job }
      case 'listJobs': {
        const jobs = [this.job, ...this.others]
        const shown = jobs.slice(0, call.limit ?? jobs.length)
        return { jobs: shown, next_cursor: shown.length < jobs.length ? 'more' : null }
      }
      case 'getMetrics':
        return { generation: this.job.generation, seq: this.job.seq, columns: this.metrics }
      case 'getLogs': {
        const size = this.log.length
        const from = call.offset ?? 0
        const offset = from < 0 ? Math.max(0, size + from) : Math.min(from, size)
        const text = this.log.slice(offset, call.limit === null ? undefined : offset + call.limit)
        return { attempt: this.job.attempt, offset, next_offset: offset + text.length, size, text }
      }
      case 'listCheckpoints':
        return { checkpoints: this.checkpoints }
      case 'listCommands':
        return { commands: this.commands }
      case 'getCommand':
        return { command: this.commands.find(({ id }) => id === call.commandId) }
      case 'getCapabilities':
        return { protocol: 1, server: { name: 'scripted', version: '0' }, templates: this.templates }
      case 'startJob':
        return { job: this.job }
      case 'controlJob':
        return { action: call.body.action, job_id: call.jobId, result: this.control(call.body, call) }
    }
  }

  /** What a control call does; a test may put its own in place. */
  control = (body: ControlRequest, call: ControlCall): unknown => {
    const known = this.commands.find(({ idempotency_key }) => idempotency_key === call.idempotencyKey)
    if (known) return { outcome: 'accepted', command: known, job: this.job }
    if (body.action === 'resume') {
      this.change({ status: 'pending', attempt: this.job.attempt + 1 })
      return { outcome: 'accepted', command: null, job: this.job }
    }
    const command = makeCommand({
      id: `cmd_${this.commands.length + 1}`,
      action: body.action,
      mode: body.action === 'cancel' ? (body.mode ?? 'graceful') : null,
      reason: body.reason ?? null,
      note: body.note ?? null,
      idempotency_key: call.idempotencyKey,
    })
    this.commands.unshift(command)
    this.change({ status: body.action === 'cancel' ? 'stopping' : 'pausing', command })
    return { outcome: 'accepted', command, job: this.job }
  }

  /** Changes the job and tells it, as the server does when a status or a command changes. */
  change(changes: Partial<WireJob>): void {
    const { seq, status_version } = this.job
    this.job = {
      ...this.job,
      ...changes,
      seq: seq + 1,
      status_version: status_version + 1,
      updated_at: at(0),
    }
    this.tell({ type: 'job', data: this.job })
  }

  /** Ends a stop that is under way, and the stream with it. */
  finish(status: 'cancelled' | 'completed' | 'failed' = 'cancelled'): void {
    const { command } = this.job
    const done = command && { ...command, status: 'succeeded' as const, ended_at: at(0) }
    this.change({ status, command: null, last_command: done ?? this.job.last_command, ended_at: at(0) })
    this.end()
  }

  end(error: TrainingError | null = null): void {
    if (!error) this.tell({ type: 'end', data: { status: this.job.status } })
    for (const observer of [...this.#observers]) observer.end(error)
    this.#observers.clear()
  }

  /** One batch of rows, with a `seq` of its own. */
  logMetrics(step: number, values: Record<string, number | 'NaN'>): void {
    this.job = { ...this.job, seq: this.job.seq + 1, progress: { ...this.job.progress, step } }
    const columns: MetricColumns = {
      attempt: [this.job.attempt],
      step: [step],
      epoch: [1],
      elapsed_seconds: [step / 10],
      values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [value]])),
    }
    const { progress, latest_metrics } = this.job
    this.tell({ type: 'metrics', data: { progress, latest_metrics, columns } })
  }

  print(text: string): void {
    this.log += text
    this.tell({ type: 'log', data: { attempt: this.job.attempt, size: this.log.length } })
  }

  tell(body: EventBody, seq = this.job.seq): void {
    const { id: job_id, generation } = this.job
    const event = eventSchema.parse(structuredClone({ ...body, job_id, generation, seq, at: at(0) }))
    for (const observer of [...this.#observers])
      observer.next({ event, connection: this.#connection, error: null })
  }

  connection(changes: Partial<Connection>, error: TrainingError | null = null): void {
    this.#connection = { ...this.#connection, ...changes }
    for (const observer of [...this.#observers])
      observer.next({ event: null, connection: this.#connection, error })
  }

  subscribe({ observer }: { jobId: string; observer: TransportObserver }): () => void {
    this.#observers.add(observer)
    queueMicrotask(() => {
      if (!this.#observers.has(observer)) return
      const { generation, seq, id: job_id } = this.job
      const data = jobSchema.parse(structuredClone(this.job))
      const event = { type: 'job' as const, job_id, generation, seq, at: at(0), data }
      observer.next({ event, connection: this.#connection, error: null })
      if (this.endsAtOnce) observer.end(null)
    })
    return () => this.#observers.delete(observer)
  }
}

export const unreachable = () => trainingError('server_unreachable', { status: 502, arrived: 'no' })
