import type { Job, TrainingEvent } from '../protocol'
import { type HttpTransportOptions, http } from '../transports/http/http'
import type { TransportUpdate } from '../transports/transport'
import { Collected } from './collected'
import { ManualClock } from './manualClock'
import { wireJob } from './samples'
import { answer, openStream, type Received, type Script, scriptedServer, sse } from './scriptedServer'

/** A stream that somebody has opened, and that a test speaks on. */
export interface OpenedStream {
  method: string
  /** Each job with the cursor that was asked for. */
  jobs: Record<string, string | null>
  headers: Received['headers']
  send(...parts: (object | string)[]): void
  end(): void
  /** Resolves once its reader has gone. */
  closed: Promise<void>
}

export interface StreamServerOptions {
  /** In place of a stream for many jobs; null for a stream after all. */
  many?: (received: Received) => Script | null
  /** In place of a stream for one job. */
  single?: (received: Received) => Script | null
  /** In place of the answer to a read. */
  read?: (jobId: string) => Script | null
}

/** A real HTTP server whose streams, for one job and for many, a test speaks on; and those who watch them. */
export async function streamServer(
  options: StreamServerOptions = {},
  transportOptions: Partial<HttpTransportOptions> = {},
) {
  const streams = new Collected<OpenedStream>()
  const reads = new Collected<string>()
  const server = await scriptedServer((received, response) => {
    const jobId = received.path.split('/')[4] ?? ''
    if (!received.path.endsWith('/events')) {
      reads.push(jobId)
      const script = options.read?.(jobId)
      return script
        ? script(received, response)
        : answer(response, 200, { success: true, job: wireJob({ id: jobId }) })
    }
    const isMany = received.method === 'POST'
    const script = (isMany ? options.many : options.single)?.(received)
    if (script) return script(received, response)
    openStream(response)
    response.flushHeaders()
    const { 'last-event-id': cursor } = received.headers
    streams.push({
      method: received.method,
      jobs: isMany ? JSON.parse(received.body).jobs : { [jobId]: cursor ?? null },
      headers: received.headers,
      send: (...parts) => {
        for (const part of parts)
          response.write(typeof part === 'string' ? part : sse(part as Parameters<typeof sse>[0]))
      },
      end: () => void response.end(),
      closed: new Promise((resolve) => response.on('close', resolve)),
    })
  })
  const clock = new ManualClock()
  const transport = http({ url: server.url, clock, ...transportOptions })
  const watch = (jobId: string) => {
    const updates = new Collected<TransportUpdate>()
    const ends = new Collected<string>()
    const stop = transport.subscribe({
      jobId,
      observer: { next: updates.push, end: (error) => ends.push(error?.code ?? 'final') },
    })
    const events = () => updates.items.flatMap(({ event }) => (event ? [`${event.type} ${event.seq}`] : []))
    const event = (seq: number) => updates.first(({ event }) => event?.seq === seq)
    return { updates, ends, stop, events, event, last: () => updates.items.at(-1) }
  }
  /** The stream that was opened as the so-and-so-many-th. */
  const stream = async (index: number) => {
    await streams.first(() => streams.items.length > index)
    return streams.items[index] as OpenedStream
  }
  return { server, streams, stream, reads, clock, transport, watch }
}

/** The same event, of another job. */
export function of(jobId: string, event: { data: unknown } & Record<string, unknown>) {
  const data = event.type === 'job' ? { ...(event.data as Job), id: jobId } : event.data
  return { ...event, job_id: jobId, data } as unknown as TrainingEvent
}
