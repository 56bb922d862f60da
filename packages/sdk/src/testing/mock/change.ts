import type { Checkpoint, Command, MetricColumns, WireEvent } from '../../protocol'
import { enterState, type JobRecord, stateOf } from './jobRecord'
import { wireJobOf } from './snapshot'
import { isFinal, type JobState, type TableOutcome, type Trigger, transitions } from './states'

type EventBody = WireEvent extends infer E ? (E extends WireEvent ? Pick<E, 'type' | 'data'> : never) : never

export const noRows: MetricColumns = { attempt: [], step: [], epoch: [], elapsed_seconds: [], values: {} }

/** One change of one job: what becomes different, and at its end the events that tell it. */
export class Change {
  readonly job: JobRecord
  readonly at: string
  readonly #generation: number
  readonly #touched = new Map<string, Command>()
  readonly #checkpoints: Checkpoint[] = []
  #rows: MetricColumns | null = null
  #progressed = false
  #dirty = false
  #statusChanged = false

  constructor(job: JobRecord, at: string, generation: number) {
    this.job = job
    this.at = at
    this.#generation = generation
  }

  get state(): JobState {
    return stateOf(this.job)
  }

  outcome(trigger: Trigger): TableOutcome {
    return transitions[this.state][trigger]
  }

  enter(state: JobState): void {
    if (isFinal(this.state)) throw new Error(`job ${this.job.id} is ${this.state}, which is final`)
    if (enterState(this.job, state)) this.#dirty = this.#statusChanged = true
  }

  /** Something that a `job` event tells has changed. */
  dirty(): void {
    this.#dirty = true
  }

  /** A new job: its first event tells it. */
  created(): void {
    this.#dirty = this.#statusChanged = true
  }

  /** The command, or a receipt of it, has changed. */
  touch(command: Command): void {
    this.#touched.set(command.id, command)
    this.#dirty = this.#statusChanged = true
  }

  /** Puts a command in force; the one under way gives way to it. */
  begin(command: Command): void {
    this.job.commands.push(command)
    if (this.job.command) this.end('superseded', `A later ${command.action} took its place.`, command.id)
    this.job.command = command
    this.touch(command)
  }

  /** Ends the command under way. The caller has seen to its receipts. */
  end(status: Command['status'], message: string | null = null, supersededBy: string | null = null): void {
    const { command } = this.job
    if (!command) throw new Error(`job ${this.job.id} has no command under way`)
    command.status = status
    command.superseded_by = supersededBy
    command.message = message ?? command.message
    command.ended_at = this.at
    this.job.command = null
    this.job.lastCommand = command
    this.touch(command)
  }

  addCheckpoint(checkpoint: Checkpoint): void {
    const { checkpoints } = this.job
    const known = checkpoints.findIndex(({ id }) => id === checkpoint.id)
    if (known < 0) checkpoints.push(checkpoint)
    else checkpoints[known] = checkpoint
    this.#checkpoints.push(checkpoint)
    this.#dirty = true
  }

  /** Progress or newest metrics differ; `rows` are those that came with it. */
  progressed(rows: MetricColumns | null = null): void {
    this.#progressed = true
    this.#rows = rows
  }

  /** Tells it all. A `job` event is last, so that whoever applies them in order holds the job as it is. */
  finish(): void {
    const { job } = this
    if (this.#statusChanged) job.statusVersion++
    if (this.#dirty || this.#progressed) job.updatedAt = this.at
    if (this.#progressed) {
      const columns = this.#rows ?? noRows
      if (this.#rows) job.batches.push(this.#rows)
      const { progress, latestMetrics: latest_metrics } = job
      this.#emit({ type: 'metrics', data: { progress, latest_metrics, columns } })
    }
    for (const data of this.#checkpoints) this.#emit({ type: 'checkpoint', data })
    for (const data of this.#touched.values()) this.#emit({ type: 'command', data })
    if (!this.#dirty) return
    job.seq++
    this.#write({ type: 'job', data: wireJobOf(job, this.#generation) })
  }

  #emit(body: EventBody): void {
    this.job.seq++
    this.#write(body)
  }

  #write(body: EventBody): void {
    const { id: job_id, seq } = this.job
    const envelope = { job_id, generation: this.#generation, seq, at: this.at }
    this.job.events.push(structuredClone({ ...envelope, ...body }))
  }
}
