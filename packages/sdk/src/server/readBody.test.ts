import { describe, expect, it } from 'vitest'
import { host } from '../scripted/trainingHost'

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
