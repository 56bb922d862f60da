/**
 * Reads a body as text, as far as `maxBytes`; what is larger is `complete: false`, and its connection let go. A caller
 * that gives up rejects by whatever ends the body's stream.
 */
export async function readText(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<{ text: string; complete: boolean }> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return { text: text + decoder.decode(), complete: true }
    bytes += value.byteLength
    text += decoder.decode(value, { stream: true })
    if (bytes > maxBytes) {
      // Not waited for: a source that never ends may never say that it has stopped either.
      reader.cancel().catch(() => {})
      return { text, complete: false }
    }
  }
}
