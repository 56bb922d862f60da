import type { TrainingError } from '../errors/trainingError'
import { type HttpTransportOptions, http } from '../transports/http/http'
import type { TransportUpdate } from '../transports/transport'
import { Collected } from './collected'
import { ManualClock } from './manualClock'
import { wireJob } from './samples'
import { answer, cut, openStream, type Received, type Script, scriptedServer, sse } from './scriptedServer'

/** A subscription to a server whose streams and reads follow two scripts, one entry for each time it is asked. */
export async function watchScripted(
  { streams = [], reads = [] }: { streams?: Script[]; reads?: Script[] },
  options: Partial<HttpTransportOptions> = {},
) {
  const seen = { streams: [] as Received[], reads: [] as Received[] }
  const script: Script = (received, response) => {
    const kind = received.path.endsWith('/events') ? 'streams' : 'reads'
    const scripts = kind === 'streams' ? streams : reads
    seen[kind].push(received)
    const next = scripts[Math.min(seen[kind].length, scripts.length) - 1]
    return next ? next(received, response) : cut(response)
  }
  const server = await scriptedServer(script)
  const clock = new ManualClock()
  const updates = new Collected<TransportUpdate>()
  const ends = new Collected<{ error: TrainingError | null }>()
  const transport = http({ url: server.url, clock, ...options })
  const stop = transport.subscribe({
    jobId: 'job_1',
    observer: { next: updates.push, end: (error) => ends.push({ error }) },
  })
  return {
    ...{ server, script, clock, updates, stop, seen },
    ended: () => ends.first(() => true),
    event: (seq: number) => updates.first(({ event }) => event?.seq === seq),
    events: () => updates.items.flatMap(({ event }) => (event ? [`${event.type} ${event.seq}`] : [])),
  }
}

export const stream =
  (...parts: (Parameters<typeof sse>[0] | string)[]): Script =>
  (_, response) => {
    openStream(response)
    for (const part of parts) response.write(typeof part === 'string' ? part : sse(part))
  }
export const closedStream =
  (...parts: Parameters<typeof stream>): Script =>
  (received, response) => {
    stream(...parts)(received, response)
    response.end()
  }
export const job =
  (changes: Parameters<typeof wireJob>[0] = {}): Script =>
  (_, response) =>
    answer(response, 200, { success: true, job: wireJob(changes) })
export const refuse =
  (status: number, code: string): Script =>
  (_, response) =>
    answer(response, status, { success: false, error: 'No.', code })
export const html: Script = (_, response) => {
  response.writeHead(200, { 'content-type': 'text/html' }).end('<p>hello')
}
export const broken: Script = (_, response) => cut(response)

/** A fetch that tells of every response whose head is there. */
export function seenResponses() {
  const responses = new Collected<Response>()
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const response = await globalThis.fetch(input, init)
    responses.push(response)
    return response
  }
  return { fetch, responses }
}
