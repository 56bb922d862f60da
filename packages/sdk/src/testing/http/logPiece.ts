import type { LogsPage } from '../../protocol'

/**
 * At most `limit` bytes of an output. A character whose rest is not there yet waits for it, unless the output is
 * `complete`. An offset beyond the end is the end; a negative one counts from the end, and goes on to where a character
 * begins.
 */
export function logPiece(
  output: Uint8Array,
  { offset, limit, complete }: { offset: number; limit: number; complete: boolean },
): Pick<LogsPage, 'offset' | 'next_offset' | 'size' | 'text'> {
  const size = output.length
  let begin = offset < 0 ? Math.max(0, size + offset) : Math.min(offset, size)
  if (offset < 0) while (begin > 0 && begin < size && isInside(output[begin])) begin++
  let end = Math.min(size, begin + limit)
  if (!complete || end < size) end -= unfinished(output.subarray(begin, end))
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(output.subarray(begin, end))
  return { offset: begin, next_offset: end, size, text }
}

/** How many bytes at the end begin a character that isn't whole. */
function unfinished(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if (isInside(byte)) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return length > back ? back : 0
  }
  return 0
}

function isInside(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0b1100_0000) === 0b1000_0000
}
