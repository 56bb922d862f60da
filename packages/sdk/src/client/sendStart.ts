import type { Job, StartRequest } from '../protocol'
import type { TrainingClient } from './createTrainingClient'
export declare function sendStart(
  client: TrainingClient,
  body: StartRequest,
  idempotencyKey: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Job>
