/** A request as it came in, whatever `fetch` was given. */
export interface Received {
  readonly method: string
  readonly url: URL
  readonly headers: Headers
  readonly body: Uint8Array<ArrayBuffer>
  readonly signal: AbortSignal | null
}

/** Where relative URLs, which have no meaning outside of a browser, are taken to be. */
const nowhere = 'http://mock.trainstop.test'

export async function receive(input: RequestInfo | URL, init: RequestInit = {}): Promise<Received> {
  // Taken apart by hand: jsdom's signals and relative URLs are refused by Node's Request.
  const request = typeof input === 'string' || input instanceof URL ? null : input
  const body = init.body ?? (request?.body ? await request.arrayBuffer() : null)
  return {
    method: (init.method ?? request?.method ?? 'GET').toUpperCase(),
    url: new URL(request?.url ?? String(input), nowhere),
    headers: new Headers(init.headers ?? request?.headers),
    body: new Uint8Array(body === null ? new ArrayBuffer(0) : await new Response(body).arrayBuffer()),
    signal: init.signal ?? request?.signal ?? null,
  }
}
