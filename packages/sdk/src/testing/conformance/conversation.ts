import { createParser } from 'eventsource-parser'
import * as z from 'zod/mini'
import type { Command, ErrorAnswer, WireEvent, WireJob } from '../../protocol'
import * as answers from '../../protocol/schemas/answer'
import { wireControlResult } from '../../protocol/schemas/control'
import { errorAnswer } from '../../protocol/schemas/error'
import { wireEvent } from '../../protocol/schemas/event'
import { must } from './expectation'
import type { ServerUnderTest } from './serverUnderTest'

export interface Asking {
  method?: string | undefined
  /** An object is sent as JSON; a text or bytes as they are. */
  body?: object | string | Uint8Array<ArrayBuffer> | undefined
  headers?: Record<string, string> | undefined
}

export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

/** An event as it came, with its `id:`. */
export type Heard = WireEvent & { cursor: string | null }

/** The calls that checks make, each held to its status and its shape. */
export class Conversation {
  readonly #server: ServerUnderTest

  constructor(server: ServerUnderTest) {
    this.#server = server
  }

  async ask(path: string, asking: Asking = {}): Promise<Answered> {
    const response = await this.#fetch(path, asking)
    const text = await response.text()
    const isJson = (response.headers.get('content-type') ?? '').startsWith('application/json')
    if (response.status !== 304) must(isJson, `${path} answered no JSON but ${text.slice(0, 200)}`)
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : null }
  }

  /** An answer of this shape, with status 200 unless said otherwise. */
  async read<Schema extends z.ZodMiniType>(
    schema: Schema,
    path: string,
    asking: Asking & { status?: number } = {},
  ): Promise<z.output<Schema>> {
    const answered = await this.ask(path, asking)
    must(
      answered.status === (asking.status ?? 200),
      `${path} answered ${answered.status}: ${JSON.stringify(answered.body).slice(0, 500)}`,
    )
    return shaped(schema, answered.body, path)
  }

  /** A refusal with this status and code. */
  async refused(
    path: string,
    asking: Asking,
    wanted: { status: number; code?: string; field?: string | null },
  ): Promise<ErrorAnswer> {
    const error = await this.read(errorAnswer, path, { ...asking, status: wanted.status })
    must(error.error.length > 0, `${path} refused without a sentence`)
    if (wanted.code !== undefined)
      must(error.code === wanted.code, `${path} refused with ${error.code}, not ${wanted.code}`)
    if (wanted.field !== undefined)
      must((error.field ?? null) === wanted.field, `${path} names ${error.field}, not ${wanted.field}`)
    return error
  }

  async job(jobId: string, headers: Record<string, string> = {}): Promise<WireJob> {
    return (await this.read(answers.wireJobAnswer, `/jobs/${jobId}`, { headers })).job
  }

  async command(jobId: string, commandId: string): Promise<Command> {
    return (await this.read(answers.commandAnswer, `/jobs/${jobId}/commands/${commandId}`)).command
  }

  /** A control call that is accepted or comes to nothing: its `result`. */
  async control(
    jobId: string,
    body: { action: string } & Record<string, unknown>,
    headers: Record<string, string> = {},
  ): Promise<z.output<typeof wireControlResult>> {
    const path = `/local/${jobId}/control`
    const answer = await this.read(answers.wireControlAnswer, path, { method: 'POST', body, headers })
    must(answer.action === body.action, `the answer is about ${answer.action}, not ${body.action}`)
    must(answer.job_id === jobId, `the answer is about the job ${answer.job_id}, not ${jobId}`)
    return shaped(wireControlResult, answer.result, path)
  }

  /** The events of a stream, held to their shape, until `last` is satisfied or the stream ends. */
  async hear(path: string, asking: Asking, last: (event: Heard) => boolean = () => false): Promise<Heard[]> {
    const heard: Heard[] = []
    for await (const event of this.listen(path, asking)) {
      heard.push(event)
      if (last(event)) break
    }
    return heard
  }

  /** The events of a stream as they come. Whoever breaks off closes it. */
  async *listen(path: string, asking: Asking = {}): AsyncGenerator<Heard> {
    const response = await this.#fetch(path, asking)
    const type = response.headers.get('content-type') ?? ''
    must(response.status === 200, `${path} answered ${response.status}, no stream`)
    must(type.startsWith('text/event-stream'), `${path} answered ${type}, no stream`)
    must(response.body, `${path} answered without a body`)
    const heard: Heard[] = []
    const parser = createParser({
      onEvent: ({ event: type, id = null, data }) => {
        const event = shaped(wireEvent, JSON.parse(data), `an event ${type} of ${path}`)
        must(event.type === type, `event: ${type} is not the type of its data, ${event.type}`)
        const cursor = `${event.generation}.${event.seq}`
        const hasNone = event.type === 'log' || event.type === 'reset' || event.type === 'gone'
        must((id ?? null) === (hasNone ? null : cursor), `${type} ${cursor} has the id ${id}`)
        heard.push({ ...event, cursor: id })
      },
    })
    const reader = response.body.getReader()
    const decoder = new TextDecoder()
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        parser.feed(decoder.decode(value, { stream: true }))
        yield* heard.splice(0)
      }
    } finally {
      await reader.cancel().catch(() => {})
    }
  }

  #fetch(path: string, { method, body, headers }: Asking): Promise<Response> {
    const { url, fetch = globalThis.fetch, headers: always = {} } = this.#server
    const isRaw = typeof body === 'string' || body instanceof Uint8Array
    return fetch(`${url}${path}`, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        ...always,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: isRaw ? body : JSON.stringify(body) }),
    })
  }
}

function shaped<Schema extends z.ZodMiniType>(
  schema: Schema,
  value: unknown,
  what: string,
): z.output<Schema> {
  const parsed = z.safeParse(schema, value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new Error(
    `${what}: ${issue?.path.join('.') || 'all of it'} is not what the protocol says: ${JSON.stringify(value).slice(0, 500)}`,
  )
}
