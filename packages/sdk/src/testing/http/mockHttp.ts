import { eventsRequest } from '../../protocol/schemas/event'
import type { Clock } from '../../transports/clock'
import type { MockJobs } from '../mock/mockJobs'
import { Refusal } from '../mock/refusal'
import { refuse } from './answer'
import { jobIdOf, type MockCaller, ownerOf } from './asker'
import { mostEventsBodyBytes, parseBody, readBody } from './body'
import { answerCall, type Call } from './calls'
import { EventStream } from './eventStream'
import type { CallFault } from './fault'
import { Faults } from './faults'
import { faultyDelivery } from './faultyDelivery'
import { type Received, receive } from './received'
import { routeOf } from './route'

export interface MockHttpOptions {
  jobs: MockJobs
  clock: Clock
  basePath: string
  authenticate: (authorization: string | null) => MockCaller | null
}

/** The server's door, and the network before it. */
export class MockHttp {
  readonly faults = new Faults()
  readonly #options: MockHttpOptions
  readonly #streams = new Set<EventStream>()
  #requests = 0
  /** Calls that arrive after the next one. */
  #held: (() => void)[] = []

  constructor(options: MockHttpOptions) {
    this.#options = options
  }

  /** Rejects as `fetch` does: with a TypeError when the network fails, with the signal's reason when it is aborted. */
  async fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const received = await receive(input, init)
    const { signal } = received
    signal?.throwIfAborted()
    if (!signal) return this.#overTheNetwork(received)
    return new Promise((resolve, reject) => {
      const stop = () => reject(signal.reason)
      signal.addEventListener('abort', stop)
      const leave = () => signal.removeEventListener('abort', stop)
      this.#overTheNetwork(received).then(resolve, reject).finally(leave)
    })
  }

  /** Ends every open stream as a proxy would. */
  dropStreams(): void {
    for (const stream of [...this.#streams]) stream.close()
    this.#streams.clear()
  }

  async #overTheNetwork(received: Received): Promise<Response> {
    const { basePath } = this.#options
    const at = received.url.pathname.indexOf(`${basePath}/`)
    const path = at < 0 ? '' : received.url.pathname.slice(at + basePath.length)
    const route = routeOf(received.method, path)
    const about = route && 'name' in route ? route : null
    const fault = about && this.faults.ofCall(about)
    const handle = () => this.#handle(received, route)
    return fault ? this.#faulty(fault, received, handle) : this.#inTurn(handle)
  }

  /** Those that were held back arrive after it. */
  async #inTurn(handle: () => Promise<Response>): Promise<Response> {
    const answer = handle()
    for (const release of this.#held.splice(0)) release()
    return answer
  }

  async #faulty(fault: CallFault, received: Received, handle: () => Promise<Response>): Promise<Response> {
    switch (fault.do) {
      case 'refuse':
        throw networkError('ECONNREFUSED')
      case 'lose_request':
        throw networkError('ECONNRESET')
      case 'lose_answer':
        await this.#inTurn(handle)
        throw networkError('ECONNRESET')
      case 'never_answer':
        await this.#inTurn(handle)
        return new Promise(() => {})
      case 'delay': {
        const answer = await this.#inTurn(handle)
        const { clock } = this.#options
        await new Promise<void>((resolve) => clock.setTimer(resolve, fault.seconds * 1000))
        return answer
      }
      case 'duplicate':
        await this.#inTurn(handle)
        return handle()
      case 'reorder':
        await new Promise<void>((resolve) => this.#held.push(resolve))
        return handle()
      case 'expire_token': {
        const refusal = new Refusal('unauthenticated', 'The token has expired; sign in again.')
        return refuse(refusal, this.#requestId(received))
      }
      case 'answer': {
        if (fault.arrives) await this.#inTurn(handle)
        const { status, body = '', headers = {} } = fault
        const isText = typeof body === 'string'
        const type = isText ? 'text/html' : 'application/json'
        // Some statuses have no body at all.
        const text = status === 204 || status === 304 ? null : isText ? body : JSON.stringify(body)
        return new Response(text, { status, headers: { 'content-type': type, ...headers } })
      }
    }
  }

  async #handle(received: Received, route: ReturnType<typeof routeOf>): Promise<Response> {
    const requestId = this.#requestId(received)
    try {
      const caller = this.#options.authenticate(received.headers.get('authorization'))
      if (!caller && !(route && 'name' in route && route.name === 'health'))
        throw new Refusal('unauthenticated', 'The token is missing or wrong; sign in again.')
      if (!route) throw new Refusal('not_found', 'There is nothing under this path.')
      if ('methods' in route) {
        const sentence = `This path does not take ${received.method}.`
        const allow = { allow: route.methods.join(', ') }
        return refuse(new Refusal('invalid_request', sentence, { status: 405 }), requestId, allow)
      }
      const call: Call = { received, route, caller: caller ?? { kind: 'service' }, requestId }
      const isStream = route.name === 'events' || route.name === 'events_of_many'
      return isStream ? this.#openStream(call) : await answerCall(this.#options.jobs, call)
    } catch (error) {
      if (error instanceof Refusal) return refuse(error, requestId)
      throw error
    }
  }

  #openStream(call: Call): Response {
    const { jobs, clock } = this.#options
    const { received, route, requestId } = call
    const owner = ownerOf(received, call.caller)
    const many = route.name === 'events_of_many'
    const cursors = many ? wantedJobs(received) : oneJob(received, route.jobId ?? '')
    // Before the first byte, so that a job that isn't there is an honest 404.
    if (!many) for (const jobId of cursors.keys()) jobs.record(jobId, owner)
    const fault = this.faults.ofStream(route)
    const delivery =
      fault &&
      faultyDelivery(fault, clock, () => ({
        write: (text) => stream.write(text),
        close: () => stream.close(),
        break: () => stream.break(networkError('ECONNRESET')),
      }))
    const deliver = delivery ? (text: string) => delivery.deliver(text) : undefined
    const stream = new EventStream({ jobs, clock, owner, cursors, many, deliver })
    this.#streams.add(stream)
    received.signal?.addEventListener('abort', () => stream.break(received.signal?.reason))
    const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store' }
    return new Response(stream.readable, {
      headers: { ...headers, 'x-accel-buffering': 'no', 'x-request-id': requestId },
    })
  }

  #requestId({ headers }: Received): string {
    return headers.get('x-request-id') ?? `req_${++this.#requests}`
  }
}

function oneJob({ headers, url }: Received, jobId: string): Map<string, string | null> {
  const cursor = headers.get('last-event-id') || url.searchParams.get('cursor') || null
  return new Map([[jobIdOf(jobId), cursor]])
}

function wantedJobs(received: Received): Map<string, string | null> {
  const { jobs } = parseBody(eventsRequest, readBody(received, mostEventsBodyBytes))
  return new Map(Object.entries(jobs))
}

/** As Node's `fetch` says it. */
function networkError(code: 'ECONNREFUSED' | 'ECONNRESET'): TypeError {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) })
}
