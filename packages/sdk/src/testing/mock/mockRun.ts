import type {
  Checkpoint,
  Command,
  MetricColumns,
  MetricValue,
  ReceiptStage,
  ReceiptState,
  WireJob,
} from '../../protocol'
import type { Change } from './change'
import { endWait } from './deadlines'
import { endAttempt, standStill } from './ending'
import type { JobRecord } from './jobRecord'
import { putReceipt, receiptOf, skipTheRest } from './receipts'
import { isState } from './states'

/** What a run needs of the server that it reports to. */
export interface RunWorld {
  readonly job: JobRecord
  /** Carries out one change and tells it. */
  change(apply: (change: Change) => void): void
  /** The output has grown. */
  printed(): void
}

/**
 * A job's run, as its process and the one that watches it would tell of it: each method is one fact, told now. A fact that
 * makes no sense (an acknowledgement where nothing is asked) changes nothing, as on a real server.
 */
export class MockRun {
  readonly #world: RunWorld

  /** @internal The server makes them. */
  constructor(world: RunWorld) {
    this.#world = world
  }

  /** The command under way. */
  get command(): Command | null {
    return this.#world.job.command
  }

  /** A place is free: its process is about to be started. From now on a cancel must stop it. */
  claim(): void {
    this.#tell((change) => {
      if (change.outcome('claimed') === 'starting') change.job.current.claimed = true
    })
  }

  /** The process runs, and says what it is. */
  start(about: { totalSteps?: number; totalEpochs?: number | null; saveEvery?: number | null } = {}): void {
    this.#tell((change) => {
      const { job, at } = change
      job.current.claimed = true
      job.current.startedAt ??= at
      job.startedAt ??= at
      const { totalSteps: step_total = null, totalEpochs: epoch_total = null, saveEvery = null } = about
      job.progress = { ...job.progress, started_at: job.current.startedAt, step_total, epoch_total }
      job.schedule = { saveEvery, epochs: epoch_total !== null }
      change.dirty()
      const state = change.outcome('started')
      if (!isState(state)) return
      const { command } = job
      if (command?.action === 'resume') {
        const told = (stage: ReceiptStage, by: string, detail: string) =>
          putReceipt(command, { stage, state: 'done', at, by, detail })
        told('delivered', 'shim', 'The process runs.')
        told(
          'acknowledged',
          'process',
          job.current.resume ? `from ${job.current.resume}` : 'From the beginning.',
        )
        skipTheRest(command, at, 'A resume starts a process.')
        change.end('succeeded')
      }
      change.enter(state)
    })
  }

  /** It is at this step, and logged these metrics there. */
  step(step: number, metrics: Record<string, MetricValue> = {}, epoch: number | null = null): void {
    this.#tell((change) => {
      const { job, at } = change
      const begun = Date.parse(job.current.startedAt ?? job.createdAt)
      const elapsed = (Date.parse(at) - begun) / 1000
      const rate = elapsed > 0 && step > 0 ? rounded(step / elapsed) : null
      const total = job.progress.step_total
      const eta = rate && total !== null ? rounded(Math.max(0, total - step) / rate) : null
      job.progress = { ...job.progress, step, epoch, steps_per_second: rate, eta_seconds: eta }
      const latest = Object.entries(metrics).map(([name, value]) => [name, { value, step, at }])
      job.latestMetrics = { ...job.latestMetrics, ...Object.fromEntries(latest) }
      const values = Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, [value]]))
      const columns: MetricColumns = {
        ...{ attempt: [job.attempt], step: [step], epoch: [epoch], elapsed_seconds: [elapsed], values },
      }
      change.progressed(latest.length > 0 ? columns : null)
      if (job.health === 'unresponsive') this.#setHealth(change, 'ok')
    })
  }

  /** It writes to its output. */
  print(text: string): void {
    const { logs, attempt } = this.#world.job
    const before = logs.get(attempt) ?? new Uint8Array()
    const more = new TextEncoder().encode(text)
    const joined = new Uint8Array(before.length + more.length)
    joined.set(before)
    joined.set(more, before.length)
    logs.set(attempt, joined)
    this.#world.printed()
  }

  /** The command lies before the process. */
  deliver(): void {
    this.#receipt('delivered', 'done', 'shim', '1 rank was woken.')
  }

  /** It has taken the decision to leave, to stand still, or to go on: whatever is asked of it. */
  acknowledge(): void {
    this.#tell((change) => {
      const { job, at } = change
      const { command } = job
      if (!command || (command.action === 'resume' && job.heldBy === null)) return
      const { step } = job.progress
      const detail = step === null ? null : `step ${step}`
      if (putReceipt(command, { stage: 'acknowledged', state: 'done', at, by: 'process', detail }))
        change.touch(command)
      if (command.action === 'resume') this.#goOn(change, command)
      else if (command.hold) this.#standStill(change, command)
      else {
        job.current.madeToLeave = true
        if (command.action === 'cancel' && endWait(command, at)) change.touch(command)
      }
    })
  }

  /** A save has ended; where a command was acknowledged, it is that command's. Its id is `step-<8 digits>`. */
  save(about: Partial<Checkpoint> & { step: number }): Checkpoint {
    const { job } = this.#world
    const latest = Object.entries(job.latestMetrics).map(([name, { value }]) => [name, value])
    const taken = job.checkpoints.filter(({ step }) => step === about.step).length
    const id = `step-${String(about.step).padStart(8, '0')}${taken ? `-${taken + 1}` : ''}`
    const base = {
      ...{ id, job_id: job.id, attempt: job.attempt, epoch: null, path: `/checkpoints/${job.id}/${id}` },
      ...{ bytes: 1_048_576, files: 2, removed_at: null, save_seconds: 0.5, verified: true, problem: null },
      reason: this.#obeys ? (this.command?.action ?? 'scheduled') : 'scheduled',
      metrics: Object.fromEntries(latest),
    }
    let checkpoint: Checkpoint = { ...base, saved_at: '', ...about }
    this.#tell((change) => {
      checkpoint = { ...base, saved_at: change.at, ...about }
      if (!checkpoint.verified) checkpoint.problem ??= 'weights.bin is missing'
      job.saveSeconds = Math.max(job.saveSeconds ?? 0, checkpoint.save_seconds)
      change.addCheckpoint(checkpoint)
      const { verified, problem } = checkpoint
      const detail = verified ? `${id} verified, 2 files` : `${id} did not verify: ${problem}`
      if (this.#obeys)
        this.#receiptIn(change, 'checkpoint_saved', verified ? 'done' : 'failed', 'server', detail)
    })
    return checkpoint
  }

  /** A save came to nothing. */
  failToSave(error = 'No space left on device.'): void {
    if (this.#obeys) this.#receipt('checkpoint_saved', 'failed', 'process', error)
  }

  /** Retention took a checkpoint from the disk. */
  removeCheckpoint(id: string): void {
    this.#tell((change) => {
      const checkpoint = change.job.checkpoints.find((each) => each.id === id)
      if (checkpoint && !checkpoint.removed_at) change.addCheckpoint({ ...checkpoint, removed_at: change.at })
    })
  }

  /** Its process has ended, and everything that it had started. Default: exit code 0. */
  exit({ exitCode = 0, signal = null }: { exitCode?: number; signal?: string | null } = {}): void {
    this.#tell((change) => {
      const { command, current } = change.job
      current.leftToPause = command?.action === 'pause' && !command.hold && this.#obeys
      endAttempt(change, signal ? { signal } : { exitCode })
    })
  }

  /** No process could be started. */
  failToStart(error = 'the interpreter was not found'): void {
    this.#tell((change) => endAttempt(change, { error }))
  }

  /** No process is left, and nobody saw how it ended: the machine restarted, say. */
  lose(): void {
    this.#tell((change) => endAttempt(change, { seen: false }))
  }

  /** `unresponsive`: its step stands still. `unsupervised`: what watched its process is gone. */
  setHealth(health: WireJob['health']): void {
    this.#tell((change) => this.#setHealth(change, health))
  }

  /** The deadline of a pause, or of the resume of a held run, has passed. The server tells this by itself. */
  expire(): void {
    this.#tell((change) => {
      const { command, current } = change.job
      const state = change.outcome(current.startedAt === null ? 'expired_unstarted' : 'expired')
      if (!command || !isState(state)) return
      skipTheRest(command, change.at, `The ${command.action} expired before it came to this.`)
      const didNot = command.hold ? 'stand still' : 'leave'
      change.end(
        'expired',
        state === 'held'
          ? 'The run did not say before the deadline that it goes on, so it is still held.'
          : `The run did not ${didNot} before the deadline, so it goes on; a pause never kills.`,
      )
      change.enter(state)
    })
  }

  /** It is carrying out what it was asked. */
  get #obeys(): boolean {
    return this.command !== null && receiptOf(this.command, 'acknowledged')?.state === 'done'
  }

  #standStill(change: Change, command: Command): void {
    const state = change.outcome('parked')
    if (!isState(state)) return
    skipTheRest(command, change.at, {
      delivered: 'The run looked by itself.',
      checkpoint_saved: 'A hold saves nothing: the run keeps everything in its memory.',
      process_exited: 'A hold keeps the process.',
      resources_released: 'A hold keeps the GPU.',
    })
    standStill(change)
    change.job.heldBy = command.id
    change.end('succeeded')
    change.enter(state)
  }

  #goOn(change: Change, command: Command): void {
    const state = change.outcome('lifted')
    if (!isState(state)) return
    skipTheRest(command, change.at, 'The run goes on from where it stood.')
    change.end('succeeded')
    change.enter(state)
  }

  #setHealth(change: Change, health: WireJob['health']): void {
    if (change.job.health === health) return
    change.job.health = health
    change.dirty()
  }

  #receipt(stage: ReceiptStage, state: ReceiptState, by: string, detail: string): void {
    this.#tell((change) => this.#receiptIn(change, stage, state, by, detail))
  }

  #receiptIn(change: Change, stage: ReceiptStage, state: ReceiptState, by: string, detail: string): void {
    const { command } = change.job
    if (!command || command.action === 'resume') return
    if (putReceipt(command, { stage, state, at: change.at, by, detail })) change.touch(command)
  }

  /** What comes after the attempt's end is history. */
  #tell(apply: (change: Change) => void): void {
    if (this.#world.job.current.endedAt === null) this.#world.change(apply)
  }
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4
}
