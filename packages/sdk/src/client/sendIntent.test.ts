import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cancelJob } from '../actions/cancelJob'
import { pauseJob } from '../actions/pauseJob'
import { resumeJob } from '../actions/resumeJob'
import { startJob } from '../actions/startJob'
import { type TrainingError, trainingError } from '../errors/trainingError'
import type { ControlRequest } from '../protocol'
import { ManualClock } from '../scripted/manualClock'
import { sampleCommand, vector, wireJob } from '../scripted/samples'
import type { Transport } from '../transports/transport'
import type { TransportCall } from '../transports/transportCall'
import { createTrainingClient } from './createTrainingClient'
import type { IntentCall } from './sendIntent'

type Action = ControlRequest['action'] | 'start'

/** What becomes of one attempt to change something. `done`: the server carries it out, whatever the client hears of it. */
const intentFates = [
  'answered',
  'lost',
  'lost, done',
  'garbled',
  'garbled, done',
  'failed',
  'failed, done',
  'gateway',
  'gateway, done',
  'silent',
  'silent, done',
  'limited',
  'limited for long',
  'signed out',
  'unreachable',
  'no route',
  'given up',
  'given up, done',
] as const
type IntentFate = (typeof intentFates)[number]
const readFates = ['answered', 'lost', 'garbled', 'failed', 'signed out', 'no route', 'silent'] as const
type ReadFate = (typeof readFates)[number]

interface Story {
  action: Action
  status: 'running' | 'paused' | 'completed'
  /** Else it is the smallest compatible server: no keys, and no reads. */
  honoursKeys: boolean
  intents: IntentFate[]
  reads: ReadFate[]
  timeoutSeconds: number | undefined
}

/** A training server with one job, behind a network that does not honour anything. What it has done is known here. */
class Server implements Transport {
  readonly clock = new ManualClock()
  readonly abort = new AbortController()
  readonly sent: IntentCall[] = []
  /** How often something was begun: a stop, a pause, a run. */
  begun = 0
  #status: string
  #answers = new Map<string, unknown>()
  #reads = 0
  readonly #story: Story

  constructor(story: Story) {
    this.#story = story
    this.#status = story.status
  }

  subscribe() {
    return () => {}
  }

  request(call: TransportCall, { signal }: { signal?: AbortSignal | undefined }): Promise<unknown> {
    if (signal?.aborted) return Promise.reject(trainingError('aborted', { arrived: 'no' }))
    return 'idempotencyKey' in call ? this.#intent(call, signal) : this.#read(call, signal)
  }

  async #intent(call: IntentCall, signal: AbortSignal | undefined): Promise<unknown> {
    const { intents } = this.#story
    const fate = intents[Math.min(this.sent.push(call), intents.length) - 1] ?? 'answered'
    const [what, done] = fate.split(', ')
    if (fate === 'answered') return this.#carryOut(call)
    if (done) {
      // What it refuses goes the way of all answers.
      await this.#carryOut(call).catch(() => {})
    }
    switch (what) {
      case 'garbled':
        return { success: true, hello: 'world' }
      case 'failed':
        throw trainingError('internal', { status: 500, arrived: 'unknown', rawCode: null })
      case 'limited':
        throw trainingError('rate_limited', { status: 429, retryAfterSeconds: 2 })
      case 'limited for long':
        throw trainingError('rate_limited', { status: 429, retryAfterSeconds: 3600 })
      case 'signed out':
        throw trainingError('unauthenticated', { status: 401 })
      case 'unreachable':
        throw trainingError('server_unreachable', { status: 502, arrived: 'no' })
      case 'no route':
        throw trainingError('not_supported', { status: 404 })
      case 'silent':
        return this.#silence(signal)
      case 'given up':
        this.abort.abort()
        return this.#silence(signal)
      default:
        throw trainingError('outcome_unknown', { idempotencyKey: null })
    }
  }

  async #read(call: TransportCall, signal: AbortSignal | undefined): Promise<unknown> {
    const { reads, honoursKeys } = this.#story
    const fate = reads[Math.min(++this.#reads, reads.length) - 1] ?? 'answered'
    if (!honoursKeys) throw trainingError('not_supported', { status: 404 })
    switch (fate) {
      case 'lost':
        throw trainingError('server_unreachable', { arrived: 'no' })
      case 'garbled':
        return { success: true, hello: 'world' }
      case 'failed':
        throw trainingError('internal', { status: 500, rawCode: null })
      case 'signed out':
        throw trainingError('unauthenticated', { status: 401 })
      case 'no route':
        throw trainingError('not_supported', { status: 404 })
      case 'silent':
        return this.#silence(signal)
    }
    if (call.name === 'getJob') return { success: true, job: wireJob({ status: this.#status }) }
    if (call.name === 'getCapabilities') return vector('CapabilitiesAnswer')
    return { success: true, commands: this.#commands() }
  }

  #commands() {
    return this.sent
      .map(({ idempotencyKey }) => this.#answers.get(idempotencyKey))
      .flatMap((answer) => (answer as { result?: { command: unknown } } | undefined)?.result?.command ?? [])
  }

  /** As http does: its own time-out, unless it is given up before. */
  #silence(signal: AbortSignal | undefined): Promise<never> {
    return new Promise((_, reject) => {
      const limit = { timeoutSeconds: 15, limit: 'answer' } as const
      const stop = this.clock.setTimer(() => reject(trainingError('timeout', limit)), 15_000)
      const giveUp = () => {
        stop()
        reject(trainingError('aborted', { arrived: 'unknown' }))
      }
      if (signal?.aborted) giveUp()
      else signal?.addEventListener('abort', giveUp)
    })
  }

  async #carryOut(call: IntentCall): Promise<unknown> {
    const { honoursKeys } = this.#story
    const known = honoursKeys ? this.#answers.get(call.idempotencyKey) : undefined
    if (known) return known
    const { answer, begins } = this.#decided(call)
    if (begins) this.begun++
    this.#answers.set(call.idempotencyKey, answer)
    return answer
  }

  #decided(call: IntentCall): { answer: unknown; begins: boolean } {
    if (call.name === 'startJob') return { answer: { success: true, job: wireJob() }, begins: true }
    const { action } = call.body
    const next = { cancel: 'stopping', pause: 'pausing', resume: 'running' }[action]
    const isOver = this.#status === 'completed'
    const mayBegin = {
      cancel: !isOver && this.#status !== 'stopping',
      pause: this.#status === 'running',
      // A server without keys begins another run for each call.
      resume: this.#story.status === 'paused',
    }[action]
    if (!mayBegin && !(action === 'cancel' && isOver)) {
      throw trainingError('conflict', { status: 409, jobStatus: this.#status })
    }
    const command = mayBegin ? sampleCommand({ action, idempotency_key: call.idempotencyKey }) : null
    if (mayBegin) this.#status = next
    const job = wireJob({ status: this.#status })
    const outcome = mayBegin ? 'accepted' : 'no_op'
    const full = { outcome, command, job }
    const result = this.#story.honoursKeys ? full : { outcome }
    return { answer: { success: true, action, job_id: 'job_1', result }, begins: mayBegin }
  }
}

async function told(story: Story) {
  const server = new Server(story)
  const client = createTrainingClient({ transport: server, clock: server.clock })
  const options = {
    ...{ idempotencyKey: 'key-1', timeoutSeconds: story.timeoutSeconds, signal: server.abort.signal },
  }
  const actions = { cancel: cancelJob, pause: pauseJob, resume: resumeJob }
  const pending =
    story.action === 'start'
      ? startJob(client, { template: 'digits', ...options })
      : actions[story.action](client, { jobId: 'job_1', ...options })
  const begunAt = server.clock.now()
  const result = await server.clock.runUntil<
    { ok: true; outcome?: string } | { ok: false; error: TrainingError }
  >(pending)
  return { server, result, seconds: (server.clock.now() - begunAt) / 1000 }
}

const stories: fc.Arbitrary<Story> = fc.record({
  action: fc.constantFrom('cancel', 'pause', 'resume', 'start'),
  status: fc.constantFrom('running', 'paused', 'completed'),
  honoursKeys: fc.boolean(),
  intents: fc.array(fc.constantFrom(...intentFates), { minLength: 1, maxLength: 4 }),
  reads: fc.array(fc.constantFrom(...readFates), { minLength: 1, maxLength: 6 }),
  timeoutSeconds: fc.constantFrom(undefined, 5, 60),
})

describe('an intent', () => {
  it('whatever becomes of its requests and reads, is told truly, and done at most once', async () => {
    await fc.assert(
      fc.asyncProperty(stories, async (story) => {
        const { server, result, seconds } = await told(story)
        expect(server.begun).toBeLessThanOrEqual(1)
        expect(server.sent.length).toBeLessThanOrEqual(3)
        expect(new Set(server.sent.map(({ idempotencyKey }) => idempotencyKey))).toEqual(new Set(['key-1']))
        expect(seconds).toBeLessThanOrEqual(story.timeoutSeconds ?? 30)
        expect(server.clock.running).toEqual([])
        if (result.ok) {
          expect(server.begun).toBe(result.outcome === 'no_op' ? 0 : 1)
          return
        }
        const { error } = result
        expect(error.idempotencyKey).toBe('key-1')
        // `no` and `yes` both say that nothing was changed: it never came there, or was refused.
        if (error.arrived !== 'unknown') expect(server.begun).toBe(0)
        // "It failed, try again" is only said where a read has shown that it was not done.
        if (error.code === 'internal') expect(server.begun).toBe(0)
        if (error.code === 'outcome_unknown') expect(error.arrived).toBe('unknown')
      }),
      { numRuns: 1500 },
    )
  }, 120_000)

  const base: Story = {
    ...{ action: 'cancel', status: 'running', honoursKeys: true, intents: ['answered'], reads: ['answered'] },
    timeoutSeconds: undefined,
  }
  const errorOf = async (story: Partial<Story>) => {
    const { result, ...rest } = await told({ ...base, ...story })
    if (result.ok) throw new Error('expected an error')
    return { error: result.error, ...rest }
  }

  it('is not refused by a proxy that knows no such path after a lost try', async () => {
    const { error } = await errorOf({ intents: ['lost, done', 'no route'], reads: ['answered', 'lost'] })
    expect(error).toMatchObject({ code: 'outcome_unknown', status: 404 })
  })

  it('is given up while it waits to be sent again, and while a read is to settle it', async () => {
    for (const [reads, waitsFor] of [
      [['lost'], 200],
      [['silent'], 15_000],
    ] as const) {
      const server = new Server({ ...base, intents: ['lost'], reads: [...reads] })
      const client = createTrainingClient({ transport: server, clock: server.clock })
      const pending = cancelJob(client, { jobId: 'job_1', signal: server.abort.signal })
      await server.clock.waitsFor(waitsFor)
      server.abort.abort()
      expect(await pending).toMatchObject({ ok: false, error: { code: 'aborted', arrived: 'unknown' } })
      expect([server.sent.length, server.clock.running]).toEqual([1, []])
    }
  })

  it('that the server failed at and no read can settle is not known to have failed', async () => {
    const { error } = await errorOf({ intents: ['failed, done'], reads: ['lost'] })
    expect(error).toMatchObject({ code: 'outcome_unknown', status: 500 })
    expect(error.message).toMatch(/^The training server failed.*It is not known whether this was carried out/)
  })

  it('that was limited waits as long as it is asked to, and is sent again', async () => {
    const { result, server, seconds } = await told({ ...base, intents: ['limited', 'answered'] })
    expect(result).toMatchObject({ ok: true, outcome: 'accepted' })
    expect([server.sent.length, seconds]).toEqual([2, 2])
  })

  it('that is limited for longer than a person waits says for how long', async () => {
    const { error, server } = await errorOf({ intents: ['limited for long'] })
    expect(error).toMatchObject({ code: 'rate_limited', retryAfterSeconds: 3600, arrived: 'yes' })
    expect(server.sent).toHaveLength(1)
  })

  it('is refused by a server without keys after a lost try: that may be its own echo', async () => {
    const { error } = await errorOf({ honoursKeys: false, intents: ['lost, done', 'answered'] })
    expect(error).toMatchObject({ code: 'outcome_unknown', arrived: 'unknown' })
  })

  it.each(['resume', 'pause', 'start'] as const)(
    'to %s is not sent twice where nothing shows that the server honours keys',
    async (action) => {
      for (const story of [{ honoursKeys: false }, { reads: ['lost' as const] }]) {
        const { error, server } = await errorOf({
          ...{ action, status: action === 'pause' ? 'running' : 'paused', intents: ['lost, done'] },
          ...story,
        })
        expect(error).toMatchObject({ code: 'outcome_unknown' })
        expect(server.sent).toHaveLength(1)
      }
    },
  )

  it('is over, settled or not, in the time that a person waits, and in their own if they say so', async () => {
    const silent = { intents: ['silent' as const], reads: ['silent' as const] }
    expect(await errorOf(silent)).toMatchObject({ error: { code: 'outcome_unknown' }, seconds: 30 })
    expect(await errorOf({ ...silent, timeoutSeconds: 6 })).toMatchObject({
      ...{ error: { code: 'outcome_unknown' }, seconds: 6 },
    })
  })

  it('keeps a third of its time for the read that settles it', async () => {
    const { result, seconds } = await told({ ...base, intents: ['silent, done'], timeoutSeconds: 6 })
    expect(result).toMatchObject({ ok: true, outcome: 'accepted' })
    expect(seconds).toBe(4)
  })

  it('ends with its signal even if the transport heeds none', async () => {
    const abort = new AbortController()
    const transport = { request: () => new Promise<never>(() => {}), subscribe: () => () => {} }
    const pending = cancelJob(createTrainingClient({ transport }), { jobId: 'job_1', signal: abort.signal })
    abort.abort()
    expect(await pending).toMatchObject({ ok: false, error: { code: 'aborted', arrived: 'unknown' } })
  })

  it.each(['', ' ', 'ключ', 'a b', 'a\nb', 'x'.repeat(201), 7 as never])(
    'with the key %j is not sent, and says what a key is',
    async (idempotencyKey) => {
      const server = new Server(base)
      const client = createTrainingClient({ transport: server })
      for (const result of [
        await cancelJob(client, { jobId: 'job_1', idempotencyKey }),
        await startJob(client, { template: 'digits', idempotencyKey }),
      ]) {
        expect(result).toMatchObject({
          ...{ ok: false, error: { code: 'invalid_request', field: 'idempotencyKey', arrived: 'no' } },
        })
      }
      expect(server.sent).toEqual([])
    },
  )
})
