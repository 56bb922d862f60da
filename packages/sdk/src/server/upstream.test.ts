import { describe, expect, it } from 'vitest'
import { cancelJob } from '../actions/cancelJob'
import { createTrainingClient } from '../client/createTrainingClient'
import { answer, cut, type Script } from '../scripted/scriptedServer'
import { host, token } from '../scripted/trainingHost'
import { http } from '../transports/http/http'

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
