export const excerptLength = 200

/** The beginning of something unexpected, on one line, without the secrets that it may echo. */
export function excerpt(text: string, secrets: readonly string[] = []): string {
  let shown = text.slice(0, 4000)
  // A header's value as a whole, and the token in it alone.
  for (const secret of secrets.flatMap((value) => [value, ...value.split(/\s+/)])) {
    if (secret.length >= 6) shown = shown.replaceAll(secret, '…')
  }
  shown = shown
    .replace(/\b(bearer|basic)\s+[\w.~+/=-]{6,}/gi, '$1 …')
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
  return shown.length > excerptLength ? `${shown.slice(0, excerptLength - 1)}…` : shown
}
