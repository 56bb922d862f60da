import type { Clock } from '../../transports/clock'
import type { JobRecord } from './jobRecord'
import { stateOf } from './jobRecord'
import type { MockRun } from './mockRun'
import { receiptOf } from './receipts'
import type { RunPlan } from './runPlan'
import { isFinal } from './states'

/** How long a command takes to lie before its process, and a killed process to be gone. */
const deliverySeconds = 0.05
const killSeconds = 0.2

/** Plays one attempt of a job by its plan: starts it, steps, saves, obeys, ends. */
export class Player {
  readonly #clock: Clock
  readonly #job: JobRecord
  readonly #run: MockRun
  readonly #plan: () => RunPlan
  readonly attempt: number
  /** What the training process does next. */
  #cancelNext = () => {}
  readonly #cancels = new Set<() => void>()
  #step: number
  #isLeaving = false
  /** Its process stands still inside a step, and is woken by whatever is asked. */
  #isParked: boolean
  #heard: string | null = null

  constructor(clock: Clock, job: JobRecord, run: MockRun, plan: () => RunPlan) {
    this.#clock = clock
    this.#job = job
    this.#run = run
    this.#plan = plan
    this.attempt = job.attempt
    this.#step = job.progress.step ?? 0
    this.#isParked = job.heldBy !== null
  }

  /** From wherever the job is now. */
  begin(): void {
    const state = stateOf(this.#job)
    if (state === 'pending') this.#next(this.#plan().queueSeconds, () => this.#launch())
    else if (state === 'starting') this.#launch()
    else if (!isFinal(state) && state !== 'paused') this.#goOn()
    this.asked()
  }

  stop(): void {
    this.#cancelNext()
    for (const cancel of this.#cancels) cancel()
    this.#cancels.clear()
  }

  /** The command under way has changed. */
  asked(): void {
    const { command, current } = this.#job
    if (!command) {
      this.#askedNothingMore()
      return
    }
    if (!current.claimed || (command.action === 'resume' && !this.#isParked)) return
    const version = `${command.id} ${command.mode} ${command.deadline}`
    if (version === this.#heard) return
    this.#heard = version
    this.#later(deliverySeconds, () => {
      this.#run.deliver()
      if (this.#isParked) this.#look()
    })
    if (command.action !== 'cancel' || command.deadline === null) return
    const left = (Date.parse(command.deadline) - this.#clock.now()) / 1000
    this.#later(left + killSeconds, () => this.#kill(command.id))
  }

  /** What it was to stand still for was withdrawn. */
  #askedNothingMore(): void {
    if (this.#isParked && stateOf(this.#job) === 'running') {
      this.#isParked = false
      this.#goOn()
    }
  }

  #launch(): void {
    this.#run.claim()
    this.#next(this.#plan().startSeconds, () => {
      const { steps, epochs, saveEverySteps } = this.#plan()
      const from = this.#job.current.resume
      const resumed = from === null ? 0 : Number(/^step-(\d+)/.exec(from)?.[1] ?? 0)
      this.#step = resumed
      this.#run.start({ totalSteps: steps, totalEpochs: epochs, saveEvery: saveEverySteps })
      this.#goOn()
    })
  }

  #goOn(): void {
    if (!this.#isParked && !this.#isLeaving) this.#next(this.#plan().stepSeconds, () => this.#endStep())
  }

  #endStep(): void {
    const plan = this.#plan()
    const step = ++this.#step
    const perEpoch = plan.epochs ? plan.steps / plan.epochs : null
    this.#run.step(step, plan.metrics(step), perEpoch && Math.floor(step / perEpoch))
    const printed = plan.output(step)
    if (printed) this.#run.print(printed)
    const exitCode = step === plan.crashesAtStep ? 1 : step >= plan.steps ? plan.exitCode : null
    if (exitCode !== null) {
      this.#run.exit({ exitCode })
      return
    }
    if (this.#look()) return
    const saves = plan.saveEverySteps !== null && step % plan.saveEverySteps === 0
    if (saves) this.#next(plan.saveSeconds, () => this.#save(() => this.#goOn()))
    else this.#goOn()
  }

  /** Obeys, if it is asked something that it has come to. */
  #look(): boolean {
    const { command } = this.#job
    const plan = this.#plan()
    if (!command || plan.leaves !== 'when_asked' || this.#isLeaving || !this.#hasComeTo()) return false
    const waited = (this.#clock.now() - Date.parse(command.created_at)) / 1000
    if (waited < plan.acknowledgeSeconds) {
      if (this.#isParked) this.#later(plan.acknowledgeSeconds - waited, () => this.#look())
      return false
    }
    if (!receiptOf(command, 'delivered')) this.#run.deliver()
    this.#isParked = command.hold === true
    this.#run.acknowledge()
    if (command.action === 'resume') this.#goOn()
    else if (!this.#isParked) this.#leave()
    return true
  }

  /** The place that a stop waits for. */
  #hasComeTo(): boolean {
    const { command } = this.#job
    if (!command?.wait_until || Date.parse(command.wait_until) <= this.#clock.now()) return true
    const { saveEverySteps, steps, epochs } = this.#plan()
    if (command.mode === 'checkpoint') return saveEverySteps !== null && this.#step % saveEverySteps === 0
    return epochs !== null && this.#step % Math.floor(steps / epochs) === 0
  }

  #leave(): void {
    this.#isLeaving = true
    this.#next(this.#plan().saveSeconds, () => this.#save(() => this.#run.exit()))
  }

  #save(then: () => void): void {
    const { saves, saveSeconds: save_seconds } = this.#plan()
    if (saves === 'fails') this.#run.failToSave()
    else this.#run.save({ step: this.#step, save_seconds, verified: saves === 'verified' })
    then()
  }

  #kill(commandId: string): void {
    const { command } = this.#job
    if (command?.id === commandId && this.#plan().leaves !== 'never') this.#run.exit({ signal: 'SIGKILL' })
  }

  /** In place of whatever the process was about to do. */
  #next(seconds: number, action: () => void): void {
    this.#cancelNext()
    this.#cancelNext = this.#later(seconds, action)
  }

  #later(seconds: number, action: () => void): () => void {
    // The system's timers take it for no time at all.
    if (seconds === Number.POSITIVE_INFINITY) return () => {}
    const cancel = this.#clock.setTimer(() => {
      this.#cancels.delete(cancel)
      const isHistory = this.#job.attempt !== this.attempt || this.#job.current.endedAt !== null
      if (!isHistory) action()
    }, seconds * 1000)
    this.#cancels.add(cancel)
    return cancel
  }
}
