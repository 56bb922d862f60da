import { describe, expect, it, vi } from 'vitest'
import { cancelJob } from '../actions/cancelJob'
import { createTrainingClient } from '../client/createTrainingClient'
import { sampleCommand, vector, wireJob } from '../scripted/samples'
import { answer, cut, type Script, type ScriptedServer, scriptedServer } from '../scripted/scriptedServer'
import { http } from '../transports/http/http'
import type { AuditEntry } from './audit'
import { createTrainingHandler, type TrainingHandlerOptions } from './createTrainingHandler'
import type { AuthorizeRequest } from './permission'

interface User {
  id: string
  name?: string
  admin?: boolean
}
const ada: User = { id: 'u_1', name: 'Ada Łovelace' }
const token = 'service-token-of-the-host'

const notFound = { success: false, error: 'There is no such job.', code: 'job_not_found' }

/** A training server with one job of Ada's and one of Bob's, as the real one keeps owners apart. */
const trainingServer: Script = ({ path, method, headers }, response) => {
  if (headers.authorization !== `Bearer ${token}`) return answer(response, 401, {})
  const owner = headers['trainstop-owner'] ? decodeURIComponent(String(headers['trainstop-owner'])) : null
  const jobs = [wireJob({ id: 'ada_1', owner: 'u_1' }), wireJob({ id: 'bob_1', owner: 'u_2' })]
  const visible = jobs.filter((job) => owner === null || job.owner === owner)
  const route = path.replace('/api/training', '')
  if (route.startsWith('/jobs?') || route === '/jobs') {
    if (method === 'POST')
      return answer(response, 201, { success: true, job: wireJob({ id: 'new_1', owner }) })
    return answer(response, 200, { success: true, jobs: visible, next_cursor: null })
  }
  if (route === '/capabilities') return answer(response, 200, vector('CapabilitiesAnswer'))
  const job = visible.find(({ id }) => route.split(/[/?]/).includes(id))
  if (!job) return answer(response, 404, { ...notFound, error: `No job ${route}.` })
  if (method === 'GET')
    return answer(response, 200, { success: true, job }, { etag: '"7"', 'set-cookie': 'a=b' })
  const result = { outcome: 'accepted', command: sampleCommand({ id: 'cmd_7' }), job }
  answer(response, 200, { success: true, action: 'cancel', job_id: job.id, result })
}

async function host(options: Partial<TrainingHandlerOptions<User>> = {}, script: Script = trainingServer) {
  const upstream: ScriptedServer = await scriptedServer(script)
  const handler = createTrainingHandler<User>({
    authenticate: () => ada,
    trainingServer: { url: upstream.origin, token },
    ...options,
  })
  const call = (path: string, init: RequestInit = {}) =>
    handler(new Request(`https://app.example/api/training${path}`, init))
  const post = (path: string, body: unknown = {}, headers: Record<string, string> = {}) =>
    call(path, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    })
  return { upstream, handler, call, post }
}

describe('the handler', () => {
  it('forwards a control call in the name of the user, with the token of the host', async () => {
    const { upstream, post } = await host()
    const response = await post(
      '/local/ada_1/control',
      { action: 'cancel', reason: 'overfitting' },
      {
        ...{ 'idempotency-key': 'k1', prefer: 'wait=1', 'if-match': '"7"', cookie: 'session=secret' },
        ...{ authorization: 'Bearer of-the-browser', 'trainstop-owner': 'u_2', 'x-forwarded-for': '1.2.3.4' },
      },
    )
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ success: true, result: { command: { id: 'cmd_7' } } })
    const [received] = upstream.received
    expect(received).toMatchObject({ method: 'POST', path: '/api/training/local/ada_1/control' })
    expect(JSON.parse(received?.body ?? '')).toEqual({ action: 'cancel', reason: 'overfitting' })
    expect(received?.headers).toMatchObject({
      ...{ authorization: `Bearer ${token}`, 'idempotency-key': 'k1', prefer: 'wait=1', 'if-match': '"7"' },
      'trainstop-owner': 'u_1',
    })
    const actor = JSON.parse(decodeURIComponent(String(received?.headers['trainstop-actor'])))
    expect(actor).toEqual({ type: 'user', id: 'u_1', name: 'Ada Łovelace' })
    expect(received?.headers.cookie).toBeUndefined()
    expect(received?.headers['x-forwarded-for']).toBeUndefined()
  })

  it('hands back what the training server answers, but not its cookies', async () => {
    const { call, upstream } = await host()
    const response = await call('/jobs/ada_1?x=1', { headers: { 'if-none-match': '"6"' } })
    expect(await response.json()).toMatchObject({ success: true, job: { id: 'ada_1' } })
    expect(response.headers.get('etag')).toBe('"7"')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('set-cookie')).toBeNull()
    expect(upstream.received[0]).toMatchObject({ path: '/api/training/jobs/ada_1?x=1' })
    expect(upstream.received[0]?.headers['if-none-match']).toBe('"6"')
  })

  it('takes the short control calls too, with a body or without', async () => {
    const { call, upstream } = await host()
    expect((await call('/cancel/ada_1', { method: 'POST' })).status).toBe(200)
    expect(upstream.received[0]).toMatchObject({ path: '/api/training/cancel/ada_1', body: '' })
  })

  it('works where it is mounted, before a training server at any path', async () => {
    const upstream = await scriptedServer((_, response) => answer(response, 200, { success: true }))
    const handler = createTrainingHandler({
      authenticate: () => ada,
      basePath: '/my/runs/',
      trainingServer: { url: `${upstream.origin}/deep/training/`, token },
    })
    const get = (path: string) => handler(new Request(`https://app.example${path}`))
    expect((await get('/my/runs/jobs')).status).toBe(200)
    expect(upstream.received[0]?.path).toBe('/deep/training/jobs')
    expect((await get('/api/training/jobs')).status).toBe(404)
  })

  it.each([
    ['GET', '/'],
    ['GET', '/admin'],
    ['GET', '/jobs/ada_1/secrets'],
    ['GET', '/jobs/ada_1/metrics/x'],
    ['POST', '/local/ada_1'],
    ['GET', '/%E0%A4%A'],
  ])('forwards only what it knows, so not %s %s', async (method, path) => {
    const { call, upstream } = await host()
    const response = await call(path, { method })
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ success: false, code: 'not_found' })
    expect(upstream.received).toEqual([])
  })

  it.each(['..%2f..%2fsecrets', '%2e%2e%2fjobs', 'a%00b', 'a b', 'ä', `${'x'.repeat(65)}`, '%5C..%5C'])(
    'answers the malformed id %s like an unknown job, and forwards nothing',
    async (id) => {
      const { call, upstream } = await host()
      for (const path of [`/jobs/${id}`, `/jobs/${id}/events`]) {
        const response = await call(path)
        expect([response.status, await response.json()]).toEqual([404, notFound])
      }
      expect(upstream.received).toEqual([])
    },
  )

  it('names the method that a call takes', async () => {
    const { call } = await host()
    const response = await call('/local/ada_1/control')
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
    expect((await call('/jobs', { method: 'DELETE' })).headers.get('allow')).toBe('GET, POST')
  })
})

describe('who may', () => {
  it('nobody who is not signed in, and the training server is not even asked', async () => {
    const { call, post, upstream } = await host({ authenticate: async () => null })
    for (const response of [await call('/jobs'), await post('/local/ada_1/control', { action: 'cancel' })]) {
      expect(response.status).toBe(401)
      expect(await response.json()).toMatchObject({ success: false, code: 'unauthenticated' })
    }
    expect(upstream.received).toEqual([])
  })

  it("answers someone else's job in the very bytes of a job that does not exist, on every route", async () => {
    const authorize = ({ user, job }: AuthorizeRequest<User>) => job === null || job.owner === user.id
    for (const options of [{}, { authorize }]) {
      const { call, post } = await host(options)
      const ask = async (id: string) =>
        Promise.all(
          [
            ...['', '/events', '/metrics', '/logs', '/checkpoints', '/commands'].map((part) =>
              call(`/jobs/${id}${part}`),
            ),
            post(`/local/${id}/control`, { action: 'cancel' }),
            ...['cancel', 'pause', 'resume'].map((action) => post(`/${action}/${id}`)),
          ].map(async (pending) => {
            const response = await pending
            return { status: response.status, body: await response.text(), headers: [...response.headers] }
          }),
        )
      const theirs = await ask('bob_1')
      expect(theirs).toEqual(await ask('nobody_1'))
      for (const { status, body } of theirs) expect([status, JSON.parse(body)]).toEqual([404, notFound])
    }
  })

  it('asks an authorize of its own with the user, the action and the job as it is', async () => {
    const asked: unknown[] = []
    const authorize = ({ user, action, jobId, job }: AuthorizeRequest<User>) => {
      asked.push([user.id, action, jobId, job?.owner ?? null])
      return true
    }
    const { call, post, upstream } = await host({ authorize })
    await call('/jobs/bob_1/logs')
    await post('/local/bob_1/control', { action: 'pause' })
    await post('/resume/bob_1')
    await post('/jobs', { template: 'digits' })
    await call('/capabilities')
    expect(asked).toEqual([
      ['u_1', 'read', 'bob_1', 'u_2'],
      ['u_1', 'pause', 'bob_1', 'u_2'],
      ['u_1', 'resume', 'bob_1', 'u_2'],
      ['u_1', 'start', null, null],
      ['u_1', 'list', null, null],
    ])
    // The job itself is read and controlled as the service, since it may be another's; a new one is the user's.
    const owners = upstream.received.map(({ path, headers }) => [
      path.split('/').at(-1),
      headers['trainstop-owner'],
    ])
    expect(owners.filter(([, owner]) => owner !== undefined)).toEqual([['jobs', 'u_1']])
  })

  it('lists what may be read', async () => {
    const mine = await host()
    expect(await ids(await mine.call('/jobs'))).toEqual(['ada_1'])
    const all = await host({ authorize: () => true })
    expect(await ids(await all.call('/jobs?limit=5'))).toEqual(['ada_1', 'bob_1'])
    const bobs = await host({ authorize: ({ action, job }) => action === 'list' || job?.owner === 'u_2' })
    expect(await ids(await bobs.call('/jobs'))).toEqual(['bob_1'])
    async function ids(response: Response) {
      return (await response.json()).jobs.map(({ id }: { id: string }) => id)
    }
  })

  it('refuses a start with 403, for there is no job to hide', async () => {
    const { post, upstream } = await host({ authorize: () => false })
    const response = await post('/jobs', { template: 'digits' })
    expect([response.status, (await response.json()).code]).toEqual([403, 'forbidden'])
    expect(upstream.received).toEqual([])
  })

  it('can be decided without the job, before a server that has no call to read one', async () => {
    const script: Script = ({ method }, response) => {
      if (method === 'GET') return void response.writeHead(404).end('<h1>Not Found</h1>')
      answer(response, 200, { success: true, action: 'cancel', job_id: 'x', result: 'stopping' })
    }
    const { post } = await host({ authorize: ({ jobId, job }) => job === null && jobId === 'x' }, script)
    expect((await post('/local/x/control', { action: 'cancel' })).status).toBe(200)
    expect((await post('/local/y/control', { action: 'cancel' })).status).toBe(404)
  })

  it.each(['authenticate', 'authorize'] as const)('nobody, where %s throws', async (hook) => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { post, upstream } = await host({
      [hook]: () => {
        throw new Error('database password is hunter2')
      },
    })
    const response = await post('/local/ada_1/control', { action: 'cancel' })
    const body = await response.text()
    expect([response.status, JSON.parse(body).code]).toEqual([500, 'internal'])
    expect(body).not.toContain('hunter2')
    expect(log).toHaveBeenCalledOnce()
    expect(upstream.received.filter(({ method }) => method === 'POST')).toEqual([])
  })
})

describe('one stream of many jobs', () => {
  const jobs = { ada_1: '1.7', bob_1: null, nobody_1: null }
  const script: Script = (request, response) => {
    if (!request.path.endsWith('/events')) return trainingServer(request, response)
    const asked = Object.keys(JSON.parse(request.body).jobs)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end(asked.map((id) => `event: bookmark\ndata: ${id}\n\n`).join(''))
  }
  const told = async (response: Response) => (await response.text()).match(/(?<="job_id":"|data: )\w+_1/g)

  it('is for the training server to keep to the jobs of the user', async () => {
    const { post, upstream } = await host({}, script)
    const response = await post('/events', { jobs })
    expect(await told(response)).toEqual(['ada_1', 'bob_1', 'nobody_1'])
    expect(upstream.received).toHaveLength(1)
    expect(upstream.received[0]).toMatchObject({ method: 'POST', headers: { 'trainstop-owner': 'u_1' } })
    expect(JSON.parse(upstream.received[0]?.body ?? '')).toEqual({ jobs })
  })

  it('tells nothing of jobs that authorize refuses, in the words for jobs that never were', async () => {
    const { post, upstream } = await host({ authorize: ({ job }) => job?.owner === 'u_1' }, script)
    const text = await (await post('/events', { jobs })).text()
    const asked = upstream.received.filter(({ path }) => path.endsWith('/events'))
    expect(asked.map(({ body }) => JSON.parse(body))).toEqual([{ jobs: { ada_1: '1.7' } }])
    const [bob, nobody, rest] = text.split('\n\n')
    const withoutId = (event: string | undefined) => event?.replace(/(bob|nobody)_1|"at":"[^"]+"/g, '')
    expect(bob).toContain('bob_1')
    expect(withoutId(nobody)).toBe(withoutId(bob))
    expect(rest).toContain('ada_1')
  })

  it('says so of every job when none is left, and asks nobody', async () => {
    const { post, upstream } = await host({ authorize: () => false }, script)
    expect(await told(await post('/events', { jobs: { ada_1: null } }))).toEqual(['ada_1'])
    expect(upstream.received.filter(({ path }) => path.endsWith('/events'))).toEqual([])
  })

  it('may be of ten thousand jobs, which are asked about a few at a time', async () => {
    const ids = Array.from({ length: 10_000 }, (_, i) => `job_of_a_long_list_${i}_1`)
    const wish = Object.fromEntries(ids.map((id) => [id, `1.${id.length}00000`]))
    const { post, upstream } = await host({}, script)
    expect(await told(await post('/events', { jobs: wish }))).toEqual(ids)
    expect(JSON.parse(upstream.received[0]?.body ?? '')).toEqual({ jobs: wish })

    let asking = 0
    let most = 0
    const slow: Script = async (request, response) => {
      most = Math.max(most, ++asking)
      await new Promise((resolve) => setImmediate(resolve))
      asking--
      return script(request, response)
    }
    const several = await host({ authorize: () => true }, slow)
    const some = Object.fromEntries(ids.slice(0, 50).map((id) => [id, null]))
    expect(await told(await several.post('/events', { jobs: some }))).toHaveLength(50)
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(16)
  })

  it('is refused where it makes no sense', async () => {
    const { post, upstream } = await host({}, script)
    const tooMany = Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`job_${i}`, null]))
    const senseless = [
      {},
      { jobs: {} },
      { jobs: { '../x': null } },
      { jobs: { ada_1: 7 } },
      { jobs: tooMany },
    ]
    for (const body of senseless) {
      const response = await post('/events', body)
      expect(response.status).toBe(422)
      expect(await response.json()).toMatchObject({ code: 'invalid_request', field: 'jobs' })
    }
    expect(upstream.received).toEqual([])
  })
})

describe('a user', () => {
  it.each([undefined, null])('who is %s is nobody', async (user) => {
    const { call, upstream } = await host({ authenticate: () => user as null })
    expect((await call('/jobs')).status).toBe(401)
    expect(upstream.received).toEqual([])
  })

  it.each<unknown>([undefined, null, '', 7, {}, 'x'.repeat(513)])(
    'whose id is %j shares no jobs with others of that kind: nothing is forwarded',
    async (id) => {
      const log = vi.spyOn(console, 'error').mockImplementation(() => {})
      const { call, post, upstream } = await host({ authenticate: () => ({ id }) as User })
      for (const response of [await call('/jobs'), await post('/cancel/ada_1')]) {
        expect([response.status, (await response.json()).code]).toEqual([500, 'internal'])
      }
      expect(upstream.received).toEqual([])
      expect(String(log.mock.calls[0]?.[1])).toContain('`id`')
    },
  )

  it.each<[string, string, string | null]>([
    ['with a tab and a line break', 'Ada\t\nŁovelace', 'Ada Łovelace'],
    ['cut in the middle of a character', 'Ada \ud83d', 'Ada'],
    ['longer than a header', 'é'.repeat(5000), 'é'.repeat(200)],
    ['of nothing that can be seen', '\u009b\u0000', null],
  ])('can stop a run whatever the name: one %s', async (_, name, shown) => {
    const { post, upstream } = await host({ authenticate: () => ({ id: 'u_1', name }) })
    expect((await post('/cancel/ada_1')).status).toBe(200)
    const actor = JSON.parse(decodeURIComponent(String(upstream.received[0]?.headers['trainstop-actor'])))
    expect(actor).toEqual({ type: 'user', id: 'u_1', name: shown })
  })
})

describe('a request from elsewhere', () => {
  const control = ['/local/ada_1/control', { action: 'cancel' }] as const

  it.each<[string, Record<string, string>]>([
    ['another site, says the browser', { 'sec-fetch-site': 'cross-site' }],
    ['another subdomain', { 'sec-fetch-site': 'same-site' }],
    ['another origin, with an old browser', { origin: 'https://evil.example', host: 'app.example' }],
    ['a sandboxed frame', { origin: 'null', host: 'app.example' }],
    ['another port', { origin: 'https://app.example:8443', host: 'app.example' }],
    ['the host, forged by a script', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
  ])('is refused: %s', async (_, headers) => {
    const { post, call, upstream } = await host()
    const answers = [await post(...control, headers), await call('/jobs/ada_1/events', { headers })]
    expect(answers.map(({ status }) => status)).toEqual([403, 403])
    expect(upstream.received).toEqual([])
  })

  it.each<[string, Record<string, string>]>([
    ["the host's own page", { 'sec-fetch-site': 'same-origin', origin: 'https://app.example' }],
    ["the host's own page, with an old browser", { origin: 'https://app.example', host: 'app.example' }],
    ['no browser at all', {}],
    ['an origin that the host allows', { origin: 'https://admin.example', 'sec-fetch-site': 'cross-site' }],
  ])('is taken: %s', async (_, headers) => {
    const { post } = await host({ allowedOrigins: ['https://admin.example'] })
    expect((await post(...control, headers)).status).toBe(200)
  })
})

describe('a body', () => {
  const path = '/local/ada_1/control'

  it.each<[number, string, Parameters<Awaited<ReturnType<typeof host>>['post']>]>([
    [400, 'is not JSON', [path, '{"action":']],
    [400, 'is not an object', [path, '[]']],
    [422, 'has no action', [path, {}]],
    [422, 'has an unknown action', [path, { action: 'explode' }]],
    [415, 'is a form', [path, 'action=cancel', { 'content-type': 'application/x-www-form-urlencoded' }]],
    [415, 'is sent as text', [path, '{"action":"cancel"}', { 'content-type': 'text/plain' }]],
    [413, 'is too large', [path, { action: 'cancel', note: 'x'.repeat(70_000) }]],
  ])('is refused with %i where it %s, and changes nothing', async (status, _, request) => {
    const { post, upstream } = await host()
    const response = await post(...request)
    expect([response.status, (await response.json()).code]).toEqual([status, 'invalid_request'])
    expect(upstream.received).toEqual([])
  })

  it('is not read beyond the limit, however long it goes on', async () => {
    const { handler } = await host()
    let pulled = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++
        controller.enqueue(new Uint8Array(16_384))
      },
    })
    const request = new Request('https://app.example/api/training/local/ada_1/control', {
      ...{ method: 'POST', body: endless, headers: { 'content-type': 'application/json' } },
      ...{ duplex: 'half' },
    })
    expect((await handler(request)).status).toBe(413)
    expect(pulled).toBeLessThan(10)
  })
})

describe('a training server that is not well', () => {
  const sentence = "The training server can't be reached, so nothing was changed. Try again in a moment."
  const control = ['/local/ada_1/control', { action: 'cancel' }] as const

  it('refuses connections: nothing was changed, and that is said', async () => {
    const { post, call, upstream } = await host()
    await upstream.stop()
    for (const response of [await post(...control), await call('/jobs'), await call('/jobs/ada_1/events')]) {
      expect(response.status).toBe(502)
      expect(await response.json()).toEqual({ success: false, error: sentence, code: 'server_unreachable' })
    }
  })

  it('is lost after a control call was sent: nobody knows, and that is said', async () => {
    const { post, call } = await host({}, (_, response) => cut(response))
    const response = await post(...control)
    expect([response.status, (await response.json()).code]).toEqual([504, 'outcome_unknown'])
    expect((await call('/jobs')).status).toBe(502)
  })

  it('does not answer in time', async () => {
    const { post } = await host({ answerTimeoutSeconds: 0.05 }, () => {})
    expect((await post(...control)).status).toBe(504)
  })

  it.each<[string, Script, number, string]>([
    ['HTML', (_, response) => void response.end('<p>hi'), 504, 'outcome_unknown'],
    [
      'a redirect',
      (_, response) => void response.writeHead(307, { location: '/x' }).end(),
      504,
      'outcome_unknown',
    ],
    ['a bare 404', (_, response) => void response.writeHead(404).end(), 404, 'not_found'],
    [
      'a refusal of the token',
      (_, response) => answer(response, 401, { error: `bad ${token}` }),
      500,
      'internal',
    ],
    [
      'a refusal of its own',
      (_, response) => answer(response, 409, { success: false, code: 'conflict' }),
      409,
      'conflict',
    ],
  ])('answers %s', async (_, script, status, code) => {
    const { post, upstream } = await host({}, script)
    const response = await post(...control)
    const body = await response.text()
    expect([response.status, JSON.parse(body).code]).toEqual([status, code])
    expect(body).not.toContain(token)
    // A path that is not there is asked for under its other name, which changes nothing either.
    expect(upstream.received).toHaveLength(status === 404 ? 2 : 1)
  })

  it('begins an error that never ends: it is not waited for, nor is one beyond all measure kept', async () => {
    const dripping: Script = (_, response) => {
      response.writeHead(500, { 'content-type': 'application/json' }).write('{"success":false')
    }
    const { call } = await host({ answerTimeoutSeconds: 0.05 }, dripping)
    for (const path of ['/jobs/ada_1/events', '/jobs/ada_1']) {
      expect((await call(path)).status).toBe(502)
    }
    const pouring: Script = (_, response) => {
      response.writeHead(500)
      const pour = () => {
        while (response.write('x'.repeat(65_536)));
        response.once('drain', pour)
      }
      pour()
    }
    const other = await host({}, pouring)
    expect((await other.call('/jobs/ada_1/events')).status).toBe(502)
    expect((await other.post(...control)).status).toBe(504)
  })

  it('is let go when the browser leaves in the middle of an error', async () => {
    const left = new AbortController()
    let isClosed: () => void = () => {}
    const closed = new Promise<void>((resolve) => {
      isClosed = resolve
    })
    const { handler } = await host({}, (_, response) => {
      response.on('close', isClosed)
      response.writeHead(500).write('{', () => left.abort())
    })
    const url = 'https://app.example/api/training/jobs/ada_1/events'
    expect((await handler(new Request(url, { signal: left.signal }))).status).toBe(502)
    await closed
  })
})

describe('a training server that has the short control calls alone', () => {
  const action = /^\/api\/training\/(cancel|pause|resume)\/([\w-]+)$/
  /** As a small FastAPI or Express app has them; `unknown` is what it says of other paths. */
  const shortServer =
    (unknown: Script, handled: string[]): Script =>
    (request, response) => {
      const [, name, id] = action.exec(request.path) ?? []
      if (request.method !== 'POST' || !name) return unknown(request, response)
      if (id === 'nobody') {
        return answer(response, 404, { success: false, error: 'No job nobody.' })
      }
      handled.push(`${name} ${id} ${request.body}`)
      answer(response, 200, { success: true, action: name, job_id: id, result: { message: 'ok' } })
    }
  const unknowns: [string, Script][] = [
    ['a bare 404', (_, response) => void response.writeHead(404).end('Cannot POST')],
    ['JSON', (_, response) => answer(response, 404, { detail: 'Not Found' })],
    [
      'the code not_found',
      (_, response) => answer(response, 404, { success: false, error: 'No.', code: 'not_found' }),
    ],
    ['405', (_, response) => answer(response, 405, { detail: 'Method Not Allowed' })],
  ]

  it.each(unknowns)(
    'is found to be one by %s, remembered, and each order is given once',
    async (_, unknown) => {
      const handled: string[] = []
      const { post, upstream } = await host({}, shortServer(unknown, handled))
      const order = { action: 'cancel', mode: 'force', note: 'x' }
      const headers = { 'idempotency-key': 'k1' }
      const response = await post('/local/a_1/control', order, headers)
      expect(await response.json()).toEqual({
        ...{ success: true, action: 'cancel', job_id: 'a_1', result: { message: 'ok' } },
      })
      await post('/local/a_1/control', { action: 'pause' })
      await post('/resume/a_1', { from: 'best' })
      expect(handled).toEqual([
        'cancel a_1 {"mode":"force","note":"x"}',
        'pause a_1 {}',
        'resume a_1 {"from":"best"}',
      ])
      expect(upstream.received.map(({ path }) => path.split('/')[3])).toEqual([
        'local',
        'cancel',
        'pause',
        'resume',
      ])
      expect(upstream.received[1]?.headers).toMatchObject({ 'idempotency-key': 'k1' })
    },
  )

  it('is stopped by the SDK through the handler', async () => {
    const handled: string[] = []
    const { handler } = await host({}, shortServer(unknowns[0]?.[1] as Script, handled))
    const transport = http({
      url: 'https://app.example/api/training',
      fetch: (input, init) => handler(new Request(input, init)),
    })
    expect(await cancelJob(createTrainingClient({ transport }), { jobId: 'a_1' })).toEqual({
      ...{ ok: true, outcome: 'accepted', command: null, job: null },
    })
    expect(handled).toEqual(['cancel a_1 {}'])
  })

  it('is believed when it says that there is no such job', async () => {
    const { post } = await host({}, shortServer(unknowns[0]?.[1] as Script, []))
    const response = await post('/local/nobody/control', { action: 'cancel' })
    expect([response.status, await response.json()]).toEqual([
      404,
      { success: false, error: 'No job nobody.' },
    ])
  })

  it('that becomes a whole one, or the other way round, is found again', async () => {
    const handled: string[] = []
    const short = shortServer((_, response) => void response.writeHead(404).end(), handled)
    let isWhole = false
    const whole: Script = ({ path }, response) => {
      if (!path.endsWith('/control')) return void response.writeHead(404).end()
      answer(response, 200, { success: true, action: 'cancel', job_id: 'a_1', result: null })
    }
    const { post } = await host({}, (request, response) => (isWhole ? whole : short)(request, response))
    for (const now of [false, true, false]) {
      isWhole = now
      expect((await post('/local/a_1/control', { action: 'cancel' })).status).toBe(200)
    }
    expect(handled).toHaveLength(2)
  })

  it('is not asked again under the other name when an order got lost', async () => {
    const { post, upstream } = await host({}, (_, response) => cut(response))
    expect((await post('/local/a_1/control', { action: 'resume' })).status).toBe(504)
    expect(upstream.received).toHaveLength(1)
  })
})

describe('a page of another origin', () => {
  const origin = 'https://admin.example'
  const preflightOf = (headers: Record<string, string>) => ({
    method: 'OPTIONS',
    headers: { 'access-control-request-method': 'POST', ...headers },
  })

  it('that is allowed may ask before it calls, then call, and read answers and errors', async () => {
    const { call, post, upstream } = await host({ allowedOrigins: [origin] })
    const asked = await call(
      '/local/ada_1/control',
      preflightOf({ origin, 'access-control-request-headers': 'content-type,idempotency-key,x-session' }),
    )
    expect(asked.status).toBe(204)
    expect(Object.fromEntries(asked.headers)).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'content-type,idempotency-key,x-session',
      vary: 'Origin',
    })
    expect(upstream.received).toEqual([])
    const headers = { origin, 'sec-fetch-site': 'cross-site' }
    for (const [response, status] of [
      [await post('/local/ada_1/control', { action: 'cancel' }, headers), 200],
      [await post('/local/bob_1/control', { action: 'cancel' }, headers), 404],
      [await post('/local/ada_1/control', '{', headers), 400],
      [await call('/jobs/ada_1', { headers }), 200],
      [await call('/nowhere', { headers }), 404],
    ] as const) {
      expect(response.status).toBe(status)
      expect(response.headers.get('access-control-allow-origin')).toBe(origin)
      expect(response.headers.get('access-control-expose-headers')).toContain('retry-after')
    }
  })

  it('may watch a job, too', async () => {
    const { call } = await host({ allowedOrigins: [origin] }, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(': hello\n\n')
    })
    const response = await call('/jobs/ada_1/events', { headers: { origin, 'sec-fetch-site': 'cross-site' } })
    expect(response.headers.get('access-control-allow-origin')).toBe(origin)
    expect(await response.text()).toBe(': hello\n\n')
  })

  it.each([
    [[], origin],
    [[origin], 'https://evil.example'],
    [[origin], 'null'],
    [[origin], `${origin}.evil.example`],
  ])('where %j are allowed is told nothing for %s', async (allowedOrigins, from) => {
    const { call, post, upstream } = await host({ allowedOrigins })
    const responses = [
      await call('/local/ada_1/control', preflightOf({ origin: from })),
      await post(
        '/local/ada_1/control',
        { action: 'cancel' },
        { origin: from, 'sec-fetch-site': 'cross-site' },
      ),
    ]
    expect(responses.map(({ status }) => status)).toEqual([405, 403])
    for (const { headers } of responses) expect(headers.get('access-control-allow-origin')).toBeNull()
    expect(upstream.received).toEqual([])
  })
})

describe('the audit hook', () => {
  it('is told of every attempt to change something, once it was answered', async () => {
    const entries: AuditEntry<User>[] = []
    const { post, call } = await host({ audit: (entry) => void entries.push(entry) })
    const body = { action: 'cancel', reason: 'cost', note: 'too dear' }
    await post('/local/ada_1/control', body, { 'idempotency-key': 'k1' })
    await post('/pause/bob_1')
    await post('/jobs', { template: 'digits' })
    await call('/jobs/ada_1')
    expect(entries).toMatchObject([
      {
        ...{ user: ada, action: 'cancel', jobId: 'ada_1', status: 200, code: null, commandId: 'cmd_7' },
        ...{ reason: 'cost', note: 'too dear', idempotencyKey: 'k1' },
      },
      { action: 'pause', jobId: 'bob_1', status: 404, code: 'job_not_found', commandId: null },
      { action: 'start', jobId: 'new_1', status: 201, code: null },
    ])
    expect(entries[0]?.at).toBeInstanceOf(Date)
  })

  it('is told of what was refused at the door, too', async () => {
    const entries: AuditEntry<User>[] = []
    let user: User | null = ada
    const { post, call } = await host({
      audit: (entry) => void entries.push(entry),
      authenticate: () => user,
    })
    await post('/local/ada_1/control', { action: 'cancel' }, { 'sec-fetch-site': 'cross-site' })
    await post('/local/ada_1/control', '{"action":')
    await post('/cancel/ada_1', { note: 'x'.repeat(70_000) }, { 'idempotency-key': 'k2' })
    await post('/local/ada_1/control', { action: 'explode', reason: 'cost' })
    user = null
    await post('/resume/ada_1')
    await call('/jobs')
    expect(
      entries.map(({ user, action, jobId, status }) => [user?.id ?? null, action, jobId, status]),
    ).toEqual([
      [null, null, 'ada_1', 403],
      ['u_1', null, 'ada_1', 400],
      ['u_1', 'cancel', 'ada_1', 413],
      ['u_1', null, 'ada_1', 422],
      [null, 'resume', 'ada_1', 401],
    ])
    expect(entries[2]).toMatchObject({ code: 'invalid_request', idempotencyKey: 'k2' })
    expect(entries[3]).toMatchObject({ reason: 'cost' })
  })

  it('is told of what the host itself failed at', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const entries: AuditEntry<User>[] = []
    const { post } = await host({
      audit: (entry) => void entries.push(entry),
      authenticate: () => Promise.reject(new Error('session store is away')),
    })
    await post('/cancel/ada_1')
    expect(entries).toMatchObject([{ user: null, action: 'cancel', jobId: 'ada_1', status: 500 }])
  })

  it('that fails does not make a lie of an accepted stop', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { post } = await host({ audit: () => Promise.reject(new Error('disk full')) })
    expect((await post('/local/ada_1/control', { action: 'cancel' })).status).toBe(200)
    expect(log).toHaveBeenCalledOnce()
  })
})
