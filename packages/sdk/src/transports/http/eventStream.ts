import { type EventStreamHandler, eventStreamParser } from './eventStreamParser'

export interface EventStreamReader extends EventStreamHandler {
  /** An event that is larger than can be taken, and how it begins. The stream can't be read on. */
  onOverflow(beginning: string): void
}

/**
 * Reads server-sent events until the stream ends; rejects as the body does. `guard` wraps every wait, so that it can
 * be broken off; then the body is cancelled.
 */
export async function readEventStream(
  body: ReadableStream<Uint8Array>,
  guard: <T>(promise: Promise<T>) => Promise<T>,
  handler: EventStreamReader,
): Promise<void> {
  const decoder = new TextDecoder()
  const parser = eventStreamParser(handler)
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await guard(reader.read())
      if (done) return
      const overflow = parser.feed(decoder.decode(value, { stream: true }))
      if (overflow !== null) return handler.onOverflow(overflow)
    }
  } finally {
    // Where it has ended this does nothing; where it was broken off, the connection is let go.
    reader.cancel().catch(() => {})
  }
}
