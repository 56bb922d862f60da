import { isTrainingError, type TrainingError, trainingError } from '../errors/trainingError'
import { idPattern, type TrainingEvent } from '../protocol'
import { reduceJob } from '../state/reduceJob'
import { disconnected } from '../transports/connection'
import type { TrainingClient } from './createTrainingClient'
import type { JobUpdate } from './jobUpdate'

export interface SubscriptionListener {
  onUpdate(update: JobUpdate): void
  onEnd(error: TrainingError | null): void
}

/** One job watched through one client, however many listen. */
interface SharedSubscription {
  latest: JobUpdate
  listeners: Set<SubscriptionListener>
  close: () => void
}

const subscriptions = new WeakMap<TrainingClient, Map<string, SharedSubscription>>()

/**
 * Listens to a job. The first to join opens the connection, later ones are told what is known, and the last to leave
 * closes it: a moment later, so that a component that is unmounted and mounted again in one go keeps it.
 */
export function joinSubscription(
  client: TrainingClient,
  jobId: string,
  listener: SubscriptionListener,
): () => void {
  const ofClient = subscriptions.get(client) ?? new Map<string, SharedSubscription>()
  subscriptions.set(client, ofClient)
  const shared = ofClient.get(jobId) ?? open(client, jobId, ofClient)

  let joined = true
  queueMicrotask(() => {
    if (!joined) return
    if (isKnown(shared.latest)) listener.onUpdate(shared.latest)
    if (ofClient.get(jobId) !== shared) return
    shared.listeners.add(own)
  })
  const own = { ...listener }
  return () => {
    joined = false
    shared.listeners.delete(own)
  }
}
declare function open(
  client: TrainingClient,
  jobId: string,
  ofClient: Map<string, SharedSubscription>,
): SharedSubscription
declare function isKnown(update: JobUpdate): boolean
