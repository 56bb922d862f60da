import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { cancelJob, createTrainingClient, http } from '@trainstop/sdk'
import express from 'express'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'

interface Received {
  method: string
  path: string
  headers: IncomingMessage['headers']
  body: string
  response: ServerResponse
}

const closers: (() => Promise<void>)[] = []

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

afterAll(() => Promise.all(closers.map((close) => close())))

const received: Received[] = []
/** The training server, which the hosts' modules find in their environment. */
beforeAll(async () => {
  const url = await listen(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { method = '', url: path = '', headers } = request
    received.push({ method, path, headers, body: Buffer.concat(chunks).toString(), response })
    if (path.endsWith('/events')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': here\n\n')
    } else {
      response.writeHead(200, { 'content-type': 'application/json' })
      const result = { message: 'stopping' }
      response.end(JSON.stringify({ success: true, action: 'cancel', job_id: 'job_1', result }))
    }
  })
  vi.stubEnv('TRAINSTOP_URL', url)
  vi.stubEnv('TRAINSTOP_TOKEN', 'token-of-the-host')
})
beforeEach(() => {
  received.length = 0
})

/** How each host is served for real. Next.js calls the exports of a route with a `Request`, by method. */
const hosts: Record<string, () => Promise<RequestListener>> = {
  'Next.js': async () => {
    const route = await import('./nextjs/app/api/training/[...path]/route')
    return getRequestListener((request) => route[request.method as 'GET' | 'POST'](request))
  },
  Hono: async () => getRequestListener((await import('./hono')).app.fetch),
  Express: async () => (await import('./express')).app,
  'Express, after express.json()': async () => {
    const { app } = await import('./express')
    return express().use(express.json()).use(app)
  },
}

describe.each(Object.keys(hosts))('%s', (name) => {
  let origin: string
  beforeAll(async () => {
    const host = hosts[name]
    if (!host) throw new Error(name)
    origin = await listen(await host())
  })
  const headers = { cookie: 'user=ada' }

  it('forwards an order of the SDK in the name of who is signed in', async () => {
    const client = createTrainingClient({ transport: http({ url: `${origin}/api/training`, headers }) })
    expect(await cancelJob(client, { jobId: 'job_1', note: 'enough' })).toMatchObject({ ok: true })
    expect(received).toHaveLength(1)
    expect(received[0]).toMatchObject({ method: 'POST', path: '/api/training/local/job_1/control' })
    expect(JSON.parse(received[0]?.body ?? '')).toEqual({ action: 'cancel', note: 'enough' })
    expect(received[0]?.headers).toMatchObject({
      ...{ authorization: 'Bearer token-of-the-host', 'trainstop-owner': 'ada' },
      'idempotency-key': expect.stringMatching(/^[0-9a-f]{32}$/),
    })
  })

  it('takes an order without a body, and refuses nobody with 401', async () => {
    const cancel = (init: RequestInit) =>
      fetch(`${origin}/api/training/cancel/job_1`, { method: 'POST', ...init })
    expect((await cancel({ headers })).status).toBe(200)
    expect(received[0]).toMatchObject({ path: '/api/training/cancel/job_1' })
    const nobody = await cancel({})
    expect([nobody.status, (await nobody.json()).code]).toEqual([401, 'unauthenticated'])
    expect(received).toHaveLength(1)
  })

  it('hands a stream through piece by piece, and lets go of it when the browser leaves', async () => {
    const left = new AbortController()
    const response = await fetch(`${origin}/api/training/jobs/job_1/events`, { headers, signal: left.signal })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader?.read())?.value).toBe(': here\n\n')
    const upstream = received[0]?.response
    upstream?.write('data: 1\n\n')
    expect((await reader?.read())?.value).toBe('data: 1\n\n')
    const closed = new Promise<void>((resolve) => upstream?.on('close', resolve))
    left.abort()
    await closed
  })
})
