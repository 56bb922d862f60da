import { trainingError } from '../errors/trainingError'
import { endedBy } from '../transports/endedBy'

/**
 * What `promise` comes to, or `aborted` a moment after `signal` was: a transport that heeds its signal can say whether
 * the request may have arrived, one that doesn't must not keep anybody waiting.
 */
export function abortable<T>(signal: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
  if (!signal) return promise
  return endedBy(signal, promise, (reject) => {
    setTimeout(() => reject(trainingError('aborted', { arrived: 'unknown', cause: signal.reason })), 0)
  })
}
