import { describe, expect, it } from 'vitest'
import { host } from '../scripted/trainingHost'

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
