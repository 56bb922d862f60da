import { describe, expect, it, vi } from 'vitest'
import { answer, type Script, scriptedServer } from '../scripted/scriptedServer'
import { ada, host, notFound, token, trainingServer, type User } from '../scripted/trainingHost'
import { createTrainingHandler } from './createTrainingHandler'
import type { AuthorizeRequest } from './permission'

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
