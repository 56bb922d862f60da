import type {
  Checkpoint,
  Command,
  CommandAction,
  ControlRequest,
  Outcome,
  StartRequest,
  WireJob,
} from '../../protocol'
import type { Clock } from '../../transports/clock'
import type { Asked, Decision } from './asked'
import { cancel } from './cancel'
import { Change } from './change'
import { Intents, requestText } from './intents'
import { type JobRecord, type NewJob, newJobRecord } from './jobRecord'
import { MockRun } from './mockRun'
import { pause } from './pause'
import { Player } from './player'
import { noSuchJob, Refusal } from './refusal'
import { resume } from './resume'
import { defaultPlan, type RunPlan } from './runPlan'
import { wireJobOf } from './snapshot'
import { type MockTemplate, type ParamValue, paramsOf } from './template'

export interface MockJobsOptions {
  clock: Clock
  generation: number
  templates: readonly MockTemplate[]
  /** The least that a stop without its own wish gets, in seconds. */
  minimumGraceSeconds: number
}

/** `result` of a control call. */
export interface ControlResult {
  outcome: Outcome
  command: Command | null
  job: WireJob
}

/** A job that is started past HTTP. */
export interface MockJobParameters {
  /** Default: `job_1`, `job_2` … */
  id?: string
  owner?: string | null
  name?: string
  template?: string | null
  params?: Record<string, ParamValue>
  /** How its runs go; `by hand`: nothing happens but what `run(jobId)` tells. Default: the template's plan. */
  plan?: Partial<RunPlan> | 'by hand'
}

interface Entry {
  readonly job: JobRecord
  readonly run: MockRun
  plan: RunPlan | null
  player: Player | null
  cancelExpiry: () => void
}

/** A pause, and the resume of a held run, expires so long after its deadline. */
const expirySeconds = 1

/** All jobs: the one door through which anything about them is read or changes. What is refused has changed nothing. */
export class MockJobs {
  readonly templates: readonly MockTemplate[]
  readonly generation: number
  readonly clock: Clock
  readonly #minimumGrace: number
  readonly #entries = new Map<string, Entry>()
  readonly #intents = new Intents()
  readonly #listeners = new Map<string, Set<() => void>>()
  #number = 0
  #commandNumber = 0

  constructor({ clock, generation, templates, minimumGraceSeconds }: MockJobsOptions) {
    this.clock = clock
    this.generation = generation
    this.templates = templates
    this.#minimumGrace = minimumGraceSeconds
  }

  /** A new job; with a known key the job that it made then. */
  start(request: StartRequest, asked: Asked): WireJob {
    const scope = `start:${asked.owner ?? ''}`
    const text = requestText('start', request)
    const earlier = this.#intents.earlier(scope, asked.idempotencyKey, text)
    if (earlier) return this.job(earlier.jobId, asked.owner)
    const template = this.templates.find(({ id }) => id === request.template)
    if (!template) {
      const sentence = `There is no template ${request.template}; the server's capabilities list those it has.`
      throw new Refusal('invalid_request', sentence, { field: 'template' })
    }
    const jobId = this.create({
      ...{ owner: asked.owner, template: template.id, params: paramsOf(template, request.params ?? {}) },
      name: request.name ?? template.title ?? template.id,
    })
    this.#intents.remember(scope, asked.idempotencyKey, { request: text, jobId, commandId: null })
    return this.job(jobId, asked.owner)
  }

  /** The same past all rules, for tests: its id. */
  create(given: MockJobParameters = {}): string {
    const { owner = null, template = null, params = {}, name = template ?? 'run' } = given
    const own = this.templates.find(({ id }) => id === template)?.plan ?? {}
    const plan = given.plan === 'by hand' ? null : { ...defaultPlan, ...own, ...given.plan }
    const id = given.id ?? this.#newId()
    if (this.#entries.has(id)) throw new TypeError(`There is a job ${id} already; give another id.`)
    const change = this.#newJob(
      { id, owner, name, template, params, resumedFrom: null, bestMetric: plan?.bestMetric ?? null },
      plan,
    )
    this.#finish(change)
    this.#play(this.#entry(id))
    return id
  }

  control(jobId: string, { action, ...options }: ControlRequest, asked: Asked): ControlResult {
    const { job } = this.#entry(jobId, asked.owner)
    const text = requestText(action, options)
    const earlier = this.#intents.earlier(jobId, asked.idempotencyKey, text)
    if (earlier) {
      const known = job.commands.find(({ id }) => id === earlier.commandId) ?? null
      return this.#result({ outcome: known ? 'accepted' : 'no_op', command: known, jobId: earlier.jobId })
    }
    if (action !== 'cancel') refuseIfChanged(job, asked)
    const change = this.#change(job)
    const { decision, created } = this.#decide(change, action, options, asked)
    this.#finish(change)
    if (created) this.#finish(created)
    const { command, jobId: answered } = decision
    const remembered = { request: text, jobId: answered, commandId: command?.id ?? null }
    this.#intents.remember(jobId, asked.idempotencyKey, remembered)
    this.#act(jobId)
    if (created) this.#play(this.#entry(created.job.id))
    return this.#result(decision)
  }

  job(jobId: string, owner: string | null = null): WireJob {
    return wireJobOf(this.record(jobId, owner), this.generation)
  }

  /** Throws a Refusal: for an owner, other people's jobs do not exist. */
  record(jobId: string, owner: string | null = null): JobRecord {
    return this.#entry(jobId, owner).job
  }

  /** Newest first. */
  records(owner: string | null): JobRecord[] {
    const all = [...this.#entries.values()].map(({ job }) => job).reverse()
    return all.filter((job) => owner === null || job.owner === owner)
  }

  run(jobId: string): MockRun {
    return this.#entry(jobId).run
  }

  /** Changes how a run goes from now on; one that was played by hand goes on by itself. */
  changePlan(jobId: string, changes: Partial<RunPlan>): void {
    const entry = this.#entry(jobId)
    const isNew = entry.plan === null
    entry.plan = { ...(entry.plan ?? defaultPlan), ...changes }
    if (isNew) this.#play(entry)
  }

  /** It was never there, for whoever asks from now on. */
  remove(jobId: string): void {
    const entry = this.#entry(jobId)
    this.#halt(entry)
    this.#entries.delete(jobId)
    this.#ring(jobId)
  }

  /** Events up to that seq are kept no longer; default: all. */
  forgetEvents(jobId: string, upTo = Number.POSITIVE_INFINITY): void {
    const { job } = this.#entry(jobId)
    job.events = job.events.filter(({ seq }) => seq > upTo)
  }

  /** Calls back after each news of a job, until the returned function is called. */
  listen(jobId: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(jobId) ?? new Set()
    this.#listeners.set(jobId, listeners.add(listener))
    return () => listeners.delete(listener)
  }

  /** No more timers. */
  close(): void {
    for (const entry of this.#entries.values()) this.#halt(entry)
  }

  #decide(
    change: Change,
    action: CommandAction,
    options: object,
    asked: Asked,
  ): { decision: Decision; created: Change | null } {
    const newId = () => `cmd_${++this.#commandNumber}`
    if (action === 'resume')
      return resume(change, options, asked, {
        find: (jobId) => this.#entries.get(jobId)?.job,
        goOn: (old, source) => this.#goOn(old, source),
        newCommandId: newId,
        minimumGrace: this.#minimumGrace,
      })
    const wish = action === 'cancel' ? cancel : pause
    return { decision: wish(change, options, asked, newId(), this.#minimumGrace), created: null }
  }

  #goOn(old: JobRecord, source: Checkpoint): Change {
    const { owner, name, template, params, saveSeconds, bestMetric } = old
    const resumedFrom = { job_id: source.job_id, checkpoint_id: source.id }
    const { plan } = this.#entry(old.id)
    const id = this.#newId()
    const given = {
      id,
      owner,
      name,
      template,
      params,
      saveSeconds,
      bestMetric,
      resumedFrom,
      resume: source.id,
    }
    return this.#newJob(given, plan)
  }

  #newJob(given: Omit<NewJob, 'number' | 'createdAt'>, plan: RunPlan | null): Change {
    const job = newJobRecord({ ...given, number: ++this.#number, createdAt: this.#now() })
    const run = new MockRun({
      job,
      change: (apply) => {
        const change = this.#change(job)
        apply(change)
        this.#finish(change)
        this.#act(job.id)
      },
      printed: () => this.#ring(job.id),
    })
    this.#entries.set(job.id, { job, run, plan, player: null, cancelExpiry: () => {} })
    const change = this.#change(job)
    change.created()
    return change
  }

  #newId(): string {
    let number = this.#number + 1
    while (this.#entries.has(`job_${number}`)) number++
    return `job_${number}`
  }

  #change(job: JobRecord): Change {
    return new Change(job, this.#now(), this.generation)
  }

  #finish(change: Change): void {
    const before = change.job.seq
    change.finish()
    if (change.job.seq !== before) this.#ring(change.job.id)
  }

  /** What follows from a change: the process hears of it, a deadline is watched. */
  #act(jobId: string): void {
    const entry = this.#entries.get(jobId)
    if (!entry) return
    const { job, run } = entry
    if (job.status === 'pending' && !job.current.claimed && job.attempt > 1) this.#playNewAttempt(entry)
    entry.player?.asked()
    entry.cancelExpiry()
    const { command } = job
    if (command && command.action !== 'cancel' && command.deadline !== null) {
      const left = Date.parse(command.deadline) - this.clock.now() + expirySeconds * 1000
      entry.cancelExpiry = this.clock.setTimer(() => {
        if (job.command?.id === command.id) run.expire()
      }, left)
    }
  }

  #playNewAttempt(entry: Entry): void {
    if (entry.player?.attempt !== entry.job.attempt) this.#play(entry)
  }

  #play(entry: Entry): void {
    entry.player?.stop()
    entry.player = null
    if (!entry.plan) return
    entry.player = new Player(this.clock, entry.job, entry.run, () => entry.plan ?? defaultPlan)
    entry.player.begin()
  }

  #halt(entry: Entry): void {
    entry.player?.stop()
    entry.cancelExpiry()
  }

  #result({ outcome, command, jobId }: Decision): ControlResult {
    return { outcome, command: structuredClone(command), job: this.job(jobId) }
  }

  #entry(jobId: string, owner: string | null = null): Entry {
    const entry = this.#entries.get(jobId)
    if (!entry || (owner !== null && entry.job.owner !== owner)) throw noSuchJob()
    return entry
  }

  #ring(jobId: string): void {
    for (const listener of [...(this.#listeners.get(jobId) ?? [])]) listener()
  }

  #now(): string {
    return new Date(this.clock.now()).toISOString()
  }
}

function refuseIfChanged(job: JobRecord, { statusVersions }: Asked): void {
  if (statusVersions === null || statusVersions.includes(job.statusVersion)) return
  const sentence = `The job has changed since it was read: it is ${job.status} now. Look at it again, then decide.`
  throw new Refusal('precondition_failed', sentence, { field: 'If-Match', jobStatus: job.status })
}
