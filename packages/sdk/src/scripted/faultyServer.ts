import * as z from 'zod/mini'
import type { Command, Job, WireJob } from '../protocol'
import { job as jobSchema } from '../protocol/schemas'
import { envelope, metricsEvent, sampleCheckpoint, sampleCommand, wireJob } from './samples'
import { sse } from './scriptedServer'
import { of } from './streamServer'

/** What can become of a request: nothing of it, its answer, or half of its answer. */
export type RequestFault =
  | 'lost'
  | 'hangs'
  | 'refused'
  | 'failed'
  | 'a page'
  | 'half'
  | 'an older answer'
  | 'slow'
/** What can become of the next thing that a stream says. */
export type StreamFault = 'cut' | 'garbled' | 'twice' | 'noise' | 'late'

type Told = Parameters<typeof sse>[0] & { job_id: string }
interface Reader {
  jobIds: readonly string[]
  controller: ReadableStreamDefaultController<Uint8Array>
  late: string
}
interface Kept {
  truths: Job[]
  wire: WireJob
  events: Told[]
}

const encoder = new TextEncoder()

/** A training server in memory, as `fetch`, behind a network that does to it what a test says. */
export class FaultyServer {
  readonly jobs = new Map<string, Kept>()
  /** What the next requests come to, one by one; then all are answered. */
  requestFaults: RequestFault[] = []
  streamFaults: StreamFault[] = []
  hasStreams = true
  hasStreamsOfMany = true
  readonly #readers = new Set<Reader>()
  readonly #slow = new Set<() => void>()

  constructor(jobIds: readonly string[]) {
    for (const id of jobIds) {
      const wire = wireJob({ id, last_checkpoint: null, status: 'pending' })
      this.jobs.set(id, { wire, truths: [z.parse(jobSchema, wire)], events: [] })
    }
  }

  /** Something happens to a job, and is told. */
  happen(jobId: string, what: 'status' | 'metrics' | 'command' | 'checkpoint'): void {
    const kept = this.jobs.get(jobId)
    if (!kept) return
    const seq = kept.wire.seq + 1
    const { data } = metricsEvent(seq, seq * 10)
    const isBegun = kept.wire.command !== null
    const command: Command = isBegun
      ? { ...(kept.wire.command as Command), status: 'succeeded' }
      : sampleCommand({ id: `cmd_${seq}`, job_id: jobId, status: 'active' })
    const checkpoint = sampleCheckpoint({ id: `step-${seq}`, job_id: jobId, step: seq * 10 })
    const changes: Partial<WireJob> = {
      status: { status: `status-${seq}` },
      metrics: { progress: data.progress, latest_metrics: data.latest_metrics },
      command: isBegun ? { command: null, last_command: command } : { command },
      checkpoint: { last_checkpoint: checkpoint },
    }[what]
    const wire: WireJob = { ...kept.wire, ...changes, seq, updated_at: envelope(seq).at }
    const told = { status: { type: 'job', data: wire }, metrics: { type: 'metrics', data } }
    const event = of(jobId, {
      ...envelope(seq),
      ...{
        ...told,
        command: { type: 'command', data: command },
        checkpoint: { type: 'checkpoint', data: checkpoint },
      }[what],
    }) as unknown as Told
    kept.wire = wire
    kept.truths.push(z.parse(jobSchema, wire))
    kept.events.push(event)
    for (const reader of [...this.#readers]) if (reader.jobIds.includes(jobId)) this.#say(reader, event)
  }

  /** A word on every stream, so that nobody takes it for dead. */
  beat(): void {
    for (const reader of [...this.#readers]) this.#write(reader, ': beat\n\n')
    for (const answer of this.#slow) answer()
    this.#slow.clear()
  }

  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const path = new URL(String(input)).pathname.replace('/api/training', '')
    const signal = init?.signal
    await Promise.resolve()
    if (signal?.aborted) throw signal.reason
    const fault = this.requestFaults.shift()
    switch (fault) {
      case 'lost':
        throw new TypeError('fetch failed')
      case 'hangs':
        return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
      case 'refused':
        return json(401, { success: false, error: 'No.', code: 'unauthenticated' })
      case 'failed':
        return json(503, { success: false, error: 'No.', code: 'internal' })
      case 'a page':
        return new Response('<p>Hello', { headers: { 'content-type': 'text/html' } })
      case 'half':
        return new Response('{"success":true,"job":{"id":', {
          headers: { 'content-type': 'application/json' },
        })
    }
    if (!path.endsWith('/events')) {
      const { truths, wire } = this.#kept(path.split('/')[2])
      // As from a copy that lags behind, or an answer that took its time.
      const older = fault === 'an older answer' ? truths[Math.floor((truths.length - 1) / 2)] : undefined
      const answer = json(200, { success: true, job: older ? { ...older, status: older.raw_status } : wire })
      // What was true when it was asked, told later.
      if (fault === 'slow') await new Promise<void>((resolve) => this.#slow.add(resolve))
      return answer
    }
    const isMany = init?.method === 'POST'
    if (!this.hasStreams || (isMany && !this.hasStreamsOfMany)) return new Response(null, { status: 404 })
    const jobId = path.split('/')[2] ?? ''
    const cursors: Record<string, string | null> = isMany
      ? JSON.parse(String(init?.body)).jobs
      : { [jobId]: new Headers(init?.headers).get('last-event-id') }
    return this.#stream(cursors, signal)
  }

  #stream(cursors: Record<string, string | null>, signal: AbortSignal | null | undefined): Response {
    let reader: Reader | undefined
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        reader = { jobIds: Object.keys(cursors), controller, late: '' }
        this.#readers.add(reader)
        signal?.addEventListener('abort', () => {
          if (reader && this.#readers.delete(reader)) controller.error(signal.reason)
        })
        this.#write(reader, ': here\n\n')
        for (const [id, cursor] of Object.entries(cursors)) {
          const { wire, events } = this.#kept(id)
          const from = Number(cursor?.split('.')[1])
          if (cursor === null)
            this.#say(reader, of(id, { ...envelope(wire.seq), type: 'job', data: wire }) as unknown as Told)
          else for (const event of events) if (event.seq > from) this.#say(reader, event)
        }
      },
      cancel: () => {
        if (reader) this.#readers.delete(reader)
      },
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }

  #say(reader: Reader, event: Told): void {
    const text = sse(event)
    const fault = this.streamFaults.shift()
    if (fault === 'late') reader.late += text
    else if (fault === 'cut') {
      // In the middle of it.
      this.#write(reader, text.slice(0, text.length / 2))
      if (this.#readers.delete(reader)) reader.controller.close()
    } else if (fault === 'garbled') this.#write(reader, text.replace('"seq"', '"sex"'))
    else if (fault === 'twice') this.#write(reader, text + text)
    else if (fault === 'noise') this.#write(reader, `\n\nlorem ipsum\n\n: beat\r\nretry: 100\r\n\r\n${text}`)
    else this.#write(reader, text)
  }

  #write(reader: Reader, text: string): void {
    if (!this.#readers.has(reader)) return
    reader.controller.enqueue(encoder.encode(reader.late + text))
    reader.late = ''
  }

  #kept(jobId: string | undefined): Kept {
    const kept = this.jobs.get(jobId ?? '')
    if (!kept) throw new Error(`no job ${jobId}`)
    return kept
  }
}

function json(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
}
