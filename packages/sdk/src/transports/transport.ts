import type { TrainingError } from '../errors/trainingError'
import type { TrainingEvent } from '../protocol'
import type { Connection } from './connection'
import type { TransportCall } from './transportCall'

/** One thing that a subscription tells. */
export interface TransportUpdate {
  /**
   * What came in; null where only the connection changed. In the server's order. Polling tells a `job` event for each
   * answer, and an `end` event for a job that is final.
   */
  readonly event: TrainingEvent | null
  readonly connection: Connection
  /** Why the last attempt failed. Null once the server is heard again. */
  readonly error: TrainingError | null
  /** Where a subscription that begins after this update goes on without a gap, if the transport has such places. */
  readonly cursor?: string | null | undefined
}

/** Who is told what a subscription brings. */
export interface TransportObserver {
  /** Something came in, or the connection changed. Must not throw. */
  next(update: TransportUpdate): void
  /** Nothing more will come: after an `end` event, or with an error that trying again does not mend. */
  end(error: TrainingError | null): void
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
   * is a `job` snapshot; what follows joins it without a gap. After the returned function was called, the observer is
   * left alone. With a `cursor` of an earlier update it goes on from there, with no snapshot first; a transport without
   * such places, or whose server no longer knows this one, begins with a snapshot all the same.
   */
  subscribe(options: {
    jobId: string
    observer: TransportObserver
    cursor?: string | null | undefined
  }): () => void
}
