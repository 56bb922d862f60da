import type { Checkpoint, Command, Job, TrainingEvent } from '../protocol'
import { comparePositions, type Position, positionOf } from './jobOrder'

/**
 * What a job is known from, part by part. A `command`, `checkpoint` or `metrics` event tells of its own part and nothing
 * else, so each part has a position of its own: a newer metric never makes an older status the newer one.
 */
export interface KnownUpTo {
  /** Everything, as a snapshot tells it. */
  readonly job: Position
  readonly command: Position
  readonly checkpoint: Position
  readonly metrics: Position
}
type Part = Exclude<keyof KnownUpTo, 'job'>

const fieldsOf = {
  command: ['command', 'last_command'],
  checkpoint: ['last_checkpoint'],
  metrics: ['progress', 'latest_metrics'],
} as const satisfies Record<Part, readonly (keyof Job)[]>
const parts = Object.keys(fieldsOf) as Part[]

/** Of jobs that were put together of parts. A job that is not here is a snapshot: all of it is as old as it says. */
const puzzles = new WeakMap<Job, KnownUpTo>()

/** Plain data, to send along where a job goes to another tab. */
export function knownUpTo(job: Job): KnownUpTo {
  const whole = positionOf(job)
  return puzzles.get(job) ?? { job: whole, command: whole, checkpoint: whole, metrics: whole }
}

/** What came with it, put together again. */
export function withKnownUpTo(job: Job, known: KnownUpTo): Job {
  return remember({ ...job }, known)
}

/**
 * The job after an event. Pure, and never a step back: no part of the job that an event tells of becomes older than it
 * was, however late or out of order events come. Where some are lost, the next snapshot mends all. `null`: nothing is
 * known yet, and only a snapshot can change that.
 */
export function reduceJob(job: Job | null, event: TrainingEvent): Job | null {
  switch (event.type) {
    case 'job':
      return newerJob(job, { ...event.data, ...positionOf(event) })
    case 'command':
      return job && withPart(job, event, 'command', withCommand(job, event.data))
    case 'checkpoint': {
      const told = withCheckpoint(job, event.data)
      return job && told ? withPart(job, event, 'checkpoint', told) : job
    }
    case 'metrics': {
      const { progress, latest_metrics } = event.data
      return job && withPart(job, event, 'metrics', { progress, latest_metrics })
    }
    // More log, an end, a bookmark and a job that is gone are no news about the job's own fields. After a reset a
    // snapshot follows; until it is there, what was shown stays.
    case 'log':
    case 'reset':
    case 'end':
    case 'bookmark':
    case 'gone':
      return job
  }
}

/**
 * What is known of a job from two accounts of it: the newer of both, part by part where one of them was put together
 * from events. The second where they are of the same age. One of them itself, where it has all that is newest.
 */
export function newerJob(held: Job | null, incoming: Job): Job {
  if (held === null) return incoming
  if (held.id !== incoming.id) return held
  if (held === incoming) return held
  const before = knownUpTo(held)
  const news = knownUpTo(incoming)
  const takesSnapshot = comparePositions(news.job, before.job) >= 0
  const takes = (part: Part) => comparePositions(news[part], before[part]) >= 0
  const taken = parts.filter(takes)
  if (takesSnapshot && taken.length === parts.length) return incoming
  // What is held has all that is newest, of the parts that are of the same age too.
  if (!takesSnapshot && taken.every((part) => comparePositions(news[part], before[part]) === 0)) return held
  const [base, other] = takesSnapshot ? [incoming, held] : [held, incoming]
  const merged = { ...base }
  const known = { ...(takesSnapshot ? news : before) }
  for (const part of parts) {
    if (takes(part) === takesSnapshot) continue
    known[part] = (takesSnapshot ? before : news)[part]
    for (const field of fieldsOf[part]) Object.assign(merged, { [field]: other[field] })
  }
  const newest = comparePositions(held, incoming) > 0 ? held : incoming
  return remember({ ...merged, ...positionOf(newest), updated_at: newest.updated_at }, known)
}

function withPart(job: Job, event: TrainingEvent, part: Part, fields: Partial<Job>): Job {
  const known = knownUpTo(job)
  // Of another generation: the store was restored, and only a snapshot tells what the rest is by now.
  if (event.job_id !== job.id || event.generation !== known.job.generation) return job
  if (comparePositions(event, known[part]) <= 0) return job
  const position = positionOf(event)
  const newest = comparePositions(event, job) > 0 ? { ...position, updated_at: event.at } : null
  return remember({ ...job, ...fields, ...newest }, { ...known, [part]: position })
}

function remember(job: Job, known: KnownUpTo): Job {
  puzzles.set(job, known)
  return job
}

function withCommand(job: Job, command: Command): Pick<Job, 'command' | 'last_command'> {
  if (command.status === 'active') return { command, last_command: job.last_command }
  const stillActive = job.command?.id === command.id ? null : job.command
  return { command: stillActive, last_command: command }
}

/** Null where it tells nothing of which checkpoint is the last one: it did not verify, is an earlier one, or is gone. */
function withCheckpoint(job: Job | null, checkpoint: Checkpoint): Pick<Job, 'last_checkpoint'> | null {
  const heldStep = job?.last_checkpoint?.step ?? 0
  const isLast = checkpoint.verified && checkpoint.removed_at === null && (checkpoint.step ?? 0) >= heldStep
  return isLast ? { last_checkpoint: checkpoint } : null
}
