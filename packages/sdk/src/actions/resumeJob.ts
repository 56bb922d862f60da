import { type ControlJobParameters, type ControlJobResult, controlJob } from '../client/controlJob'
import type { TrainingClient } from '../client/createTrainingClient'
import type { TrainingError } from '../errors/trainingError'

export interface ResumeJobParameters extends ControlJobParameters {
  /** `last` (default), `best`, or a checkpoint's id. */
  from?: 'last' | 'best' | (string & {}) | undefined
  /** Only if the job's `status_version` is still this; else the error is `precondition_failed`. Default: whatever it is. */
  statusVersion?: number | undefined
}
/**
 * A paused job goes on as itself, with `attempt` one higher. A cancelled or failed one stays as it is: then `job` is
 * the new job that goes on from it, with its own id.
 */
export type ResumeJobResult = ControlJobResult
/** Why a resume failed: its `code` says whether it may still have been carried out. */
export type ResumeJobError = TrainingError

/** Goes on from a verified checkpoint. */
export function resumeJob(client: TrainingClient, parameters: ResumeJobParameters): Promise<ResumeJobResult> {
  const { from, reason, note, statusVersion } = parameters
  const body = {
    action: 'resume',
    ...(from !== undefined && { from }),
    ...(reason !== undefined && { reason }),
    ...(note !== undefined && { note }),
  } as const
  return controlJob(client, parameters, body, statusVersion)
}
