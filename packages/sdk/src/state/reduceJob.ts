import type { Checkpoint, Command, Job, TrainingEvent } from '../protocol'
import { comparePositions } from './jobOrder'

/**
 * The job after an event. Pure, and never a step back: an event older than the job changes nothing, however late it
 * comes. A snapshot of the same age replaces the job, since the server says all that it knows. `null`: nothing is known
 * yet, and only a snapshot can change that.
 */
export function reduceJob(job: Job | null, event: TrainingEvent): Job | null {
  if (event.type === 'job') return newerJob(job, { ...event.data, ...positionOf(event) })
  if (job === null || event.job_id !== job.id || comparePositions(event, job) <= 0) return job
  switch (event.type) {
    case 'command':
      return { ...job, ...positionOf(event), updated_at: event.at, ...withCommand(job, event.data) }
    case 'checkpoint':
      return { ...job, ...positionOf(event), updated_at: event.at, ...withCheckpoint(job, event.data) }
    case 'metrics': {
      const { progress, latest_metrics } = event.data
      return { ...job, ...positionOf(event), updated_at: event.at, progress, latest_metrics }
    }
    // More log, an end, a bookmark and a job that is gone are no news about the job's own fields. After a reset a snapshot follows; until it is
    // there, what was shown stays.
    case 'log':
    case 'reset':
    case 'end':
    case 'bookmark':
    case 'gone':
      return job
  }
}

/** Of two snapshots of one job the newer; the second where they are of the same age. */
export function newerJob(held: Job | null, incoming: Job): Job {
  if (held === null) return incoming
  if (held.id !== incoming.id) return held
  return comparePositions(incoming, held) >= 0 ? incoming : held
}

function positionOf({ generation, seq }: TrainingEvent) {
  return { generation, seq }
}

function withCommand(job: Job, command: Command): Pick<Job, 'command' | 'last_command'> {
  if (command.status === 'active') return { command, last_command: job.last_command }
  const stillActive = job.command?.id === command.id ? null : job.command
  return { command: stillActive, last_command: command }
}

function withCheckpoint(job: Job, checkpoint: Checkpoint): Pick<Job, 'last_checkpoint'> {
  const held = job.last_checkpoint
  const newest = held === null || (checkpoint.step ?? 0) >= (held.step ?? 0)
  return { last_checkpoint: checkpoint.verified && newest ? checkpoint : held }
}
