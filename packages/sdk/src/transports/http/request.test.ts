import { describe, expect, it, vi } from 'vitest'
import { cancelJob } from '../../actions/cancelJob'
import { getJob } from '../../actions/getJob'
import { createTrainingClient } from '../../client/createTrainingClient'
import type { TrainingError } from '../../errors/trainingError'
import { Collected } from '../../scripted/collected'
import { ManualClock } from '../../scripted/manualClock'
import { wireJob } from '../../scripted/samples'
import { answer, cut, type Script, scriptedServer } from '../../scripted/scriptedServer'
import type { TransportCall } from '../transportCall'
import { type HttpTransportOptions, http } from './http'

const readCall: TransportCall = { name: 'getJob', jobId: 'job_1' }
const control: TransportCall = {
  name: 'controlJob',
  jobId: 'job_1',
  body: { action: 'cancel', mode: 'force' },
  idempotencyKey: 'key-1',
}

async function failure(
  script: Script,
  call: TransportCall = readCall,
  options: Partial<HttpTransportOptions> = {},
): Promise<TrainingError> {
  const server = await scriptedServer(script)
  const transport = http({ url: server.url, clock: new ManualClock(), ...options })
  return transport.request(call, {}).then(
    () => {
      throw new Error('expected a failure')
    },
    (error: TrainingError) => error,
  )
}

describe('a request', () => {
  it('is sent as the protocol wants it, with the headers of the moment', async () => {
    const server = await scriptedServer((_, response) => answer(response, 200, { success: true, extra: 1 }))
    let asked = 0
    const headers = async () => ({ authorization: `Bearer token-${++asked}` })
    const transport = http({ url: `${server.url}/`, headers })
    await expect(transport.request(control, {})).resolves.toEqual({ success: true, extra: 1 })
    await transport.request(readCall, {})

    const [first, second] = server.received
    expect(first).toMatchObject({ method: 'POST', path: '/api/training/local/job_1/control' })
    expect(JSON.parse(first?.body ?? '')).toEqual({ action: 'cancel', mode: 'force' })
    expect(first?.headers).toMatchObject({
      'content-type': 'application/json',
      'idempotency-key': 'key-1',
      authorization: 'Bearer token-1',
    })
    expect(second).toMatchObject({ method: 'GET', path: '/api/training/jobs/job_1' })
    expect(second?.headers.authorization).toBe('Bearer token-2')
    expect(second?.headers['content-type']).toBeUndefined()
  })

  it.each<[TransportCall, string]>([
    [{ name: 'listJobs', cursor: 'a b', limit: 5 }, '/jobs?cursor=a%20b&limit=5'],
    [{ name: 'listJobs', cursor: null, limit: null }, '/jobs'],
    [{ name: 'getMetrics', jobId: 'j', maxPoints: 100 }, '/jobs/j/metrics?max_points=100'],
    [
      { name: 'getLogs', jobId: 'j', attempt: 2, offset: -500, limit: null },
      '/jobs/j/logs?attempt=2&offset=-500',
    ],
    [{ name: 'listCheckpoints', jobId: 'j' }, '/jobs/j/checkpoints'],
    [{ name: 'listCommands', jobId: 'j' }, '/jobs/j/commands'],
    [{ name: 'getCommand', jobId: 'j', commandId: 'c' }, '/jobs/j/commands/c'],
    [
      { name: 'listJobs', cursor: null, limit: 5, statuses: ['running', 'paused'] },
      '/jobs?limit=5&status=running%2Cpaused',
    ],
    [{ name: 'getCapabilities' }, '/capabilities'],
  ])('%j asks for %s', async (call, path) => {
    const server = await scriptedServer((_, response) => answer(response, 200, { success: true }))
    await http({ url: server.url }).request(call, {})
    expect(server.received[0]?.path).toBe(`/api/training${path}`)
  })

  it('that is refused by the server carries its code, sentence, fields and request id', async () => {
    const body = {
      success: false,
      error: 'It is over.',
      code: 'conflict',
      status: 'cancelled',
      request_id: 'r1',
    }
    const error = await failure((_, response) => answer(response, 409, body), control)
    expect(error).toMatchObject({
      ...{ name: 'TrainingError', code: 'conflict', message: 'It is over.', jobStatus: 'cancelled' },
      ...{ status: 409, requestId: 'r1', arrived: 'yes' },
    })
  })

  it('that was refused a connection has changed nothing', async () => {
    const server = await scriptedServer(() => {})
    await server.stop()
    const error = await http({ url: server.url })
      .request(control, {})
      .catch((e) => e)
    expect(error).toMatchObject({ code: 'server_unreachable', arrived: 'no', status: null })
  })

  it('that lost its connection may have been carried out, if it was to change something', async () => {
    const lost = (_: unknown, response: Parameters<Script>[1]) => cut(response)
    expect(await failure(lost, control)).toMatchObject({
      ...{ code: 'outcome_unknown', arrived: 'unknown', idempotencyKey: 'key-1' },
    })
    expect(await failure(lost, readCall)).toMatchObject({ code: 'server_unreachable', arrived: 'no' })
  })

  it('that is not answered in time says after how long', async () => {
    const clock = new ManualClock()
    const server = await scriptedServer(() => {})
    const waiting = http({ url: server.url, clock, answerTimeoutSeconds: 7 })
      .request(control, {})
      .catch((e) => e)
    await server.receives(1)
    clock.advance(7000)
    expect(await waiting).toMatchObject({
      code: 'timeout',
      timeoutSeconds: 7,
      limit: 'answer',
      arrived: 'unknown',
    })
    expect(clock.running).toEqual([])
  })

  it('times out in the middle of a body too', async () => {
    const clock = new ManualClock()
    const server = await scriptedServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"succ')
    })
    const fetched = new Collected<Response>()
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const response = await globalThis.fetch(input, init)
      fetched.push(response)
      return response
    }
    const waiting = http({ url: server.url, clock, fetch })
      .request(readCall, {})
      .catch((e) => e)
    await fetched.first(() => true)
    clock.advance(15_000)
    expect(await waiting).toMatchObject({ code: 'timeout', timeoutSeconds: 15 })
  })

  it('can be given up at any point, also while its headers are being had', async () => {
    const never = new Promise<HeadersInit>(() => {})
    const abort = new AbortController()
    const waiting = http({ url: 'http://127.0.0.1:1', headers: () => never })
      .request(control, { signal: abort.signal })
      .catch((e) => e)
    abort.abort()
    expect(await waiting).toMatchObject({ code: 'aborted', arrived: 'no' })

    const server = await scriptedServer(() => {})
    const later = new AbortController()
    const sent = http({ url: server.url })
      .request(control, { signal: later.signal })
      .catch((e) => e)
    await server.receives(1)
    later.abort()
    expect(await sent).toMatchObject({ code: 'aborted', arrived: 'unknown' })
  })

  it('is not sent without the headers that were asked for', async () => {
    const server = await scriptedServer(() => {})
    const headers = () => Promise.reject(new Error('no session'))
    const error = await http({ url: server.url, headers })
      .request(control, {})
      .catch((e) => e)
    expect(error).toMatchObject({ code: 'not_sent', arrived: 'no' })
    expect(server.received).toEqual([])
  })

  it('is tried offline, and is not_sent only if it fails', async () => {
    vi.stubGlobal('navigator', { onLine: false })
    const near = await scriptedServer((_, response) => answer(response, 200, { success: true }))
    await expect(http({ url: near.url }).request(control, {})).resolves.toEqual({ success: true })
    const fetch = () => Promise.reject(new TypeError('Failed to fetch'))
    const errorAt = (url: string) =>
      http({ url, fetch })
        .request(control, {})
        .catch((e) => e)
    const far = 'https://training.example/api/training'
    expect(await errorAt(far)).toMatchObject({ code: 'not_sent', arrived: 'no' })
    vi.unstubAllGlobals()
    expect(await errorAt(far)).toMatchObject({ code: 'outcome_unknown' })
  })

  it.each([
    '127.0.0.1:8321',
    'localhost',
    '[::1]:8321',
    'app.localhost',
    'gpubox:8321',
    'gpubox.local',
    '192.168.1.7',
  ])('offline to %s may have arrived when it fails: that may be this machine', async (host) => {
    vi.stubGlobal('navigator', { onLine: false })
    const fetch = () => Promise.reject(new TypeError('Failed to fetch'))
    const error = await http({ url: `http://${host}/api/training`, fetch })
      .request(control, {})
      .catch((e) => e)
    expect(error).toMatchObject({ code: 'outcome_unknown', arrived: 'unknown' })
  })

  it('with a header that can not be sent is not sent', async () => {
    const error = await http({ url: 'https://training.example', headers: { authorization: 'Bearer ключ' } })
      .request(control, {})
      .catch((e) => e)
    expect(error).toMatchObject({ code: 'not_sent', arrived: 'no' })
    const clock = new ManualClock()
    const badKey = { ...control, idempotencyKey: 'ключ' }
    const other = await http({ url: 'https://training.example', clock })
      .request(badKey, {})
      .catch((e) => e)
    expect(other).toMatchObject({ code: 'not_sent', arrived: 'no' })
    expect(clock.running).toEqual([])
  })

  it('that is given up says why it was', async () => {
    const abort = new AbortController()
    const server = await scriptedServer(() => {})
    const pending = http({ url: server.url })
      .request(control, { signal: abort.signal })
      .catch((e) => e)
    await server.receives(1)
    const reason = new Error('the page was left')
    abort.abort(reason)
    expect(await pending).toHaveProperty('cause', reason)
  })

  it('does not follow a redirect', async () => {
    const error = await failure((_, response) => {
      response.writeHead(302, { location: '/sign-in' }).end()
    })
    expect(error).toMatchObject({ code: 'invalid_response', status: 302 })
    expect(error.message).toContain('redirects')
  })
})

describe('an answer that is not the protocol', () => {
  const html = '<!doctype html><title>Welcome</title>'
  const send =
    (status: number, body: string, type = 'text/html'): Script =>
    (_, response) => {
      response.writeHead(status, { 'content-type': type }).end(body)
    }

  it.each<[string, Script, Partial<TrainingError>]>([
    ['HTML', send(200, html), { code: 'invalid_response', excerpt: html }],
    ['nothing', send(200, ''), { code: 'invalid_response', excerpt: '' }],
    ['204', (_, response) => void response.writeHead(204).end(), { code: 'invalid_response', status: 204 }],
    ['half a JSON', send(200, '{"success":tr', 'application/json'), { code: 'invalid_response' }],
    ['a list', send(200, '[]', 'application/json'), { code: 'invalid_response' }],
    ['no success', send(200, '{"job":{}}', 'application/json'), { code: 'invalid_response' }],
    [
      'a refusal with status 200',
      send(200, '{"success":false,"error":"No.","code":"forbidden"}'),
      { code: 'forbidden', message: 'No.' },
    ],
    [
      'a refusal with status 200 and no code',
      send(200, '{"success":false,"error":"GPU on fire"}'),
      { code: 'internal', message: 'GPU on fire' },
    ],
    ['a bare 404', send(404, html), { code: 'not_supported', status: 404 }],
    [
      "a gateway's 404",
      send(404, '{"message":"no Route matched with those values"}'),
      { code: 'not_supported' },
    ],
    [
      'a 404 in the shape of the protocol, without a code',
      send(404, '{"success":false,"error":"No job x."}'),
      { code: 'job_not_found', message: 'No job x.' },
    ],
    ["a framework's 404", send(404, '{"detail":"Not Found"}'), { code: 'not_supported' }],
    ["a proxy's 502", send(502, html), { code: 'server_unreachable', status: 502 }],
    ['a bare 401', send(401, ''), { code: 'unauthenticated' }],
    [
      'a code of tomorrow',
      send(418, '{"success":false,"error":"Tea.","code":"teapot"}'),
      { code: 'internal', rawCode: 'teapot', message: 'Tea.' },
    ],
  ])('%s becomes an error with a code', async (_, script, expected) => {
    expect(await failure(script)).toMatchObject(expected)
  })

  it('says of a control call that a proxy did not get through that nobody knows', async () => {
    expect(await failure(send(504, html), control)).toMatchObject({ code: 'outcome_unknown', status: 504 })
  })

  it('is quoted briefly and without the secrets of the request', async () => {
    const headers = { authorization: 'Bearer s3cr3t-t0ken' }
    const page = `<pre>authorization: Bearer s3cr3t-t0ken, token=s3cr3t-t0ken ${'x'.repeat(5000)}</pre>`
    const error = await failure(send(200, page), readCall, { headers })
    if (error.code !== 'invalid_response') throw error
    expect(error.excerpt.length).toBeLessThanOrEqual(200)
    expect(JSON.stringify({ ...error, message: error.message })).not.toContain('s3cr3t')
  })

  it("is not quoted at length or with secrets where it has a sentence of the protocol's", async () => {
    const headers = { 'x-api-key': 'k3y-0f-th3-h0st' }
    const sentence = `k3y-0f-th3-h0st ${'is wrong '.repeat(100_000)}`
    const refusal = {
      success: false,
      error: sentence,
      code: 'conflict',
      status: sentence,
      request_id: sentence,
    }
    const error = await failure((_, response) => answer(response, 409, refusal), control, { headers })
    expect(error).toMatchObject({ code: 'conflict' })
    expect(error.message.length).toBeLessThanOrEqual(500)
    expect(JSON.stringify(error).length).toBeLessThan(1500)
    expect(JSON.stringify(error)).not.toContain('k3y')
  })

  it('is not quoted with secrets where it is JSON of another shape, either', async () => {
    const body = { success: true, job: { id: 'job_1', echo: 'k3y-0f-th3-h0st' } }
    const server = await scriptedServer((_, response) => answer(response, 200, body))
    const transport = http({ url: server.url, headers: { 'x-api-key': 'k3y-0f-th3-h0st' } })
    const result = await getJob(createTrainingClient({ transport }), { jobId: 'job_1' })
    if (result.ok || result.error.code !== 'invalid_response') throw new Error()
    expect(result.error.excerpt).toContain('echo')
    expect(JSON.stringify(result.error)).not.toContain('k3y')
  })

  it('is not quoted by the names that it chose, either', async () => {
    const name = 'k3y-0f-th3-h0st'.repeat(10_000)
    const body = { success: true, job: { ...wireJob(), params: { [name]: {} } } }
    const control = { success: true, action: 'cancel', job_id: name, result: null }
    const server = await scriptedServer(({ method }, response) =>
      answer(response, 200, method === 'GET' ? body : control),
    )
    const transport = http({ url: server.url, headers: { 'x-api-key': 'k3y-0f-th3-h0st' } })
    const client = createTrainingClient({ transport })
    for (const result of [
      await getJob(client, { jobId: 'job_1' }),
      await cancelJob(client, { jobId: 'job_1' }),
    ]) {
      if (result.ok || result.error.code !== 'invalid_response') throw new Error(JSON.stringify(result))
      expect(result.error.message.length).toBeLessThan(300)
      expect(JSON.stringify(result.error)).not.toContain('k3y')
    }
  })

  it.each([200, 500])('that never ends is not read for ever, nor kept, with status %i', async (status) => {
    let pulled = 0
    const chunk = new Uint8Array(4 * 1024 * 1024).fill(120)
    const endless = () =>
      new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            pulled++
            controller.enqueue(chunk)
          },
        },
        { highWaterMark: 0 },
      )
    const fetch = async () => new Response(endless(), { status })
    const error = await http({ url: 'https://training.example', fetch })
      .request(readCall, {})
      .catch((e) => e)
    expect(error).toMatchObject({ code: status === 200 ? 'invalid_response' : 'internal', status })
    expect(pulled).toBe(status === 200 ? 17 : 1)
  })

  it('of a proxy says for how long to leave it alone, too', async () => {
    const away: Script = (_, response) => void response.writeHead(503, { 'retry-after': '3' }).end()
    expect(await failure(away)).toMatchObject({ code: 'server_unreachable', retryAfterSeconds: 3 })
    expect(await failure(away, control)).toMatchObject({ code: 'outcome_unknown', retryAfterSeconds: 3 })
  })

  it('that limits the rate says for how long, as seconds or as a date', async () => {
    const limited = (value: string) =>
      failure((_, response) => answer(response, 429, {}, { 'retry-after': value }))
    expect(await limited('12')).toMatchObject({ code: 'rate_limited', retryAfterSeconds: 12 })
    const date = new Date(new ManualClock().now() + 30_000).toUTCString()
    expect(await limited(date)).toMatchObject({ code: 'rate_limited', retryAfterSeconds: 30 })
    expect(await limited('soon')).toMatchObject({ code: 'rate_limited', retryAfterSeconds: null })
  })
})
