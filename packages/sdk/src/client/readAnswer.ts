import type * as z from 'zod/mini'
import type { TransportCall } from '../transports/transport'
import type { TrainingClient } from './createTrainingClient'
export declare function readRoute<Schema extends z.ZodMiniType>(
  client: TrainingClient,
  call: TransportCall,
  schema: Schema,
  signal: AbortSignal | undefined,
): Promise<z.output<Schema>>
export declare function readJobRoute<Schema extends z.ZodMiniType>(
  client: TrainingClient,
  call: TransportCall & { jobId: string },
  schema: Schema,
  signal: AbortSignal | undefined,
): Promise<z.output<Schema>>
