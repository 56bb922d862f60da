import type { Command, ControlRequest, Job, Outcome, StopReason } from '../protocol'
import type { TrainingClient } from './createTrainingClient'
import type { Result } from './result'

/** What cancel, pause and resume have in common. */
export interface ControlJobParameters {
  jobId: string
  /** Why, for the job's history. */
  reason?: StopReason | undefined
  /** Why, in a person's own words; up to 2,000 characters. */
  note?: string | undefined
  /** Names this intent: a repeated call with the same key joins its command. Default: a new one for each call. */
  idempotencyKey?: string | undefined
  signal?: AbortSignal | undefined
}

export type ControlJobResult = Result<{ outcome: Outcome; command: Command | null; job: Job | null }>

export declare function controlJob(
  client: TrainingClient,
  parameters: ControlJobParameters,
  body: ControlRequest,
): Promise<ControlJobResult>
