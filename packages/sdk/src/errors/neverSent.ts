/**
 * Codes that Node, Bun and undici give a connection that was never made. Browsers give none: there a failed request may
 * have arrived. A reset or a closed socket is not among them: what was written before may have been read.
 */
const codes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'ERR_INVALID_URL',
  'ConnectionRefused',
  'FailedToOpenSocket',
])

/** Whether what `fetch` rejected with proves that not a byte of the request left. */
export function neverSent(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: unknown }
  // One error for each address that was tried.
  if (Array.isArray(errors) && errors.length > 0) return errors.every(neverSent)
  return (typeof code === 'string' && codes.has(code)) || neverSent(cause)
}
