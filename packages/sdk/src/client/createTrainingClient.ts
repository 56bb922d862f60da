import { type Clock, systemClock } from '../transports/clock'
import type { Transport } from '../transports/transport'

/** What a client is made of. */
export interface CreateTrainingClientParameters {
  transport: Transport
  /** Part of every query key. Set it when one app talks to two training servers. Default: `default`. */
  key?: string
  /** For tests: what back-off between retries waits on. */
  clock?: Clock
}

/** What every action takes first. */
export interface TrainingClient {
  readonly transport: Transport
  readonly key: string
  readonly clock: Clock
}

/** Makes a client. It opens no connection by itself and holds nothing that must be closed. */
export function createTrainingClient({
  transport,
  key = 'default',
  clock = systemClock,
}: CreateTrainingClientParameters): TrainingClient {
  return { transport, key, clock }
}
