import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as NodeReadableStream } from 'node:stream/web'
import type { Request as Incoming, RequestHandler } from 'express'

/** A fetch handler as Express takes it: streams go out as they come, and a browser that leaves is told to the handler. */
export function expressHandler(handler: (request: Request) => Promise<Response>): RequestHandler {
  return async (incoming, outgoing, next) => {
    const left = new AbortController()
    outgoing.on('close', () => left.abort())
    try {
      const response = await handler(fetchRequest(incoming, left.signal))
      outgoing.writeHead(response.status, Object.fromEntries(response.headers))
      if (!response.body) return void outgoing.end()
      outgoing.flushHeaders()
      await pipeline(Readable.fromWeb(response.body as NodeReadableStream), outgoing)
    } catch (error) {
      // Nothing can be said to a browser that has left, nor after the head was sent.
      if (!outgoing.headersSent && !left.signal.aborted) next(error)
    }
  }
}

function fetchRequest(incoming: Incoming, signal: AbortSignal): Request {
  const { method, originalUrl, headers, protocol } = incoming
  const url = new URL(originalUrl, `${protocol}://${headers.host ?? 'localhost'}`)
  const fields = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  )
  if (method === 'GET' || method === 'HEAD') return new Request(url, { method, headers: fields, signal })
  // Where `express.json()` ran before, the body has been read and lies there parsed.
  const body =
    incoming.body === undefined ? (Readable.toWeb(incoming) as ReadableStream) : JSON.stringify(incoming.body)
  return new Request(url, { method, headers: fields, signal, body, duplex: 'half' } as RequestInit)
}
