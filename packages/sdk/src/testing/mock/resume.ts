import type { Checkpoint } from '../../protocol'
import { isTerminal } from '../../protocol/job'
import { type Asked, type Decision, newCommand, type ResumeOptions } from './asked'
import { mayResumeWithoutCheckpoint } from './capabilities'
import type { Change } from './change'
import { graceSeconds, later } from './deadlines'
import { bestCheckpoint, type JobRecord, lastCheckpoint, newAttempt } from './jobRecord'
import { skipTheRest } from './receipts'
import { Refusal } from './refusal'

/** What resuming needs of the other jobs. */
export interface ResumeWorld {
  find(jobId: string): JobRecord | undefined
  /** A new job that goes on from `source`, not told to anybody yet. */
  goOn(old: JobRecord, source: Checkpoint): Change
  newCommandId(): string
  minimumGrace: number
}

/**
 * The decision, and the change of the new job where there is one. Throws a Refusal where the job's status does not allow
 * it, or where no verified checkpoint is there to go on from.
 */
export function resume(
  change: Change,
  options: ResumeOptions,
  asked: Asked,
  world: ResumeWorld,
): { decision: Decision; created: Change | null } {
  const { job, at } = change
  const outcome = change.outcome('resume')
  if (outcome === 'conflict') throw conflict(job)
  if (outcome === 'lifting' || outcome === 'join')
    return { decision: lift(change, options, asked, world), created: null }
  const source = chooseSource(job, options.from ?? 'last', world)
  const about = { reason: options.reason ?? null, note: options.note ?? null }
  if (outcome === 'new_job') {
    if (!source) throw new Error(`job ${job.id} is final and has no checkpoint, yet was resumed`)
    return asNewJob(change, options, asked, source, world)
  }
  job.attempt++
  job.current = newAttempt(source?.id ?? job.current.resume)
  const from = source?.id ?? null
  const command = newCommand(job, asked, { id: world.newCommandId(), action: 'resume', at, from, ...about })
  change.begin(command)
  change.enter('pending')
  return { decision: { outcome: 'accepted', command, jobId: job.id }, created: null }
}

/** The run is told; it is running once it has said so. */
function lift(change: Change, options: ResumeOptions, asked: Asked, world: ResumeWorld): Decision {
  const { job, at } = change
  if (options.from && options.from !== 'last') {
    const sentence = 'The run is held with everything in its memory and goes on from there.'
    throw new Refusal('conflict', sentence, { field: 'from', jobStatus: job.status })
  }
  if (job.command) return { outcome: 'accepted', command: job.command, jobId: job.id }
  const { reason = null, note = null } = options
  const deadline = later(at, graceSeconds(job.saveSeconds, null, world.minimumGrace))
  const id = world.newCommandId()
  const command = newCommand(job, asked, { id, action: 'resume', at, deadline, reason, note })
  change.begin(command)
  return { outcome: 'accepted', command, jobId: job.id }
}

function asNewJob(
  change: Change,
  options: ResumeOptions,
  asked: Asked,
  source: Checkpoint,
  world: ResumeWorld,
): { decision: Decision; created: Change | null } {
  const { job, at } = change
  const goingOn = job.resumedAs === null ? undefined : world.find(job.resumedAs)
  if (goingOn && !isTerminal(goingOn.status)) {
    const earlier = job.commands.find(({ id }) => job.startedBy.get(id) === goingOn.id)
    const isTheSame = !options.from || options.from === 'last' || earlier?.from === source.id
    if (earlier && isTheSame)
      return { decision: { outcome: 'accepted', command: earlier, jobId: goingOn.id }, created: null }
    const sentence = `The job ${goingOn.id} already goes on from another checkpoint; stop it first.`
    throw new Refusal('conflict', sentence, { field: 'from', jobStatus: job.status })
  }
  const created = world.goOn(job, source)
  const { reason = null, note = null } = options
  const id = world.newCommandId()
  const command = newCommand(job, asked, { id, action: 'resume', at, from: source.id, reason, note })
  job.startedBy.set(command.id, created.job.id)
  job.resumedAs = created.job.id
  change.begin(command)
  const message = `${created.job.id} goes on from ${source.id}.`
  skipTheRest(command, at, message)
  change.end('succeeded', message)
  return { decision: { outcome: 'accepted', command, jobId: created.job.id }, created }
}

/** Null only for a job that never ran and has no checkpoint to start from: it starts anew. */
function chooseSource(job: JobRecord, wanted: string, world: ResumeWorld): Checkpoint | null {
  const refused = (sentence: string) =>
    new Refusal('no_checkpoint', sentence, { field: 'from', jobStatus: job.status })
  if (wanted === 'best') {
    const best = bestCheckpoint(job)
    if (best) return best
    throw refused('Which checkpoint of this run is the best is not known; resume from last or from an id.')
  }
  if (wanted !== 'last') {
    const named = goodOne(job, wanted) ?? inherited(job, wanted, world)
    if (named) return named
    throw refused(`The run has no verified checkpoint ${wanted}; its list of checkpoints tells which it has.`)
  }
  const last = lastCheckpoint(job) ?? inherited(job, null, world)
  if (last || mayResumeWithoutCheckpoint(job)) return last
  throw refused('The run has no verified checkpoint to go on from; start a new run instead.')
}

/** What the job itself was resumed from: as good as its own while it has saved nothing better. */
function inherited(job: JobRecord, wanted: string | null, world: ResumeWorld): Checkpoint | null {
  const origin = job.resumedFrom
  if (!origin || (wanted !== null && origin.checkpoint_id !== wanted)) return null
  const old = world.find(origin.job_id)
  return old ? goodOne(old, origin.checkpoint_id) : null
}

function goodOne({ checkpoints }: JobRecord, id: string): Checkpoint | null {
  return checkpoints.find((each) => each.id === id && each.verified && each.removed_at === null) ?? null
}

function conflict(job: JobRecord): Refusal {
  const sentences: Partial<Record<JobRecord['status'], string>> = {
    completed: 'The run has completed; there is nothing left to go on with. Start a new run instead.',
    stopping: 'The run is being stopped; resume it when it has stopped.',
    pausing: 'The run is still being paused; resume it when it is paused.',
  }
  const sentence =
    sentences[job.status] ??
    `The run is ${job.status}; only one that was paused or stopped, or that failed, can be resumed.`
  return new Refusal('conflict', sentence, { jobStatus: job.status })
}
