import { describe, expect, it } from 'vitest'
import { host } from '../scripted/trainingHost'

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
