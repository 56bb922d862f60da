import type { KnownJobStatus } from '../../protocol'

/**
 * A job's status, finer than it travels: `starting` (a process is being started) is `pending`; `holding` (it is to stand
 * still) is `pausing`; `held` (it stands still) and `lifting` (it is to go on) are `paused`.
 */
export const jobStates = [
  'pending',
  'starting',
  'running',
  'pausing',
  'holding',
  'paused',
  'held',
  'lifting',
  'stopping',
  'cancelled',
  'completed',
  'failed',
] as const
/** A state of a job inside the server. Finer than its status on the wire. */
export type JobState = (typeof jobStates)[number]

export const onTheWire: Record<JobState, KnownJobStatus> = {
  pending: 'pending',
  starting: 'pending',
  running: 'running',
  pausing: 'pausing',
  holding: 'pausing',
  paused: 'paused',
  held: 'paused',
  lifting: 'paused',
  stopping: 'stopping',
  cancelled: 'cancelled',
  completed: 'completed',
  failed: 'failed',
}

export function isFinal(state: JobState): state is 'cancelled' | 'completed' | 'failed' {
  return state === 'cancelled' || state === 'completed' || state === 'failed'
}

/** Its process stands still. */
export function standsStill(state: JobState): boolean {
  return state === 'held' || state === 'lifting'
}

/** What somebody asks. */
export type Wish = 'cancel' | 'pause' | 'hold' | 'resume'
/** How an attempt ends; its processes are gone by then. */
export type Ending =
  /** Exit code 0, and nobody made it leave. */
  | 'finished'
  /** Exit code 0, after it acknowledged a command or got a signal. */
  | 'obeyed'
  /** Exit code 0, after its last word was that it leaves for a pause. */
  | 'left_to_pause'
  /** Another exit code, or a signal. */
  | 'broke'
  /** Nobody saw how it ended. */
  | 'lost'
  /** No process could be started. */
  | 'not_started'
/** What happens on the way. */
export type Happening =
  | 'claimed'
  | 'started'
  | 'parked'
  | 'lifted'
  /** The deadline of a pause, or of the resume of a held run, has passed. */
  | 'expired'
  /** The same, before the process ran. */
  | 'expired_unstarted'
export type Trigger = Wish | Happening | Ending

/** What a trigger comes to where it changes no state. */
export type TableAnswer = 'ignore' | 'join' | 'no_op' | 'conflict' | 'new_job'
export type TableOutcome = JobState | TableAnswer

type Row = Record<Trigger, TableOutcome>

const nothingNew: Record<Happening | Ending, TableOutcome> = {
  claimed: 'ignore',
  started: 'ignore',
  parked: 'ignore',
  lifted: 'ignore',
  expired: 'ignore',
  expired_unstarted: 'ignore',
  finished: 'ignore',
  obeyed: 'ignore',
  left_to_pause: 'ignore',
  broke: 'ignore',
  lost: 'ignore',
  not_started: 'ignore',
}
const endsByItself: Record<Ending, TableOutcome> = {
  finished: 'completed',
  obeyed: 'completed',
  // The pause may have expired meanwhile: the run had left for it all the same, and saved.
  left_to_pause: 'paused',
  broke: 'failed',
  lost: 'failed',
  not_started: 'failed',
}
const goesOn = { ...nothingNew, ...endsByItself }
const over = {
  ...nothingNew,
  cancel: 'no_op',
  pause: 'conflict',
  hold: 'conflict',
  resume: 'conflict',
} as const

/** The state machine of a job: what each state makes of each trigger. The training server's own table, cell by cell. */
export const transitions: Record<JobState, Row> = {
  pending: {
    ...goesOn,
    cancel: 'cancelled',
    pause: 'paused',
    hold: 'paused',
    resume: 'conflict',
    claimed: 'starting',
    started: 'running',
  },
  starting: {
    ...goesOn,
    cancel: 'stopping',
    pause: 'pausing',
    hold: 'holding',
    resume: 'conflict',
    claimed: 'starting',
    started: 'running',
  },
  running: { ...goesOn, cancel: 'stopping', pause: 'pausing', hold: 'holding', resume: 'conflict' },
  pausing: {
    ...goesOn,
    cancel: 'stopping',
    pause: 'join',
    hold: 'join',
    resume: 'conflict',
    expired: 'running',
    expired_unstarted: 'starting',
  },
  holding: {
    ...goesOn,
    cancel: 'stopping',
    pause: 'pausing',
    hold: 'join',
    resume: 'conflict',
    parked: 'held',
    expired: 'running',
    expired_unstarted: 'starting',
  },
  paused: { ...nothingNew, cancel: 'cancelled', pause: 'no_op', hold: 'no_op', resume: 'pending' },
  held: { ...goesOn, cancel: 'stopping', pause: 'pausing', hold: 'no_op', resume: 'lifting' },
  lifting: {
    ...goesOn,
    cancel: 'stopping',
    pause: 'pausing',
    hold: 'holding',
    resume: 'join',
    lifted: 'running',
    expired: 'held',
  },
  stopping: {
    ...nothingNew,
    cancel: 'join',
    pause: 'conflict',
    hold: 'conflict',
    resume: 'conflict',
    finished: 'completed',
    obeyed: 'cancelled',
    left_to_pause: 'cancelled',
    broke: 'cancelled',
    lost: 'cancelled',
    not_started: 'cancelled',
  },
  cancelled: { ...over, resume: 'new_job' },
  completed: over,
  failed: { ...over, resume: 'new_job' },
}

/** Whether the outcome is a state to go to. */
export function isState(outcome: TableOutcome): outcome is JobState {
  return (jobStates as readonly string[]).includes(outcome)
}
