import { readText } from '../body/readText'
import { neverSent } from '../errors/neverSent'
import {
  hostFailure,
  jobNotFound,
  outcomeUnknown,
  Refusal,
  routeNotFound,
  serverUnreachable,
} from './answers'
import type { TrainingUser } from './permission'
import { relayStream } from './relayStream'

export interface UpstreamOptions {
  url: string
  token: string
  fetch: typeof globalThis.fetch
  answerTimeoutSeconds: number
}

export interface UpstreamRequest {
  method: 'GET' | 'POST'
  /** Below the base path; made of checked parts. */
  path: string
  /** The same call in other words, for a training server that has no `path`. */
  short: { path: string; body: string } | null
  search: string
  body: string | null
  /** The browser's request, for the few headers that go on. */
  from: Request
  /** In whose name. */
  user: TrainingUser
  /** Whether the training server is to know only this user's jobs. */
  ownJobsOnly: boolean
}

/** What goes on to the training server. Never cookies, never the browser's own authorization. */
const forwarded = [
  'accept',
  'content-type',
  'idempotency-key',
  'prefer',
  'if-match',
  'if-none-match',
  'last-event-id',
  'x-request-id',
]
/** What comes back from it. */
const returned = ['content-type', 'etag', 'retry-after', 'preference-applied', 'x-request-id']
const longestWaitSeconds = 60
const longestName = 200
const largestAnswerBytes = 64 * 1024 * 1024
const largestRefusalBytes = 256 * 1024

interface UpstreamAnswer {
  response: Response
  text: string
  /** As parsed JSON; null where there is none. */
  body: unknown
}

/** The training server, as the host's handler speaks to it. */
export class Upstream {
  readonly #options: UpstreamOptions
  readonly #base: string
  /** Whether it was seen to have the short control calls alone. */
  #isShort = false

  constructor(options: UpstreamOptions) {
    this.#options = options
    const url = new URL(options.url)
    const path = url.pathname.replace(/\/+$/, '')
    this.#base = `${url.origin}${path === '' ? '/api/training' : path}`
  }

  /** Forwards a call that is answered with JSON. Throws a `Refusal` where there is no such answer. */
  async answer(request: UpstreamRequest): Promise<UpstreamAnswer> {
    const { short } = request
    if (short === null) return this.#known(await this.#answerOf(request))
    const [first, second] = this.#isShort
      ? [{ ...request, ...short }, request]
      : [request, { ...request, ...short }]
    const answer = await this.#answerOf(first)
    if (!isNoSuchRoute(answer)) return this.#known(answer)
    // Who has no such route has done nothing, so the same may be asked in other words.
    const other = await this.#answerOf(second)
    if (isNoSuchRoute(other)) return this.#known(answer)
    this.#isShort = second !== request
    return this.#known(other)
  }

  /** What a server says of a path that it does not know need not be JSON. */
  #known(answer: UpstreamAnswer): UpstreamAnswer {
    if (answer.body === null && isNoSuchRoute(answer)) throw routeNotFound()
    return answer
  }

  async #answerOf(request: UpstreamRequest): Promise<UpstreamAnswer> {
    const changes = request.method === 'POST'
    // A browser that leaves takes back its question, but not an order that it gave.
    const leave = changes ? undefined : request.from.signal
    const limit = this.#options.answerTimeoutSeconds + waitSeconds(request.from)
    const { signal, release } = timeLimit(limit, leave)
    try {
      const response = await this.#send(request, signal)
      if (response.status === 304) return { response, text: '', body: null }
      const { text, body } = await refusedOr(response, request.path)
      const answer = { response, text, body }
      if (!isNoSuchRoute(answer) && (body === null || isRedirect(response))) throw new Error('not an answer')
      return answer
    } catch (error) {
      if (error instanceof Refusal) throw error
      throw changes && !neverSent(error) ? outcomeUnknown() : serverUnreachable()
    } finally {
      release()
    }
  }

  /**
   * Forwards a call that is answered with an event stream, which ends with whichever side goes first. `first`: events
   * of the host's own, said before it.
   */
  async stream(request: UpstreamRequest, first: Uint8Array | null = null): Promise<Response> {
    const { signal, release, abort } = timeLimit(this.#options.answerTimeoutSeconds, request.from.signal)
    let isHandedOn = false
    try {
      const response = await this.#send(request, signal)
      const isStream = /^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')
      if (response.ok && isStream && response.body) {
        isHandedOn = true
        return relayStream(response.body, abort, request.from.signal, first)
      }
      // Within the time for an answer, too: an error may never end.
      const { text, body } = await refusedOr(response, request.path)
      if (body === null && isNoSuchRoute({ response, text, body })) throw routeNotFound()
      if (body === null || response.ok || isRedirect(response)) throw new Error('not an event stream')
      return passOn(response, text)
    } catch (error) {
      if (error instanceof Refusal) throw error
      throw serverUnreachable()
    } finally {
      release()
      // Only a stream that is handed on is still wanted.
      if (!isHandedOn) abort()
    }
  }

  async #send(request: UpstreamRequest, signal: AbortSignal): Promise<Response> {
    const { method, path, search, body, from, user, ownJobsOnly } = request
    const headers = new Headers()
    for (const name of forwarded) {
      const value = from.headers.get(name)
      if (value !== null) headers.set(name, value)
    }
    if (body === null) headers.delete('content-type')
    headers.set('authorization', `Bearer ${this.#options.token}`)
    const actor = { type: 'user', id: user.id, name: shownName(user.name) }
    headers.set('trainstop-actor', encodeURIComponent(JSON.stringify(actor)))
    if (ownJobsOnly) headers.set('trainstop-owner', encodeURIComponent(user.id))
    const { fetch } = this.#options
    // Redirects are not followed: the token must not go elsewhere.
    return fetch(`${this.#base}${path}${search}`, {
      method,
      headers,
      signal,
      redirect: 'manual',
      ...(body !== null && { body }),
    })
  }
}

/** The answer's body. Throws a `Refusal` for an answer that must not reach the browser as it is. */
async function refusedOr(response: Response, path: string): Promise<{ text: string; body: unknown }> {
  const { status } = response
  if (status === 401 || status === 403) {
    response.body?.cancel().catch(() => {})
    // It is the host that was refused, not its user: they are signed in.
    throw hostFailure('This app is not set up to talk to its training server: its token was refused.')
  }
  const limit = response.ok ? largestAnswerBytes : largestRefusalBytes
  const { text, complete } = response.body
    ? await readText(response.body, limit)
    : { text: '', complete: true }
  const body = complete ? objectIn(text) : null
  // In the very words that someone else's job is answered with.
  if (
    status === 404 &&
    path !== '/jobs' &&
    body !== null &&
    'code' in body &&
    body.code === 'job_not_found'
  ) {
    throw jobNotFound()
  }
  return { text, body }
}

/**
 * Whether this only says that the training server has no such call: a framework's or a proxy's word, not that of one that
 * has looked at the job.
 */
function isNoSuchRoute({ response, body }: UpstreamAnswer): boolean {
  if (![404, 405, 501].includes(response.status)) return false
  const { success, code } = (body ?? {}) as { success?: unknown; code?: unknown }
  return success !== false || code === 'not_found'
}

/** An answer of the training server as the browser gets it. */
export function passOn(response: Response, text: string): Response {
  const headers = new Headers({ 'cache-control': 'no-store' })
  for (const name of returned) {
    const value = response.headers.get(name)
    if (value !== null) headers.set(name, value)
  }
  const empty = response.status === 304
  return new Response(empty ? null : text, { status: response.status, headers })
}

/** As the training server takes it: whatever people call themselves, it must not keep them from a stop. */
function shownName(name: unknown): string | null {
  if (typeof name !== 'string') return null
  const shown = name.replace(/[\p{Cc}\p{Cs}]+/gu, ' ').trim()
  return shown === '' ? null : [...shown].slice(0, longestName).join('')
}

function isRedirect({ status }: Response): boolean {
  return status >= 300 && status < 400
}

/** `Prefer: wait=N` makes the training server take its time. */
function waitSeconds(request: Request): number {
  const wait = /\bwait=(\d+)/.exec(request.headers.get('prefer') ?? '')
  return wait ? Math.min(longestWaitSeconds, Number(wait[1])) : 0
}

function timeLimit(seconds: number, outer: AbortSignal | undefined) {
  const controller = new AbortController()
  const abort = () => controller.abort()
  const timer = setTimeout(abort, seconds * 1000)
  if (outer?.aborted) abort()
  outer?.addEventListener('abort', abort)
  const release = () => {
    clearTimeout(timer)
    outer?.removeEventListener('abort', abort)
  }
  return { signal: controller.signal, abort, release }
}

function objectIn(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}
