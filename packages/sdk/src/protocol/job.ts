import type { Job, WireJob } from './compiled/types'

/** Every status of a job that this version of the protocol knows. */
export const jobStatuses = [
  'pending',
  'running',
  'pausing',
  'paused',
  'stopping',
  'cancelled',
  'completed',
  'failed',
] as const
/** One of `jobStatuses`. */
export type KnownJobStatus = (typeof jobStatuses)[number]
/** `unknown`: a newer server said something else; `raw_status` has it. */
export type JobStatus = KnownJobStatus | 'unknown'

/** The statuses that are final. */
export const terminalStatuses = [
  'cancelled',
  'completed',
  'failed',
] as const satisfies readonly KnownJobStatus[]

/** Final, decided once. An unknown status is never taken for final. */
export function isTerminal(status: JobStatus): status is (typeof terminalStatuses)[number] {
  return (terminalStatuses as readonly string[]).includes(status)
}

/** Whether the run takes steps (`unresponsive`: not for too long) and whether its small process is with it. */
export const healths = ['ok', 'unresponsive', 'unsupervised'] as const

/** How a job can end. `interrupted`: nobody was there to see it. */
export const endCauses = [
  'completed',
  'cancelled',
  'crashed',
  'killed',
  'start_failed',
  'interrupted',
] as const

/**
 * `grace_too_short`: the stop under way gives less time than the longest save measured. `launcher_grace_too_short`: what
 * starts the run (torchrun, Slurm) kills it sooner after a SIGTERM of its own than that. `waiting_for_place`: it is
 * `pending` because as many run as may. `waiting_for_disk`: it is `pending` because too little of the disk is free.
 */
export const warningCodes = [
  'grace_too_short',
  'launcher_grace_too_short',
  'waiting_for_place',
  'waiting_for_disk',
] as const

/** A job as a client works with it: its status is one that can be switched over, and the word that came is beside it. */
export function workingJob(wire: WireJob): Job {
  const known = (jobStatuses as readonly string[]).includes(wire.status)
  return { ...wire, status: known ? (wire.status as KnownJobStatus) : 'unknown', raw_status: wire.status }
}
