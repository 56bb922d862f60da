import type { TrainingClient } from '../client/createTrainingClient'
import { type Result, resultOf } from '../client/result'
import { sendStart } from '../client/sendStart'
import type { TrainingError } from '../errors/trainingError'
import type { Job } from '../protocol'

/** What is started, and with what. */
export interface StartJobParameters {
  /** Id of a template that the operator allows: see `getCapabilities`. */
  template: string
  /** Shown to people, up to 200 characters. Default: the server's choice. */
  name?: string | undefined
  /** The template's parameters. Those left out have its defaults. */
  params?: Record<string, string | number | boolean> | undefined
  /** Names this intent: the same key never starts two jobs. Default: a new one for each call. */
  idempotencyKey?: string | undefined
  /** Seconds after which what is known by then is told, retries included. Default 30. */
  timeoutSeconds?: number | undefined
  signal?: AbortSignal | undefined
}
/** The job that was started. */
export type StartJobResult = Result<{ job: Job }>
/** Why no job was started: its `code` says whether one may have been all the same. */
export type StartJobError = TrainingError

/** Starts a job from a template. */
export function startJob(
  client: TrainingClient,
  { template, name, params, idempotencyKey, timeoutSeconds, signal }: StartJobParameters,
): Promise<StartJobResult> {
  const body = { template, ...(name !== undefined && { name }), ...(params !== undefined && { params }) }
  const options = { idempotencyKey, timeoutSeconds, signal }
  return resultOf(async () => ({ job: await sendStart(client, body, options) }))
}
