const longestLookedAt = 4000
/** Shorter ones are words, and hiding them would hide what happened. */
const shortestValue = 4
const shortestPart = 6

/**
 * The beginning of something foreign, on one line of at most `length` characters, without the secrets that it may
 * echo: a header's value as a whole, what is in it (the token of `Bearer …`, the value of a cookie), and either of them as
 * JSON or a URL would write it.
 */
export function excerpt(text: string, secrets: readonly string[] = [], length = 200): string {
  const hidden = secrets
    .filter((value) => value.length >= shortestValue)
    .flatMap((value) => [value, ...partsOf(value)])
    .flatMap((value) => [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value)])
    // A secret may be part of another.
    .sort((a, b) => b.length - a.length)
  const longest = hidden[0]?.length ?? 0
  let shown = text.slice(0, longestLookedAt + longest)
  const isCut = shown.length < text.length
  for (const secret of hidden) shown = shown.replaceAll(secret, '…')
  // What was cut off may have cut a secret in two.
  if (isCut) shown = shown.slice(0, Math.max(0, shown.length - longest))
  shown = shown
    .replace(/\b(bearer|basic)\s+[\w.~+/=-]{6,}/gi, '$1 …')
    // Controls and spaces, told without \\p{…}: some of React Native's engines refuse a module that has it.
    .replace(/(?:[^ -~\u00a0-\uffff]|\s)+/g, ' ')
    .trim()
  return shown.length > length ? `${shown.slice(0, length - 1)}…` : shown
}

/** Each but the first, which is the scheme (`Bearer`) or the whole. */
function partsOf(value: string): string[] {
  const parts = [value.split(/\s+/), value.split(/[\s=;,"]+/)]
  return parts.flatMap(([, ...rest]) => rest).filter((part) => part.length >= shortestPart)
}
