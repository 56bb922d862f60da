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

/** The training server, as the host's handler speaks to it. */
export class Upstream {
  readonly #options: UpstreamOptions
  readonly #base: string

  constructor(options: UpstreamOptions) {
    this.#options = options
    const url = new URL(options.url)
    const path = url.pathname.replace(/\/+$/, '')
    this.#base = `${url.origin}${path === '' ? '/api/training' : path}`
  }

  /** Forwards a call that is answered with JSON. Throws a `Refusal` where there is no such answer. */
  async answer(request: UpstreamRequest): Promise<{ response: Response; text: string; body: unknown }> {
    const changes = request.method === 'POST'
    // A browser that leaves takes back its question, but not an order that it gave.
    const leave = changes ? undefined : request.from.signal
    const limit = this.#options.answerTimeoutSeconds + waitSeconds(request.from)
    const { signal, release } = timeLimit(limit, leave)
    try {
      const response = await this.#send(request, signal)
      const text = await response.text()
      const body = parsed(text)
      if (response.status === 304) return { response, text: '', body: null }
      const isObject = typeof body === 'object' && body !== null
      // What a server says of a path that it does not know need not be JSON, and is no doubt about what happened.
      if (!isObject && [404, 405, 501].includes(response.status)) throw routeNotFound()
      if (!isObject || isRedirect(response)) throw new Error('not an answer')
      return { response, text, body }
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
    try {
      const response = await this.#send(request, signal)
      release()
      const isStream = /^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')
      if (response.ok && isStream && response.body)
        return relayStream(response.body, abort, request.from.signal, first)
      const text = await response.text()
      const body = parsed(text)
      const isObject = typeof body === 'object' && body !== null
      if (!isObject && [404, 405, 501].includes(response.status)) throw routeNotFound()
      if (!isObject || response.ok || isRedirect(response)) throw new Error('not an event stream')
      return passOn(response, text)
    } catch (error) {
      abort()
      if (error instanceof Refusal) throw error
      throw serverUnreachable()
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
    const response = await fetch(`${this.#base}${path}${search}`, {
      method,
      headers,
      signal,
      redirect: 'manual',
      ...(body !== null && { body }),
    })
    await this.#refuse(response, path)
    return response
  }

  /** Answers that must not reach the browser as they are. */
  async #refuse(response: Response, path: string): Promise<void> {
    if (response.status === 401 || response.status === 403) {
      await response.body?.cancel()
      // It is the host that was refused, not its user: they are signed in.
      throw hostFailure('This app is not set up to talk to its training server: its token was refused.')
    }
    if (response.status === 404 && path !== '/jobs') {
      const body = parsed(await response.clone().text())
      const code = typeof body === 'object' && body !== null && 'code' in body ? body.code : null
      // In the very words that someone else's job is answered with.
      if (code === 'job_not_found') {
        await response.body?.cancel()
        throw jobNotFound()
      }
    }
  }
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

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
