import { type ControlJobParameters, type ControlJobResult, controlJob } from '../client/controlJob'
import type { TrainingClient } from '../client/createTrainingClient'
import type { TrainingError } from '../errors/trainingError'

export interface PauseJobParameters extends ControlJobParameters {
  /** Park at a step and keep the GPU. Default false: save a checkpoint, exit and free the GPU. */
  hold?: boolean | undefined
  /** Seconds until the pause is given up and the run goes on: a pause never kills. Default: the server's. */
  graceSeconds?: number | undefined
  /** Only if the job's `status_version` is still this; else the error is `precondition_failed`. Default: whatever it is. */
  statusVersion?: number | undefined
}
/** `command` and `job` are null where a minimal server does not tell. */
export type PauseJobResult = ControlJobResult
/** Why a pause failed: its `code` says whether it may still have been carried out. */
export type PauseJobError = TrainingError

/** Pauses a run. Resolves when the server has committed to it: watch the job for `paused`. */
export function pauseJob(client: TrainingClient, parameters: PauseJobParameters): Promise<PauseJobResult> {
  const { hold, reason, note, graceSeconds, statusVersion } = parameters
  const body = {
    action: 'pause',
    ...(hold !== undefined && { hold }),
    ...(reason !== undefined && { reason }),
    ...(note !== undefined && { note }),
    ...(graceSeconds !== undefined && { grace_seconds: graceSeconds }),
  } as const
  return controlJob(client, parameters, body, statusVersion)
}
