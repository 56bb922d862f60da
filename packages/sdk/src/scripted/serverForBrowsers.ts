import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as NodeReadableStream } from 'node:stream/web'
import type { TestProject } from 'vitest/node'
import { createMockTrainingServer, type MockTrainingServer } from '../testing/index'
import { systemClock } from '../transports/clock'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the server is that tests in a browser talk to. */
    trainingOrigin: string
  }
}

/** What a test in a browser asks of the mock behind the server: one of its methods, or one of a job's run. */
export interface MockOrder {
  method: 'createJobIn' | 'fault' | 'job' | 'dropStreams'
  arguments: unknown[]
}
export interface RunOrder {
  jobId: string
  fact: 'acknowledge' | 'exit'
}

/** The mock on a real port, by the real time, for pages of another origin: what a browser speaks to is a network. */
export default async function start(project: TestProject): Promise<() => Promise<void>> {
  const mock = createMockTrainingServer({ clock: systemClock })
  let streams = 0
  const server = createServer((incoming, outgoing) => {
    const left = new AbortController()
    outgoing.on('close', () => left.abort())
    answer(incoming, outgoing, left.signal).catch(() => outgoing.destroy())
  })

  async function answer(incoming: IncomingMessage, outgoing: ServerResponse, signal: AbortSignal) {
    const cors = {
      'access-control-allow-origin': '*',
      'access-control-allow-headers': incoming.headers['access-control-request-headers'] ?? '*',
      'access-control-allow-methods': '*',
    }
    if (incoming.method === 'OPTIONS') return void outgoing.writeHead(204, cors).end()
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString()
    if (incoming.url === '/order') {
      const told = obey(mock, JSON.parse(body)) ?? null
      return void outgoing.writeHead(200, cors).end(JSON.stringify(told))
    }
    if (incoming.url === '/streams') return void outgoing.writeHead(200, cors).end(String(streams))
    const isStream = incoming.url?.endsWith('/events') === true
    if (isStream) {
      streams++
      signal.addEventListener('abort', () => streams--)
    }
    const headers = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)])
    const { method = 'GET' } = incoming
    const response = await mock.fetch(`http://127.0.0.1${incoming.url}`, {
      ...{ method, headers: headers as [string, string][], signal },
      ...(body !== '' && { body }),
    })
    outgoing.writeHead(response.status, { ...Object.fromEntries(response.headers), ...cors })
    if (!response.body) return void outgoing.end()
    await pipeline(Readable.fromWeb(response.body as NodeReadableStream), outgoing)
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  project.provide('trainingOrigin', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return async () => {
    mock.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

function obey(mock: MockTrainingServer, order: MockOrder | RunOrder): unknown {
  if ('fact' in order) return mock.run(order.jobId)[order.fact]()
  const method = mock[order.method] as (...given: unknown[]) => unknown
  const told = method(...order.arguments)
  return typeof told === 'function' ? null : told
}
