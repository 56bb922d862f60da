/** Answers of the training server that a page of another origin may read. */
const exposed = 'etag, retry-after, preference-applied, x-request-id'

/**
 * What tells a browser that a page of an allowed origin may call and read the answers, errors too. Null for a request
 * that comes from no such page.
 */
export function crossOriginHeaders(
  request: Request,
  allowedOrigins: readonly string[],
): Record<string, string> | null {
  if (allowedOrigins.length === 0) return null
  const origin = request.headers.get('origin')
  // A cache must not hand one page what was answered to another.
  if (origin === null || !allowedOrigins.includes(origin)) return { vary: 'Origin' }
  return {
    vary: 'Origin',
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': exposed,
  }
}

/** The answer to a browser that asks before it sends a page's call. Null for a request that is no such question. */
export function preflight(request: Request, allowedOrigins: readonly string[]): Response | null {
  const { method, headers } = request
  if (method !== 'OPTIONS' || !headers.has('access-control-request-method')) return null
  const origin = headers.get('origin')
  if (origin === null || !allowedOrigins.includes(origin)) return null
  const wanted = headers.get('access-control-request-headers')
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-methods': 'GET, POST',
      // Whatever headers the host signs its users in with: the origin is trusted to send them.
      ...(wanted !== null && { 'access-control-allow-headers': wanted }),
      'access-control-max-age': '600',
    },
  })
}
