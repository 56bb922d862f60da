import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { watchJobs } from '../actions/watchJobs'
import { FaultyServer, type RequestFault, type StreamFault } from '../scripted/faultyServer'
import { ManualClock } from '../scripted/manualClock'
import { neverBack } from '../scripted/neverBack'
import { http } from '../transports/http/http'
import { createTrainingClient } from './createTrainingClient'
import type { JobUpdate } from './jobUpdate'

const jobIds = ['job_1', 'job_2', 'job_3']

const requestFaults: RequestFault[] = [
  ...(['lost', 'hangs', 'refused', 'failed', 'a page', 'half'] as const),
  ...(['an older answer', 'an older answer', 'an older answer', 'slow', 'slow', 'slow'] as const),
]

type Step =
  | { do: 'happen'; jobId: string; what: 'status' | 'metrics' | 'command' | 'checkpoint' }
  | { do: 'pass'; milliseconds: number }
  | { do: 'requests'; faults: RequestFault[] }
  | { do: 'streams'; faults: StreamFault[] }
  | { do: 'watch'; jobId: string }
  | { do: 'leave'; jobId: string }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('happen' as const),
        jobId: fc.constantFrom(...jobIds),
        what: fc.constantFrom('status', 'status', 'metrics', 'command', 'checkpoint'),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('pass' as const),
        milliseconds: fc.constantFrom(10, 500, 3000, 4500, 9000, 31_000, 60_000),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('requests' as const),
        faults: fc.array(fc.constantFrom(...requestFaults), { maxLength: 6 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('streams' as const),
        faults: fc.array(fc.constantFrom('cut', 'garbled', 'twice', 'noise', 'late'), { maxLength: 4 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('watch' as const), jobId: fc.constantFrom(...jobIds) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('leave' as const), jobId: fc.constantFrom(...jobIds) }),
    },
  ),
  { minLength: 15, maxLength: 60, size: 'max' },
)

/** Everything that waits for no time has happened. */
async function settled(): Promise<void> {
  for (let i = 0; i < 6; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}

async function play(server: FaultyServer, script: Step[]) {
  const clock = new ManualClock()
  const transport = http({ url: 'http://training.example/api/training', fetch: server.fetch, clock })
  const client = createTrainingClient({ transport, clock })
  const latest = new Map<string, JobUpdate>()
  const leaves = new Map<string, () => void>()
  const mistakes: unknown[] = []
  const watch = (jobId: string) => {
    if (leaves.has(jobId)) return
    const see = neverBack(server.jobs.get(jobId)?.truths ?? [])
    const leave = watchJobs(client, {
      jobIds: [jobId],
      onUpdate(update) {
        latest.set(jobId, update)
        try {
          see(update.job)
        } catch (mistake) {
          mistakes.push(mistake)
        }
      },
      onJobEnd: (_, error) => mistakes.push(error ?? new Error('It ended, although the job has not.')),
    })
    leaves.set(jobId, leave)
  }
  const pass = async (milliseconds: number) => {
    for (let left = milliseconds; left > 0; left -= 9000) {
      clock.advance(Math.min(9000, left))
      await settled()
      server.beat()
      await settled()
    }
  }
  for (const jobId of jobIds) watch(jobId)
  for (const step of script) {
    if (step.do === 'happen') server.happen(step.jobId, step.what)
    else if (step.do === 'pass') await pass(step.milliseconds)
    else if (step.do === 'requests') server.requestFaults.push(...step.faults)
    else if (step.do === 'streams') server.streamFaults.push(...step.faults)
    else if (step.do === 'watch') watch(step.jobId)
    else {
      leaves.get(step.jobId)?.()
      leaves.delete(step.jobId)
      await settled()
    }
    if (step.do !== 'pass') await settled()
  }
  // The network mends, and some time passes.
  server.requestFaults = []
  server.streamFaults = []
  for (const jobId of jobIds) watch(jobId)
  await pass(90_000)
  if (mistakes.length > 0) throw mistakes[0]
  const shown = Object.fromEntries(jobIds.map((jobId) => [jobId, latest.get(jobId)]))
  for (const leave of leaves.values()) leave()
  await settled()
  return { shown, clock }
}

describe('what is shown of jobs', () => {
  it.each([
    ['one stream for all', { hasStreamsOfMany: true, hasStreams: true }],
    ["each job's own stream", { hasStreamsOfMany: false, hasStreams: true }],
    ['polling', { hasStreamsOfMany: false, hasStreams: false }],
  ])(
    'through %s never goes back and comes to what is true, whatever the network does',
    async (_, kind) => {
      await fc.assert(
        fc.asyncProperty(steps, async (script) => {
          const server = Object.assign(new FaultyServer(jobIds), kind)
          const { shown, clock } = await play(server, script)
          for (const [jobId, { truths }] of server.jobs) {
            expect(shown[jobId]?.job).toEqual(truths.at(-1))
            expect(shown[jobId]).toMatchObject({ error: null, connection: { stale: false, attempt: 0 } })
          }
          expect(clock.running).toEqual([])
        }),
        { numRuns: 20 },
      )
    },
    120_000,
  ) // Room to shrink what fails.
})
