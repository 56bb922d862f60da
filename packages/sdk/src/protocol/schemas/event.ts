import * as z from 'zod/mini'
import { ofOneStream } from '../event'
import { checkpoint } from './checkpoint'
import { command } from './command'
import { job, wireJob } from './job'
import { latestMetric, metricColumns } from './metrics'
import { count, id, timestamp } from './primitives'
import { progress } from './progress'

const envelope = { job_id: id, generation: count, seq: count, at: timestamp }

/** One batch of rows, with what they change on the job. At most four a second and job. */
export const metricsData = z.object({
  progress,
  latest_metrics: z.record(z.string(), latestMetric),
  columns: metricColumns,
})
/** The log of `attempt` is now `size` bytes long: fetch the rest by offset. A signal, not kept; it has no id. */
export const logData = z.object({ attempt: count, size: count })
/** What you hold is no longer a base to build on: forget it, a `job` event follows. */
export const resetData = z.object({ reason: z.string() })
/** The last event of a job that is final. The end of a stream without it is not the end of the job. */
export const endData = z.object({ status: z.string() })
/** Nothing was missed of this job up to this seq. Comes in the stream of many jobs. */
export const bookmarkData = z.object({})
/** There is no such job: it never was, was removed, or is somebody else's. Comes in the stream of many jobs, has no id. */
export const goneData = z.object({ reason: z.string() })

function eventsWith<J extends z.ZodMiniType>(jobSchema: J) {
  return z.discriminatedUnion('type', [
    z.object({ ...envelope, type: z.literal('job'), data: jobSchema }),
    z.object({ ...envelope, type: z.literal('command'), data: command }),
    z.object({ ...envelope, type: z.literal('checkpoint'), data: checkpoint }),
    z.object({ ...envelope, type: z.literal('metrics'), data: metricsData }),
    z.object({ ...envelope, type: z.literal('log'), data: logData }),
    z.object({ ...envelope, type: z.literal('reset'), data: resetData }),
    z.object({ ...envelope, type: z.literal('end'), data: endData }),
    z.object({ ...envelope, type: z.literal('bookmark'), data: bookmarkData }),
    z.object({ ...envelope, type: z.literal('gone'), data: goneData }),
  ])
}

/** An event as it travels, in `data:` of a server-sent event whose `event:` repeats `type`. */
export const wireEvent = eventsWith(wireJob)

/** An event as a client works with it. A type that a newer server invents does not parse: pass it over. */
export const event = eventsWith(job)

/** Body of `POST /events`: each job (at most 10,000) with the id of the last event that is known of it, `null` for none. */
export const eventsRequest = z.object({
  jobs: z.record(id, z.nullable(z.string().check(z.maxLength(64)))).check(z.refine(ofOneStream)),
})
