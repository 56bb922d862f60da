import * as z from 'zod/mini'
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
import type { Audit, AuditEntry } from './audit'
import type { Authorize, TrainingAction, TrainingUser } from './permission'
import { readBody } from './readBody'
import { relayStream } from './relayStream'
import { type KnownRoute, matchRoute } from './routes'
import { isSameOrigin } from './sameOrigin'
import { passOn, Upstream, type UpstreamRequest } from './upstream'

export interface TrainingHandlerOptions<User extends TrainingUser> {
  /** Who is asking, by the host's own session; null for nobody, who is answered with 401. */
  authenticate: (request: Request) => User | null | Promise<User | null>
  /**
   * Whether they may. What is refused looks as if the job did not exist. Default: users have the jobs that they
   * started, which the training server sees to. With an `authorize` of your own only that counts: every job is read
   * with the service token first, and lists hold what `read` is granted for.
   */
  authorize?: Authorize<User> | undefined
  /** Where the training server is, e.g. `http://127.0.0.1:8000`, and its token, which never leaves the host. */
  trainingServer: { url: string; token: string }
  /** Where this handler is mounted. Default `/api/training`. */
  basePath?: string | undefined
  /** Told of every attempt to start, cancel, pause or resume, after it was answered, refused ones too. */
  audit?: Audit<User> | undefined
  /** Other origins whose pages may call, e.g. `https://app.example.com`. Default: none but the host's own. */
  allowedOrigins?: readonly string[] | undefined
  /** Default 65,536. */
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

/** What is known of a call by the time that it is audited. */
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
    try {
      return await this.#answer(request)
    } catch (error) {
      if (error instanceof Refusal) return error.response()
      console.error('Trainstop: a call could not be handled:', error)
      return hostFailure('This app could not handle the call. Try again in a moment.').response()
    }
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url)
    const route = this.#route(request.method, url.pathname)
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

    const body = asks ? await readBody(request, this.#options.maxBodyBytes ?? 65_536) : null
    const call: Call<User> = { request, user, route, search: url.search, body, action: actionOf(route, body) }
    if (route.kind === 'watch') return await this.#watch(call)
    if (!asks) return await this.#carryOut(call)
    return await this.#audited(call)
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
      const error = 'The body needs "jobs": 1 to 200 ids, each with the cursor to go on from, or null.'
      throw new Refusal('invalid_request', error, { status: 422, field: 'jobs' })
    }
    const { authorize } = this.#options
    if (!authorize) return this.#upstream.stream(this.#forward(call))
    const ids = Object.keys(wish.value.jobs)
    const mayRead = await Promise.all(ids.map((id) => this.#mayRead(call, authorize, id)))
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
    const read = { method: 'GET', path, search: '', body: null, from, user, ownJobsOnly: false } as const
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
    const page = z.safeParse(z.looseObject({ jobs: z.array(z.unknown()) }), body)
    if (!page.success || !authorize)
      throw hostFailure("The training server's answer could not be understood.")
    const visible = await Promise.all(
      page.data.jobs.map(async (wire) => {
        const read = readJob(wire)
        if (!read.ok) return []
        const mayRead = await authorize({ user, action: 'read', jobId: read.value.id, job: read.value })
        return mayRead ? [wire] : []
      }),
    )
    return json({ ...page.data, jobs: visible.flat() }, 200)
  }

  async #audited(call: Call<User>): Promise<Response> {
    const response = await this.#carryOut(call).catch((error) => {
      if (error instanceof Refusal) return error.response()
      throw error
    })
    const { audit } = this.#options
    if (audit) {
      try {
        await audit(await auditEntry(call, response))
      } catch (error) {
        // The command is accepted by now: to answer with an error would be a lie.
        console.error('Trainstop: the audit hook failed:', error)
      }
    }
    return response
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

async function auditEntry<User extends TrainingUser>(
  { request, user, route, body, action }: Call<User>,
  response: Response,
): Promise<AuditEntry<User>> {
  const answer = z.safeParse(audited, await response.clone().json())
  const { code = null, job = null, result = null } = answer.success ? answer.data : {}
  return {
    at: new Date(),
    user,
    action: action as AuditEntry['action'],
    jobId: 'jobId' in route ? route.jobId : (job?.id ?? null),
    status: response.status,
    code,
    commandId: result?.command?.id ?? null,
    reason: textOf(body?.value.reason),
    note: textOf(body?.value.note),
    idempotencyKey: request.headers.get('idempotency-key'),
  }
}

const withId = z.catch(z.nullish(z.object({ id: z.string() })), null)
const audited = z.object({
  code: z.catch(z.nullish(z.string()), null),
  job: withId,
  result: z.catch(z.nullish(z.object({ command: withId })), null),
})

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
