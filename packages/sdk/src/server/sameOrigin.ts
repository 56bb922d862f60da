/**
 * Whether a request may act with the cookies that it carries: not if a browser sent it for a page of another origin.
 * Browsers say so themselves, and pages can't make them lie. A client that says nothing is no browser, and has no
 * cookies but its own.
 */
export function isSameOrigin(request: Request, allowedOrigins: readonly string[]): boolean {
  const origin = request.headers.get('origin')
  if (origin !== null && allowedOrigins.includes(origin)) return true
  const site = request.headers.get('sec-fetch-site')
  if (site !== null) return site === 'same-origin' || site === 'none'
  if (origin === null) return true
  const host = request.headers.get('host') ?? new URL(request.url).host
  try {
    return new URL(origin).host === host
  } catch {
    return false
  }
}
