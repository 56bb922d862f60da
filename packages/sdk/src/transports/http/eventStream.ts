import { createParser, type EventSourceMessage } from 'eventsource-parser'

/** Far above any honest event; a stream that holds more back than this is not one. */
export const maxEventCharacters = 4 * 1024 * 1024

export interface EventStreamReader {
  /** Any bytes at all. */
  onBytes(): void
  /** A comment: the server's way to say that it is there. */
  onComment(): void
  onMessage(message: EventSourceMessage): void
  /** An event that is larger than can be taken. The stream can't be read on. */
  onOverflow(): void
}

/**
 * Reads server-sent events until the stream ends; rejects as the body does. `guard` wraps every wait, so that it can
 * be broken off; then the body is cancelled.
 */
export async function readEventStream(
  body: ReadableStream<Uint8Array>,
  guard: <T>(promise: Promise<T>) => Promise<T>,
  { onBytes, onComment, onMessage, onOverflow }: EventStreamReader,
): Promise<void> {
  const decoder = new TextDecoder()
  let overflown = false
  const parser = createParser({
    maxBufferSize: maxEventCharacters,
    onEvent: onMessage,
    onComment,
    onError(error) {
      if (error.type === 'max-buffer-size-exceeded') overflown = true
    },
  })
  const reader = body.getReader()
  try {
    while (!overflown) {
      const { done, value } = await guard(reader.read())
      if (done) return
      onBytes()
      parser.feed(decoder.decode(value, { stream: true }))
    }
    onOverflow()
  } finally {
    // Where it has ended this does nothing; where it was broken off, the connection is let go.
    reader.cancel().catch(() => {})
  }
}
