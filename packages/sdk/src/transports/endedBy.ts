/** What `promise` comes to, or what `end` makes of it once `signal` is aborted. */
export function endedBy<T>(
  signal: AbortSignal,
  promise: Promise<T>,
  end: (reject: (reason: unknown) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => end(reject)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop)
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
