import * as z from 'zod/mini'
import type { TrainingEvent, WireJob } from '../../protocol'
import { event as eventSchema } from '../../protocol/schemas/event'
import { job as jobSchema } from '../../protocol/schemas/job'
import { reduceJob } from '../../state/reduceJob'
import type { Conversation, Heard } from './conversation'
import { must, mustEqual } from './expectation'
import type { ConformanceCheck, ServerUnderTest } from './serverUnderTest'
import { withJob } from './withJob'

/** Streams: of one job, and of many. */
export function streamChecks(server: ServerUnderTest, talk: Conversation): ConformanceCheck[] {
  return [...streamsOfOne(server, talk), ...streamsOfMany(server, talk)]
}

function streamsOfOne(server: ServerUnderTest, talk: Conversation): ConformanceCheck[] {
  const { obey } = server
  const checks: ConformanceCheck[] = [
    {
      name: 'the stream of a job that is over is the job and the end',
      run: () =>
        withJob(server, 'cancelled', async (jobId) => {
          const events = await talk.hear(`/jobs/${jobId}/events`, {})
          const told = events.filter(({ type }) => type !== 'log')
          mustEqual(
            told.map(({ type }) => type),
            ['job', 'end'],
            'what it says',
          )
          mustEqual(told[0]?.data, await talk.job(jobId), 'the job')
          mustEqual(told[1]?.data, { status: 'cancelled' }, 'the end')
        }),
    },
    {
      name: 'a cursor that is none of this server gets a reset and the job',
      run: () =>
        withJob(server, 'cancelled', async (jobId) => {
          for (const cursor of ['999.1', '1.999999', 'nonsense']) {
            const events = await talk.hear(`/jobs/${jobId}/events`, { headers: { 'last-event-id': cursor } })
            mustEqual(
              events.slice(0, 2).map(({ type }) => type),
              ['reset', 'job'],
              `after ${cursor}`,
            )
          }
        }),
    },
    {
      name: 'who comes back with a cursor gets the rest and nothing twice, in a header or in the URL',
      run: () =>
        withJob(server, 'cancelled', async (jobId) => {
          const { generation, seq } = await talk.job(jobId)
          for (let from = 1; from <= seq; from++) {
            const cursor = `${generation}.${from}`
            const headers = { 'last-event-id': cursor }
            const byHeader = await talk.hear(`/jobs/${jobId}/events`, { headers })
            const byUrl = await talk.hear(`/jobs/${jobId}/events?cursor=${cursor}`, {})
            for (const events of [byHeader, byUrl]) mustEqual(numbered(events), range(from + 1, seq), cursor)
            mustEqual(byHeader.at(-1)?.type, 'end', 'and the end')
          }
        }),
    },
  ]
  if (!obey) return checks
  return [
    ...checks,
    {
      name: 'a stream begins with the job, goes on without a gap, and comes to what the server says the job is',
      run: () =>
        withJob(server, 'running', async (jobId) => {
          const events: Heard[] = []
          for await (const event of talk.listen(`/jobs/${jobId}/events`)) {
            events.push(event)
            if (events.length > 1) continue
            mustEqual(event.type, 'job', 'it begins with the job')
            await talk.control(jobId, { action: 'cancel', reason: 'cost' })
            await obey(jobId)
          }
          const first = events[0] as Heard
          const job = await talk.job(jobId)
          mustEqual(numbered(events), range(first.seq, job.seq), 'every seq, once')
          mustEqual(events.at(-1)?.type, 'end', 'the last is the end')
          mustEqual(events.at(-1)?.data, { status: 'cancelled' }, 'it tells the status')
          mustEqual(reduced(events), z.parse(jobSchema, job), 'all together are the job')
        }),
    },
    {
      name: 'a paused job is not over',
      run: () =>
        withJob(server, 'paused', async (jobId) => {
          const events: Heard[] = []
          for await (const event of talk.listen(`/jobs/${jobId}/events`)) {
            events.push(event)
            if (events.length === 1) await talk.control(jobId, { action: 'cancel' })
          }
          mustEqual(events.at(-1)?.data, { status: 'cancelled' }, 'the end comes with the cancel')
        }),
    },
  ]
}

function streamsOfMany(server: ServerUnderTest, talk: Conversation): ConformanceCheck[] {
  const checks: ConformanceCheck[] = [
    {
      name: 'a wish for many jobs that makes no sense is refused',
      run: async () => {
        for (const jobs of [{}, { '../job': null }, { job_1: 1 }, []]) {
          const error = await talk.refused('/events', { body: { jobs } }, { status: 422 })
          must(error.field?.startsWith('jobs'), `it names jobs, not ${error.field}`)
        }
      },
    },
  ]
  const { obey, finish } = server
  if (!obey || !finish) return checks
  return [
    ...checks,
    {
      name: 'one stream tells of many jobs, each as its own would; a job that is not there is gone',
      run: () =>
        withJob(server, 'cancelled', (over) =>
          withJob(server, 'running', (fresh) =>
            withJob(server, 'running', async (resumed) => {
              const { generation, seq } = await talk.job(resumed)
              const cursor = `${generation}.${seq - 1}`
              const jobs = { [fresh]: null, [resumed]: cursor, [over]: null, job_nobody_knows: '1.3' }
              const marked = new Set<string>()
              const events: Heard[] = []
              for await (const event of talk.listen('/events', { body: { jobs } })) {
                events.push(event)
                if (event.type !== 'bookmark' || marked.has(event.job_id)) continue
                marked.add(event.job_id)
                if (event.job_id === fresh)
                  await obey(fresh).then(() => talk.control(fresh, { action: 'cancel' }))
                if (event.job_id === resumed) await finish(resumed)
              }
              mustEqual([...marked].sort(), [fresh, resumed].sort(), 'those that go on are bookmarked')
              const of = (jobId: string) => events.filter(({ job_id }) => job_id === jobId)
              mustEqual(
                of('job_nobody_knows').map(({ type, seq }) => [type, seq]),
                [['gone', 0]],
                'what is not there',
              )
              for (const [jobId, from] of [
                [fresh, (of(fresh)[0] as Heard).seq],
                [resumed, seq],
                [over, (await talk.job(over)).seq],
              ] as const) {
                const told = of(jobId).filter(({ type }) => type !== 'bookmark')
                const job = await talk.job(jobId)
                mustEqual(numbered(told), range(from, job.seq), `every seq of ${jobId}, once`)
                mustEqual(told.at(-1)?.data, { status: job.status }, `the end of ${jobId}`)
              }
            }),
          ),
        ),
    },
  ]
}

/** The seqs of those that are kept, but for the end, which repeats the last. */
function numbered(events: readonly Heard[]): number[] {
  return events.filter(({ type, cursor }) => cursor !== null && type !== 'end').map(({ seq }) => seq)
}

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i)
}

/** What a client would show at the end. */
function reduced(events: readonly Heard[]): WireJob | null {
  const parsed = events.map(({ cursor, ...event }) => z.parse(eventSchema, event) as TrainingEvent)
  return parsed.reduce<ReturnType<typeof reduceJob>>(reduceJob, null)
}
