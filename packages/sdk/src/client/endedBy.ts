import { trainingError } from '../errors/trainingError'

/**
 * What `promise` comes to, or `aborted` a moment after `signal` was: a transport that heeds its signal can say whether
 * the request may have arrived, one that doesn't must not keep anybody waiting.
 */
export function endedBy<T>(signal: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const end = () =>
      setTimeout(() => reject(trainingError('aborted', { arrived: 'unknown', cause: signal.reason })), 0)
    if (signal.aborted) end()
    else signal.addEventListener('abort', end)
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', end))
  })
}
