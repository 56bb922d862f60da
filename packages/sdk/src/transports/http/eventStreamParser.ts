/** Far above any honest event; a stream that holds more back than this is not one. */
export const maxEventCharacters = 4 * 1024 * 1024

export interface ParsedMessage {
  /** The id that its own block set, if it did. An empty one says that there is no place to go on from. */
  readonly id: string | null
  readonly data: string
}

export interface EventStreamHandler {
  /** A comment: the server's way to say that it is there. */
  onComment(): void
  onMessage(message: ParsedMessage): void
  /** A block that sets an id and has no data: nothing happened up to there. */
  onId(id: string): void
  /** How many milliseconds to wait before the next connection, as the server asks it. */
  onRetry(milliseconds: number): void
}

/**
 * The grammar of server-sent events, over text that was cut anywhere; a byte order mark is the decoder's to remove.
 * `feed` returns the beginning of a line or event larger than can be taken, after which nothing more can be read,
 * else null. `event:` is passed over: an event's type is in its data.
 */
export function eventStreamParser(
  { onComment, onMessage, onId, onRetry }: EventStreamHandler,
  maxCharacters = maxEventCharacters,
): { feed(chunk: string): string | null } {
  /** A line whose end has not come. */
  let rest = ''
  /** The last chunk ended in a carriage return: a line feed right after it belongs to the same line's end. */
  let afterReturn = false
  let id: string | null = null
  let data: string | null = null

  function line(text: string): void {
    if (text === '') {
      if (data !== null) onMessage({ id, data })
      else if (id !== null) onId(id)
      id = data = null
      return
    }
    const colon = text.indexOf(':')
    if (colon === 0) {
      onComment()
      return
    }
    const field = colon < 0 ? text : text.slice(0, colon)
    const value = colon < 0 ? '' : text.slice(colon + (text.charCodeAt(colon + 1) === 32 ? 2 : 1))
    if (field === 'data') data = data === null ? value : `${data}\n${value}`
    else if (field === 'id') {
      if (!value.includes('\0')) id = value
    } else if (field === 'retry' && /^\d+$/.test(value)) onRetry(Number(value))
  }

  return {
    feed(chunk) {
      let from = afterReturn && chunk.startsWith('\n') ? 1 : 0
      if (chunk !== '') afterReturn = chunk.endsWith('\r')
      let feedAt = chunk.indexOf('\n', from)
      let returnAt = chunk.indexOf('\r', from)
      while (feedAt >= 0 || returnAt >= 0) {
        const isReturn = returnAt >= 0 && (feedAt < 0 || returnAt < feedAt)
        const end = isReturn ? returnAt : feedAt
        if (rest.length + end - from + (data?.length ?? 0) > maxCharacters) break
        const text = rest + chunk.slice(from, end)
        rest = ''
        from = isReturn && feedAt === end + 1 ? end + 2 : end + 1
        line(text)
        if (isReturn) returnAt = chunk.indexOf('\r', from)
        if (feedAt >= 0 && feedAt < from) feedAt = chunk.indexOf('\n', from)
      }
      rest += chunk.slice(from)
      return rest.length + (data?.length ?? 0) > maxCharacters ? (data ?? rest) : null
    },
  }
}
