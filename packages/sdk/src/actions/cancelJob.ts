import { type ControlJobParameters, type ControlJobResult, controlJob } from '../client/controlJob'
import type { TrainingClient } from '../client/createTrainingClient'
import type { TrainingError } from '../errors/trainingError'
import type { StopMode } from '../protocol'

export interface CancelJobParameters extends ControlJobParameters {
  /** Default `graceful`: finish the step, save a checkpoint, exit. `force` kills now and saves nothing. */
  mode?: StopMode | undefined
  /** `checkpoint` and `epoch`: seconds that the run may go on to that place; then it is stopped gracefully. Default: 3600. */
  waitSeconds?: number | undefined
  /** Seconds until everything left is killed. Default: the server's, max(60, 3 × the measured save time). */
  graceSeconds?: number | undefined
}
/**
 * `accepted`: the stop is durable and ends by `command.deadline`. `no_op`: the job was final already; `job` tells how.
 * `command` and `job` are null where a minimal server does not tell.
 */
export type CancelJobResult = ControlJobResult
/** Why a stop failed: its `code` says whether it may still have been carried out. */
export type CancelJobError = TrainingError

/** Stops a run. Resolves when the server has committed to it, not when it is over: watch the job for that. */
export function cancelJob(client: TrainingClient, parameters: CancelJobParameters): Promise<CancelJobResult> {
  const { mode, reason, note, graceSeconds, waitSeconds } = parameters
  return controlJob(client, parameters, {
    action: 'cancel',
    ...(mode !== undefined && { mode }),
    ...(reason !== undefined && { reason }),
    ...(note !== undefined && { note }),
    ...(waitSeconds !== undefined && { wait_seconds: waitSeconds }),
    ...(graceSeconds !== undefined && { grace_seconds: graceSeconds }),
  })
}
