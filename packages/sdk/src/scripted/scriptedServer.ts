import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach } from 'vitest'

export interface Received {
  method: string
  path: string
  headers: IncomingMessage['headers']
  body: string
}

export type Script = (request: Received, response: ServerResponse) => void | Promise<void>

/** A real HTTP server that does what a test tells it, faults included. */
export interface ScriptedServer {
  /** With `/api/training` at its end. */
  url: string
  origin: string
  port: number
  received: Received[]
  /** Resolves once so many requests have come in. */
  receives(count: number): Promise<void>
  /** Drops every connection and refuses new ones. */
  stop(): Promise<void>
}

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

export async function scriptedServer(script: Script, port = 0): Promise<ScriptedServer> {
  const received: Received[] = []
  const watchers = new Set<() => void>()
  const sockets = new Set<Socket>()
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { method = '', url = '', headers } = request
    const entry = { method, path: url, headers, body: Buffer.concat(chunks).toString() }
    received.push(entry)
    for (const watcher of [...watchers]) watcher()
    await script(entry, response)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const address = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${address.port}`
  const stop = () =>
    new Promise<void>((resolve) => {
      for (const socket of sockets) socket.destroy()
      server.close(() => resolve())
    })
  stops.push(stop)
  return {
    url: `${origin}/api/training`,
    origin,
    port: address.port,
    received,
    async receives(count) {
      while (received.length < count) {
        await new Promise<void>((resolve) => {
          const watcher = () => {
            watchers.delete(watcher)
            resolve()
          }
          watchers.add(watcher)
        })
      }
    },
    stop,
  }
}

export function answer(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

/** Breaks the connection without a word. */
export function cut(response: ServerResponse): void {
  response.socket?.destroy()
}

/** One server-sent event. */
export function sse(event: { type: string; generation: number; seq: number }): string {
  const id = event.type === 'log' ? '' : `id: ${event.generation}.${event.seq}\n`
  return `${id}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}

export function openStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
}
