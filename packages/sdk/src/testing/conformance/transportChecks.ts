import * as z from 'zod/mini'
import { isTrainingError, type TrainingError } from '../../errors/trainingError'
import type { Job, WireJob } from '../../protocol'
import { wireControlAnswer, wireJobAnswer } from '../../protocol/schemas/answer'
import { wireControlResult } from '../../protocol/schemas/control'
import { job as jobSchema } from '../../protocol/schemas/job'
import { reduceJob } from '../../state/reduceJob'
import type { Transport, TransportUpdate } from '../../transports/transport'
import type { TransportCall } from '../../transports/transportCall'
import { must, mustEqual } from './expectation'
import type { ConformanceCheck } from './serverUnderTest'

/** A transport that is to be checked, and what its tests can do to the server behind it. */
export interface TransportUnderTest {
  transport: Transport
  /** Makes a job that runs: its id. */
  running: () => Promise<string>
  /** Makes the job's run get on by a step, so that there is news of it. */
  step: (jobId: string) => Promise<void>
  /** Has the job's run end by itself, with exit code 0. */
  finish: (jobId: string) => Promise<void>
  /** The job as the server has it, past the transport. */
  job: (jobId: string) => Promise<WireJob>
  /** Breaks the transport's connections, if it has such that can break; it may make new ones. */
  disconnect?: () => Promise<void>
}

/**
 * What a transport must do, as named checks that any test runner can run. They wait for what must come, and not for time:
 * give your runner a time-out.
 */
export function transportChecks(under: TransportUnderTest): ConformanceCheck[] {
  const { transport, running, step, finish, job, disconnect } = under
  const checks: ConformanceCheck[] = [
    {
      name: "a call resolves with the answer's body, in the shape of the protocol",
      run: async () => {
        const jobId = await running()
        const body = z.parse(wireJobAnswer, await transport.request({ name: 'getJob', jobId }, {}))
        mustEqual(body.job.id, jobId, 'the job')
      },
    },
    {
      name: 'a control call with the same key is the same command',
      run: async () => {
        const jobId = await running()
        const call: TransportCall = {
          ...{ name: 'controlJob', jobId, body: { action: 'cancel' }, idempotencyKey: `check-${jobId}` },
        }
        const send = async () => {
          const answer = z.parse(wireControlAnswer, await transport.request(call, {}))
          return z.parse(wireControlResult, answer.result)
        }
        const first = await send()
        const again = await send()
        must(first.command, 'there is a command')
        mustEqual(first.command.idempotency_key, `check-${jobId}`, 'the key has come through')
        mustEqual(again.command?.id, first.command.id, 'the same command')
      },
    },
    {
      name: 'a refusal rejects with its TrainingError, and says that the server answered',
      run: async () => {
        const error = await refusal(transport.request({ name: 'getJob', jobId: 'job_nobody_knows' }, {}))
        mustEqual([error.code, error.arrived], ['job_not_found', 'yes'], 'the error')
      },
    },
    {
      name: 'a call whose signal is aborted rejects with aborted, and nothing was sent',
      run: async () => {
        const jobId = await running()
        const before = await job(jobId)
        const left = new AbortController()
        left.abort()
        const call: TransportCall = {
          ...{ name: 'controlJob', jobId, body: { action: 'cancel' }, idempotencyKey: 'aborted' },
        }
        const error = await refusal(transport.request(call, { signal: left.signal }))
        mustEqual([error.code, error.arrived], ['aborted', 'no'], 'the error')
        mustEqual((await job(jobId)).status, before.status, 'nothing has changed')
      },
    },
    {
      name: 'watching begins with the job, goes on without a gap, and ends with what the server has',
      run: async () => {
        const jobId = await running()
        const watcher = new Watcher(transport, jobId)
        await watcher.until(() => watcher.job !== null)
        mustEqual(watcher.updates.find(({ event }) => event)?.event?.type, 'job', 'the first event')
        for (let i = 0; i < 5; i++) await step(jobId)
        await finish(jobId)
        await watcher.until(() => watcher.ended !== undefined)
        mustEqual(watcher.ended, null, 'it ends without an error')
        mustEqual(watcher.job, z.parse(jobSchema, await job(jobId)), 'all together are the job')
        const last = watcher.updates.at(-1)?.connection
        mustEqual([last?.source, last?.stale], ['none', false], 'the connection at the end')
      },
    },
    {
      name: 'an update tells what it came through, and when the server was last heard',
      run: async () => {
        const watcher = new Watcher(transport, await running())
        await watcher.until(() => watcher.job !== null)
        const { connection, error } = watcher.updates.find(({ event }) => event) as TransportUpdate
        must(connection.source !== 'none', 'it came through something')
        must(connection.lastEventAt !== null, 'the server was heard')
        mustEqual([connection.stale, connection.attempt, error], [false, 0, null], 'nothing is wrong')
        watcher.stop()
      },
    },
    {
      name: 'who stops watching is left alone, and others go on',
      run: async () => {
        const jobId = await running()
        const [leaving, staying] = [new Watcher(transport, jobId), new Watcher(transport, jobId)]
        await Promise.all([leaving, staying].map((each) => each.until(() => each.job !== null)))
        leaving.stop()
        const told = leaving.updates.length
        await finish(jobId)
        await staying.until(() => staying.ended !== undefined)
        mustEqual([leaving.updates.length, leaving.ended], [told, undefined], 'the one that left')
      },
    },
    {
      name: 'two jobs are told apart',
      run: async () => {
        const [first, second] = [await running(), await running()]
        const watchers = [new Watcher(transport, first), new Watcher(transport, second)]
        await Promise.all(watchers.map((each) => each.until(() => each.job !== null)))
        await finish(first)
        await step(second)
        await watchers[0]?.until(() => watchers[0]?.ended !== undefined)
        mustEqual(watchers[0]?.job?.status, 'completed', 'the first is over')
        mustEqual(
          [watchers[1]?.ended, watchers[1]?.job?.status],
          [undefined, 'running'],
          'the second goes on',
        )
        watchers[1]?.stop()
      },
    },
    {
      name: 'watching a job that is not there ends with job_not_found',
      run: async () => {
        const watcher = new Watcher(transport, 'job_nobody_knows')
        await watcher.until(() => watcher.ended !== undefined)
        mustEqual(watcher.ended?.code, 'job_not_found', 'the error')
        mustEqual(watcher.job, null, 'nothing was shown')
      },
    },
  ]
  if (!disconnect) return checks
  return [
    ...checks,
    {
      name: 'a connection that is lost is no end of the job: it is made again, and nothing is missed',
      run: async () => {
        const jobId = await running()
        const watcher = new Watcher(transport, jobId)
        await watcher.until(() => watcher.job !== null)
        await disconnect()
        await step(jobId)
        const { seq } = await job(jobId)
        await watcher.until(() => (watcher.job?.seq ?? 0) >= seq)
        mustEqual(watcher.ended, undefined, 'the job goes on')
        await disconnect()
        await finish(jobId)
        await watcher.until(() => watcher.ended !== undefined)
        mustEqual(watcher.job, z.parse(jobSchema, await job(jobId)), 'the end was not missed')
      },
    },
  ]
}

async function refusal(promise: Promise<unknown>): Promise<TrainingError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  must(isTrainingError(error), `it rejects with a TrainingError, not with ${String(error)}`)
  return error
}

/** Watches one job, and checks what every update must be. */
class Watcher {
  readonly updates: TransportUpdate[] = []
  job: Job | null = null
  /** Undefined: not yet. */
  ended: TrainingError | null | undefined
  readonly stop: () => void
  #problem: Error | null = null
  #look = () => {}

  constructor(transport: Transport, jobId: string) {
    this.stop = transport.subscribe({
      jobId,
      observer: {
        next: (update) => {
          this.#checked(() => this.#take(update, jobId))
        },
        end: (error) => {
          this.#checked(() => must(this.ended === undefined, 'it ends once'))
          this.ended = error
          this.#look()
        },
      },
    })
  }

  /** Resolves once it is so; rejects when an update was not as it should be. */
  async until(isSo: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#look = () => {
        if (this.#problem || isSo()) resolve()
      }
      this.#look()
    })
    if (this.#problem) throw this.#problem
  }

  #take(update: TransportUpdate, jobId: string): void {
    const { event } = update
    this.updates.push(update)
    must(this.ended === undefined, 'nothing comes after the end')
    if (!event) return
    must(event.job_id === jobId, `an event of ${event.job_id} was told to who watches ${jobId}`)
    this.job = reduceJob(this.job, event)
  }

  #checked(check: () => void): void {
    try {
      check()
    } catch (error) {
      this.#problem ??= error as Error
    }
    this.#look()
  }
}
