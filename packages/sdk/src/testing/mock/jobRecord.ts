import type {
  Checkpoint,
  Command,
  JobEnd,
  KnownJobStatus,
  MetricColumns,
  Progress,
  WireEvent,
  WireJob,
} from '../../protocol'
import { type JobState, onTheWire, standsStill } from './states'

/** What the server knows of the attempt under way. */
export interface AttemptRecord {
  /** A process was started for it, or is about to be. */
  claimed: boolean
  startedAt: string | null
  endedAt: string | null
  /** Id of the checkpoint that it goes on from. */
  resume: string | null
  /** It has obeyed, or got a signal: its exit code 0 is then no end by itself. */
  madeToLeave: boolean
  leftToPause: boolean
}

/** What the server knows of a job. */
export interface JobRecord {
  readonly number: number
  readonly id: string
  readonly owner: string | null
  readonly name: string
  readonly template: string | null
  readonly params: WireJob['params']
  readonly createdAt: string
  status: KnownJobStatus
  health: WireJob['health']
  /** Id of the pause that holds it. */
  heldBy: string | null
  attempt: number
  current: AttemptRecord
  updatedAt: string
  startedAt: string | null
  endedAt: string | null
  progress: Progress
  latestMetrics: WireJob['latest_metrics']
  end: JobEnd | null
  readonly resumedFrom: WireJob['resumed_from']
  resumedAs: string | null
  statusVersion: number
  seq: number
  /** The longest save measured. */
  saveSeconds: number | null
  schedule: { saveEvery: number | null; epochs: boolean }
  bestMetric: { metric: string; mode: 'min' | 'max' } | null
  /** The one under way. */
  command: Command | null
  lastCommand: Command | null
  /** Oldest first. */
  readonly commands: Command[]
  /** Command id → the job that it started. */
  readonly startedBy: Map<string, string>
  readonly checkpoints: Checkpoint[]
  readonly batches: MetricColumns[]
  /** Attempt → the bytes of its output. */
  readonly logs: Map<number, Uint8Array>
  /** Those that are kept, with contiguous seqs up to `seq`. */
  events: WireEvent[]
}

export const noProgress: Progress = {
  epoch: null,
  epoch_total: null,
  step: null,
  step_total: null,
  started_at: null,
  steps_per_second: null,
  eta_seconds: null,
}

export type NewJob = Pick<
  JobRecord,
  'number' | 'id' | 'owner' | 'name' | 'template' | 'params' | 'createdAt' | 'resumedFrom'
> &
  Partial<Pick<JobRecord, 'saveSeconds' | 'bestMetric'>> & { resume?: string | null }

export function newJobRecord({ resume = null, ...given }: NewJob): JobRecord {
  return {
    saveSeconds: null,
    bestMetric: null,
    ...given,
    status: 'pending',
    health: 'ok',
    heldBy: null,
    attempt: 1,
    current: newAttempt(resume),
    updatedAt: given.createdAt,
    startedAt: null,
    endedAt: null,
    progress: noProgress,
    latestMetrics: {},
    end: null,
    resumedAs: null,
    statusVersion: 0,
    seq: 0,
    schedule: { saveEvery: null, epochs: false },
    command: null,
    lastCommand: null,
    commands: [],
    startedBy: new Map(),
    checkpoints: [],
    batches: [],
    logs: new Map(),
    events: [],
  }
}

export function newAttempt(resume: string | null): AttemptRecord {
  return { claimed: false, startedAt: null, endedAt: null, resume, madeToLeave: false, leftToPause: false }
}

/** The state behind a status. */
export function stateOf({ status, current, command, heldBy }: JobRecord): JobState {
  if (status === 'pending' && current.claimed) return 'starting'
  if (status === 'pausing' && command?.hold) return 'holding'
  if (status === 'paused' && heldBy !== null) return command?.action === 'resume' ? 'lifting' : 'held'
  return status
}

/** Puts a job into a state. True where that shows. */
export function enterState(job: JobRecord, state: JobState): boolean {
  const before = [job.status, job.heldBy]
  job.status = onTheWire[state]
  if (!standsStill(state)) job.heldBy = null
  return before[0] !== job.status || before[1] !== job.heldBy
}

/** The newest by step of those that verified and are still there. */
export function lastCheckpoint({ checkpoints }: JobRecord): Checkpoint | null {
  const newestFirst = goodOnes(checkpoints)
  return newestFirst[0] ?? null
}

export function bestCheckpoint({ checkpoints, bestMetric }: JobRecord): Checkpoint | null {
  if (!bestMetric) return null
  const { metric, mode } = bestMetric
  const value = (checkpoint: Checkpoint) => checkpoint.metrics[metric]
  const measured = goodOnes(checkpoints).filter((checkpoint) => typeof value(checkpoint) === 'number')
  return measured.reduce<Checkpoint | null>((best, each) => {
    if (best === null) return each
    const isBetter = Number(value(each)) < Number(value(best)) === (mode === 'min')
    return value(each) !== value(best) && isBetter ? each : best
  }, null)
}

function goodOnes(checkpoints: readonly Checkpoint[]): Checkpoint[] {
  return checkpoints
    .filter(({ verified, removed_at }) => verified && removed_at === null)
    .sort((a, b) => (b.step ?? 0) - (a.step ?? 0) || Date.parse(b.saved_at) - Date.parse(a.saved_at))
}
