import type { TransportCall } from '../transports/transportCall'
import type { TrainingClient } from './createTrainingClient'

const proven = new WeakSet<object>()

/** Answers to these have the protocol's whole shape, and the protocol asks a server to honour Idempotency-Keys. */
const tellingCalls: ReadonlySet<TransportCall['name']> = new Set(['getJob', 'getCommand', 'getCapabilities'])

/**
 * Whether this client's server has shown that it honours Idempotency-Keys. The smallest compatible server does not: to
 * it a call that is sent again is a second call, and what it refuses then says nothing of the first.
 */
export function honoursKeys({ transport }: TrainingClient): boolean {
  return proven.has(transport)
}

/** Remembers that it does, by an answer that could be read. */
export function learnFrom({ transport }: TrainingClient, { name }: Pick<TransportCall, 'name'>): void {
  if (tellingCalls.has(name)) proven.add(transport)
}

/** Remembers that it does, since it gave an intent's key back. */
export function rememberKeys({ transport }: TrainingClient): void {
  proven.add(transport)
}
