import { isTrainingError, type TrainingError, trainingError } from '../errors/trainingError'
import { idPattern } from '../protocol'
import { reduceJob } from '../state/reduceJob'
import { disconnected } from '../transports/connection'
import type { TransportObserver, TransportUpdate } from '../transports/transport'
import type { TrainingClient } from './createTrainingClient'
import type { JobUpdate } from './jobUpdate'

export interface SubscriptionListener {
  onUpdate(update: JobUpdate): void
  onEnd(error: TrainingError | null): void
}

/** One job watched through one client, however many listen. */
class SharedSubscription implements TransportObserver {
  latest: JobUpdate = { job: null, event: null, connection: disconnected, error: null }
  ended: { error: TrainingError | null } | null = null
  readonly listeners = new Set<SubscriptionListener>()
  /** Listeners, and those that are about to be. */
  members = 0
  close: () => void = () => {}
  readonly #onClosed: () => void

  constructor(onClosed: () => void) {
    this.#onClosed = onClosed
  }

  next({ event, connection, error }: TransportUpdate): void {
    if (this.ended) return
    const job = event === null ? this.latest.job : reduceJob(this.latest.job, event)
    const update = { job, event, connection, error }
    this.latest = update
    for (const listener of [...this.listeners]) tell(() => listener.onUpdate(update))
  }

  end(error: TrainingError | null): void {
    if (this.ended) return
    if (error !== this.latest.error) this.next({ event: null, connection: this.latest.connection, error })
    this.ended = { error }
    this.#onClosed()
    for (const listener of [...this.listeners]) tell(() => listener.onEnd(error))
    this.listeners.clear()
  }

  leaveIfEmpty(): void {
    if (this.members > 0 || this.ended) return
    this.ended = { error: null }
    this.#onClosed()
    this.close()
  }
}

const subscriptions = new WeakMap<TrainingClient, Map<string, SharedSubscription>>()

/**
 * Listens to a job. The first to join opens the connection, later ones are told what is known, and the last to leave
 * closes it: a moment later, so that a component that is unmounted and mounted again in one go keeps it.
 */
export function joinSubscription(
  client: TrainingClient,
  jobId: string,
  { onUpdate, onEnd }: SubscriptionListener,
): () => void {
  const shared = sharedSubscription(client, jobId)
  const listener = { onUpdate, onEnd }
  let joined = true
  shared.members++
  // Not at once, so that nobody is called back before they hold the function to leave.
  queueMicrotask(() => {
    if (!joined) return
    if (isNews(shared.latest)) tell(() => onUpdate({ ...shared.latest, event: null }))
    if (!joined) return
    const { ended } = shared
    if (ended) tell(() => onEnd(ended.error))
    else shared.listeners.add(listener)
  })
  return () => {
    if (!joined) return
    joined = false
    shared.listeners.delete(listener)
    shared.members--
    queueMicrotask(() => shared.leaveIfEmpty())
  }
}

function sharedSubscription(client: TrainingClient, jobId: string): SharedSubscription {
  const ofClient = subscriptions.get(client) ?? new Map<string, SharedSubscription>()
  subscriptions.set(client, ofClient)
  const held = ofClient.get(jobId)
  if (held) return held
  const shared = new SharedSubscription(() => ofClient.delete(jobId))
  ofClient.set(jobId, shared)
  if (idPattern.test(jobId)) open(client, jobId, shared)
  else shared.end(trainingError('job_not_found', { arrived: 'no' }))
  return shared
}

function open(client: TrainingClient, jobId: string, shared: SharedSubscription): void {
  try {
    shared.close = client.transport.subscribe({ jobId, observer: shared })
  } catch (error) {
    // A transport of someone else's.
    shared.end(isTrainingError(error) ? error : trainingError('internal', { rawCode: null, cause: error }))
  }
}

function isNews({ job, connection, error }: JobUpdate): boolean {
  return job !== null || error !== null || connection !== disconnected
}

/** A listener's own mistake is reported as what it is, and keeps nobody else from being told. */
function tell(call: () => void): void {
  try {
    call()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
