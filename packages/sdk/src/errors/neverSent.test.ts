import { describe, expect, it } from 'vitest'
import { cut, scriptedServer } from '../scripted/scriptedServer'
import { neverSent } from './neverSent'

const failureOf = (url: string) =>
  fetch(url, { method: 'POST', body: 'x' }).then(
    () => null,
    (error) => error,
  )

describe('neverSent', () => {
  it('is true of a refused connection', async () => {
    const server = await scriptedServer(() => {})
    await server.stop()
    expect(neverSent(await failureOf(server.url))).toBe(true)
    // Two addresses, tried one after the other.
    expect(neverSent(await failureOf(`http://localhost:${server.port}`))).toBe(true)
  })

  it('is false of a connection that broke after the request had left', async () => {
    const server = await scriptedServer((_, response) => cut(response))
    expect(neverSent(await failureOf(server.url))).toBe(false)
    expect(server.received).toHaveLength(1)
  })

  it('is false where only some addresses refused', () => {
    const refused = { code: 'ECONNREFUSED' }
    expect(neverSent({ cause: { errors: [refused, refused] } })).toBe(true)
    expect(neverSent({ cause: { code: 'ECONNREFUSED', errors: [refused, { code: 'ECONNRESET' }] } })).toBe(
      false,
    )
  })

  it("is false of what browsers say, for they don't say", () => {
    expect(neverSent(new TypeError('Failed to fetch'))).toBe(false)
    expect(neverSent(undefined)).toBe(false)
  })
})
