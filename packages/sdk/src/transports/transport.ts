import type { TrainingError } from '../errors/trainingError'
import type { ControlRequest, StartRequest, TrainingEvent } from '../protocol'
import type { Connection } from './connection'

/** Every call that a client makes, as data. */
export type TransportCall =
  | { name: 'startJob'; body: StartRequest; idempotencyKey: string }
  | { name: 'controlJob'; jobId: string; body: ControlRequest; idempotencyKey: string }
  | { name: 'getJob'; jobId: string }
  | { name: 'listJobs'; cursor: string | null; limit: number | null }
  | { name: 'getMetrics'; jobId: string; maxPoints: number | null }
  | { name: 'getLogs'; jobId: string; attempt: number | null; offset: number | null; limit: number | null }
  | { name: 'listCheckpoints'; jobId: string }
  | { name: 'listCommands'; jobId: string }
  | { name: 'getCapabilities' }

/** What a subscription tells. None of these may throw. */
export interface TransportObserver {
  /** An event, in the order of the server. Polling tells a `job` event for each answer. */
  onEvent(event: TrainingEvent): void
  onConnection(connection: Connection): void
  /** An attempt failed. The subscription goes on. */
  onError(error: TrainingError): void
  /** Nothing more will come: after the event `end`, or with an error that trying again does not mend. */
  onEnd(error: TrainingError | null): void
}

/**
 * How a client reaches a training server. Anyone can implement it; `http` is the one that comes with the SDK.
 */
export interface Transport {
  /**
   * Makes one attempt of one call and resolves with the answer's body as parsed JSON, in the shape of the protocol's
   * `…Answer` schemas; the caller checks it. Rejects with a `TrainingError` (see `trainingError`) and nothing else. Its
   * `arrived` matters: only where it is `unknown` does the caller send a control call again, with the same key.
   */
  request(call: TransportCall, options: { signal?: AbortSignal | undefined }): Promise<unknown>
  /**
   * Watches one job until it is final or the returned function is called, reconnecting by itself. The first event
   * is a `job` snapshot; what follows joins it without a gap.
   */
  subscribe(options: { jobId: string; observer: TransportObserver }): () => void
}
