/**
 * Hands a stream on as it comes. Nothing is read ahead of a slow browser; a browser that leaves takes the connection to
 * the training server with it; and a training server that is lost ends the stream instead of breaking the response.
 * `first` is said before anything of the stream.
 */
export function relayStream(
  upstream: ReadableStream<Uint8Array>,
  abortUpstream: () => void,
  left: AbortSignal,
  first: Uint8Array | null = null,
): Response {
  const reader = upstream.getReader()
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const leave = () => {
          abortUpstream()
          close(controller)
        }
        if (left.aborted) leave()
        else left.addEventListener('abort', leave, { once: true })
        if (first !== null && !left.aborted) controller.enqueue(first)
      },
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (done) close(controller)
          else controller.enqueue(value)
        } catch {
          // The end of a stream is not the end of a job: the client connects again.
          close(controller)
        }
      },
      cancel() {
        abortUpstream()
      },
    },
    // One chunk is only fetched once the one before it is gone.
    { highWaterMark: 0 },
  )
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      // nginx holds streams back without it.
      'x-accel-buffering': 'no',
    },
  })
}

function close(controller: ReadableStreamDefaultController<Uint8Array>): void {
  try {
    controller.close()
  } catch {
    // It is closed already.
  }
}
