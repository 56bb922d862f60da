import { type CommandAction, commandActions, type EventsRequest, type Job } from '../protocol'
import { readEventsRequest, readJob } from '../protocol/read'
import {
  crossSite,
  hostFailure,
  jobNotFound,
  json,
  methodNotAllowed,
  notAllowed,
  Refusal,
  routeNotFound,
  signedOut,
} from './answers'
import { type Attempt, type Audit, auditEntry } from './audit'
import { crossOriginHeaders, preflight } from './crossOrigin'
import { inTurn } from './inTurn'
import type { Authorize, TrainingAction, TrainingUser } from './permission'
import { readBody } from './readBody'
import { relayStream } from './relayStream'
import { type KnownRoute, matchRoute } from './routes'
import { isSameOrigin } from './sameOrigin'
import { passOn, Upstream, type UpstreamRequest } from './upstream'

/** Who is asking, what they may, and where the training server is. */
export interface TrainingHandlerOptions<User extends TrainingUser> {
  /** Who is asking, by the host's own session; null for nobody, who is answered with 401. */
  authenticate: (request: Request) => User | null | Promise<User | null>
  /**
   * Whether they may. What is refused looks as if the job did not exist. Default: users have the jobs that they
   * started, which the training server sees to. With an `authorize` of your own only that counts: every job is read
   * with the service token first, and lists hold what `read` is granted for. Give one where the training server is a
   * minimal one that knows no owners: to such a one every job is everybody's.
   */
  authorize?: Authorize<User> | undefined
  /** Where the training server is, e.g. `http://127.0.0.1:8000`, and its token, which never leaves the host. */
  trainingServer: { url: string; token: string }
  /** Where this handler is mounted. Default `/api/training`. */
  basePath?: string | undefined
  /**
   * Told of every attempt to start, cancel, pause or resume, after it was answered, refused ones too: those of nobody
   * who is signed in, those of other sites' pages, and those with a body that can't be taken.
   */
  audit?: Audit<User> | undefined
  /**
   * Other origins whose pages may call, e.g. `https://app.example.com`: they get the CORS headers, also for credentials,
   * and their preflight requests are answered. Default: none but the host's own.
   */
  allowedOrigins?: readonly string[] | undefined
  /** Default 65,536. A wish to watch many jobs may have 2 MiB all the same. */
  maxBodyBytes?: number | undefined
  /** Seconds to wait for the training server, beside what `Prefer: wait` asks for. Default 20. */
  answerTimeoutSeconds?: number | undefined
  /** Default: the global one. */
  fetch?: typeof globalThis.fetch | undefined
}

/**
 * Makes one fetch handler for the host's whole `/api/training/*`: who is it, may they, forward to the training server,
 * audit. Streams are handed through. Mounted on the control path alone, it is just that route. It never throws.
 */
export function createTrainingHandler<User extends TrainingUser>(
  options: TrainingHandlerOptions<User>,
): (request: Request) => Promise<Response> {
  const handler = new TrainingHandler(options)
  return (request) => handler.handle(request)
}

/** Room for as many jobs as one stream takes, each with its cursor. */
const maxWatchBytes = 2 * 1024 * 1024
/** A page of many jobs must not be as many connections to the training server. */
const readsAtOnce = 16

/** A call that may be decided on. */
interface Call<User extends TrainingUser> {
  request: Request
  user: User
  route: KnownRoute
  search: string
  body: { text: string; value: Record<string, unknown> } | null
  action: TrainingAction
}

class TrainingHandler<User extends TrainingUser> {
  readonly #options: TrainingHandlerOptions<User>
  readonly #upstream: Upstream
  readonly #basePath: string

  constructor(options: TrainingHandlerOptions<User>) {
    const {
      trainingServer,
      basePath = '/api/training',
      fetch = (input, init) => globalThis.fetch(input, init),
      answerTimeoutSeconds = 20,
    } = options
    this.#options = options
    this.#basePath = basePath.replace(/\/+$/, '')
    this.#upstream = new Upstream({ ...trainingServer, fetch, answerTimeoutSeconds })
  }

  async handle(request: Request): Promise<Response> {
    const allowedOrigins = this.#options.allowedOrigins ?? []
    const response = preflight(request, allowedOrigins) ?? (await this.#audited(request))
    const shared = crossOriginHeaders(request, allowedOrigins) ?? {}
    for (const [name, value] of Object.entries(shared)) response.headers.set(name, value)
    return response
  }

  /** Answers, and tells the audit hook of it, if it was about a change. */
  async #audited(request: Request): Promise<Response> {
    const attempt: Attempt<User> = {
      ...{ request, isChange: false, user: null, action: null, jobId: null, body: null },
    }
    const response = await this.#answer(attempt).catch((error) => {
      if (error instanceof Refusal) return error.response()
      console.error('Trainstop: a call could not be handled:', error)
      return hostFailure('This app could not handle the call. Try again in a moment.').response()
    })
    const { audit } = this.#options
    if (audit && attempt.isChange) {
      try {
        await audit(await auditEntry(attempt, response))
      } catch (error) {
        // The command may be accepted by now: to answer with an error would be a lie.
        console.error('Trainstop: the audit hook failed:', error)
      }
    }
    return response
  }

  async #answer(attempt: Attempt<User>): Promise<Response> {
    const { request } = attempt
    const url = new URL(request.url)
    const route = this.#route(request.method, url.pathname)
    attempt.isChange = route.kind === 'control' || route.kind === 'start'
    if (route.kind === 'control') attempt.jobId = route.jobId
    if (route.kind === 'start') attempt.action = 'start'
    if (route.kind === 'control' && route.action !== 'in_body') attempt.action = route.action
    const asks = request.method !== 'GET'
    const isStream = route.kind === 'watch' || (route.kind === 'read' && route.stream)
    if ((asks || isStream) && !isSameOrigin(request, this.#options.allowedOrigins ?? [])) throw crossSite()
    const user = await this.#options.authenticate(request)
    // A host without types may answer `undefined` for nobody.
    if (user === null || user === undefined) throw signedOut()
    if (!isOwner(user.id)) {
      throw new TypeError(
        'authenticate must answer a user with an `id`, a string of 1 to 512 characters: jobs are theirs by it.',
      )
    }
    attempt.user = user

    const maxBytes = Math.max(
      this.#options.maxBodyBytes ?? 65_536,
      route.kind === 'watch' ? maxWatchBytes : 0,
    )
    const body = asks ? await readBody(request, maxBytes) : null
    attempt.body = body?.value ?? null
    const action = actionOf(route, body)
    if (route.kind === 'control') attempt.action = action as CommandAction
    const call: Call<User> = { request, user, route, search: url.search, body, action }
    if (route.kind === 'watch') return await this.#watch(call)
    return await this.#carryOut(call)
  }

  #route(method: string, pathname: string): KnownRoute {
    if (!pathname.startsWith(`${this.#basePath}/`)) throw routeNotFound()
    const match = matchRoute(method, pathname.slice(this.#basePath.length))
    if ('found' in match) return match.found
    switch (match.problem) {
      case 'no_such_route':
        throw routeNotFound()
      case 'no_such_job':
        throw jobNotFound()
      case 'method_not_allowed':
        throw methodNotAllowed(match.allow)
    }
  }

  async #carryOut(call: Call<User>): Promise<Response> {
    const { route } = call
    await this.#authorize(call)
    if (route.kind === 'read' && route.stream) return this.#upstream.stream(this.#forward(call))
    const { response, text, body } = await this.#upstream.answer(this.#forward(call))
    if (route.kind === 'list' && this.#options.authorize && response.ok) return this.#visibleJobs(call, body)
    return passOn(response, text)
  }

  /** One stream of many jobs. Of those that this user may not read it says what it says of jobs that never were. */
  async #watch(call: Call<User>): Promise<Response> {
    const wish = readEventsRequest(call.body?.value)
    if (!wish.ok) {
      const error = 'The body needs "jobs": 1 to 10,000 ids, each with the cursor to go on from, or null.'
      throw new Refusal('invalid_request', error, { status: 422, field: 'jobs' })
    }
    const { authorize } = this.#options
    if (!authorize) return this.#upstream.stream(this.#forward(call))
    const ids = Object.keys(wish.value.jobs)
    const mayRead = await inTurn(ids, readsAtOnce, (id) => this.#mayRead(call, authorize, id))
    const jobs: EventsRequest['jobs'] = {}
    ids.forEach((id, index) => {
      if (mayRead[index]) jobs[id] = wish.value.jobs[id] ?? null
    })
    const gone = new TextEncoder().encode(
      ids
        .filter((_, index) => !mayRead[index])
        .map(goneEvent)
        .join(''),
    )
    if (Object.keys(jobs).length === 0) {
      const nothing = new ReadableStream<Uint8Array>({ start: (controller) => controller.close() })
      return relayStream(nothing, () => {}, call.request.signal, gone)
    }
    const text = JSON.stringify({ jobs })
    return this.#upstream.stream(this.#forward({ ...call, body: { text, value: { jobs } } }), gone)
  }

  async #mayRead(call: Call<User>, authorize: Authorize<User>, jobId: string): Promise<boolean> {
    try {
      const job = await this.#readJob(call, jobId)
      return await authorize({ user: call.user, action: 'read', jobId, job })
    } catch (error) {
      if (error instanceof Refusal && error.code === 'job_not_found') return false
      throw error
    }
  }

  #forward({ request, user, route, search, body }: Call<User>): UpstreamRequest {
    return {
      method: ['control', 'start', 'watch'].includes(route.kind) ? 'POST' : 'GET',
      path: route.path,
      short: shortCall(route, body),
      search,
      body: body?.text ?? null,
      from: request,
      user,
      // A job that is started gets its owner this way, whoever decides over it later.
      ownJobsOnly: this.#options.authorize === undefined || route.kind === 'start',
    }
  }

  async #authorize(call: Call<User>): Promise<void> {
    const { authorize } = this.#options
    if (!authorize) return
    const { user, action, route } = call
    const jobId = 'jobId' in route ? route.jobId : null
    const job = jobId === null ? null : await this.#readJob(call, jobId)
    if (await authorize({ user, action, jobId, job })) return
    throw jobId === null ? notAllowed() : jobNotFound()
  }

  /** Null where the training server has no call for it. Throws where there is no such job, or no server. */
  async #readJob({ request, user }: Call<User>, jobId: string): Promise<Job | null> {
    const from = new Request(request.url, { signal: request.signal })
    const path = `/jobs/${jobId}`
    const about = { path, short: null, search: '', body: null, from, user } as const
    const read = { method: 'GET', ...about, ownJobsOnly: false } as const
    const answer = await this.#upstream.answer(read).catch((error) => {
      if (error instanceof Refusal && error.code === 'not_found') return null
      throw error
    })
    if (answer === null || [404, 405, 501].includes(answer.response.status)) return null
    const { response, body } = answer
    const parsed = readJob((body as { job?: unknown } | null)?.job)
    if (response.ok && parsed.ok) return parsed.value
    throw hostFailure("The training server's answer could not be understood. Try again in a moment.")
  }

  /** A page of a list without the jobs that this user may not read. It may be shorter than was asked for. */
  async #visibleJobs({ user }: Call<User>, body: unknown): Promise<Response> {
    const { authorize } = this.#options
    const page = body as { jobs?: unknown } | null
    if (!Array.isArray(page?.jobs) || !authorize)
      throw hostFailure("The training server's answer could not be understood.")
    const visible = await Promise.all(
      page.jobs.map(async (wire) => {
        const read = readJob(wire)
        if (!read.ok) return []
        const mayRead = await authorize({ user, action: 'read', jobId: read.value.id, job: read.value })
        return mayRead ? [wire] : []
      }),
    )
    return json({ ...page, jobs: visible.flat() }, 200)
  }
}

/** In the training server's own words for a job that it does not have. */
function goneEvent(jobId: string): string {
  const event = {
    ...{ job_id: jobId, generation: 0, seq: 0, at: new Date().toISOString(), type: 'gone' },
    data: { reason: 'There is no such job here.' },
  }
  return `event: gone\ndata: ${JSON.stringify(event)}\n\n`
}

/** The same call as a minimal training server may have it alone: the action in the path, the options in the body. */
function shortCall(route: KnownRoute, body: Call<TrainingUser>['body']): UpstreamRequest['short'] {
  if (route.kind !== 'control' || route.action !== 'in_body') return null
  const { action: _, ...options } = body?.value ?? {}
  return { path: `/${actionInBody(body)}/${route.jobId}`, body: JSON.stringify(options) }
}

/** Nobody may end up as the "undefined" or "[object Object]" whose jobs are everybody's. */
function isOwner(id: unknown): boolean {
  return typeof id === 'string' && id !== '' && id.length <= 512
}

function actionOf(route: KnownRoute, body: Call<TrainingUser>['body']): TrainingAction {
  switch (route.kind) {
    case 'start':
    case 'read':
      return route.kind
    case 'watch':
      return 'read'
    case 'list':
    case 'about':
      return 'list'
    case 'control':
      return route.action === 'in_body' ? actionInBody(body) : route.action
  }
}

function actionInBody(body: Call<TrainingUser>['body']): CommandAction {
  const action = commandActions.find((name) => name === body?.value.action)
  if (action) return action
  const error = `The body needs an "action": one of ${commandActions.join(', ')}.`
  throw new Refusal('invalid_request', error, { status: 422, field: 'action' })
}
