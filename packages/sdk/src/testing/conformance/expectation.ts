/** Throws unless it holds. */
export function must(holds: unknown, sentence: string): asserts holds {
  if (!holds) throw new Error(sentence)
}

/** Throws unless both are the same as JSON, whatever the order of their keys. */
export function mustEqual(found: unknown, wanted: unknown, what: string): void {
  const [a, b] = [canonical(found), canonical(wanted)]
  if (a !== b) throw new Error(`${what}\n  found:  ${short(a)}\n  wanted: ${short(b)}`)
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each) => (isPlain(each) ? sorted(each) : each)) ?? 'undefined'
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function sorted(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function short(text: string): string {
  return text.length > 2000 ? `${text.slice(0, 2000)} …` : text
}
