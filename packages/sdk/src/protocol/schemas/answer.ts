import * as z from 'zod/mini'
import { commandActions } from '../command'
import { paramTypes } from '../template'
import { checkpoint } from './checkpoint'
import { command } from './command'
import { paramValue, wireControlResult } from './control'
import { job, wireJob } from './job'
import { metricColumns } from './metrics'
import { count, id, open } from './primitives'

const success = { success: z.literal(true) }

/** One job, as it travels. What a route answers with jobs has a wire form, for schemas, and a client's. */
export const wireJobAnswer = z.object({ ...success, job: wireJob })
/** One job. */
export const jobAnswer = z.object({ ...success, job })

/** Newest first. `next_cursor` goes back in as `?cursor=`; null at the end. */
export const wireJobsAnswer = z.object({
  ...success,
  jobs: z.array(wireJob),
  next_cursor: z.nullable(z.string()),
})
/** Newest first. `next_cursor` goes back in as `?cursor=`; null at the end. */
export const jobsAnswer = z.object({ ...success, jobs: z.array(job), next_cursor: z.nullable(z.string()) })

/** What cancel, pause and resume answer, as it travels from a Trainstop server. */
export const wireControlAnswer = z.object({
  ...success,
  action: z.enum(commandActions),
  job_id: id,
  result: wireControlResult,
})

/** One command. */
export const commandAnswer = z.object({ ...success, command })
/** Newest first. */
export const commandsAnswer = z.object({ ...success, commands: z.array(command) })
/** Those on the disk, newest first; what did not verify is listed too, with `problem`. */
export const checkpointsAnswer = z.object({ ...success, checkpoints: z.array(checkpoint) })
/** All rows up to `seq`, so that the event stream from `seq` on adds the rest without a gap or a double. */
export const metricsAnswer = z.object({ ...success, generation: count, seq: count, columns: metricColumns })

/**
 * A piece of the log of one attempt, cut at a character's border. Fetch on from `next_offset`; `size` is the log's
 * length in bytes so far. Bytes that are no UTF-8 are replaced.
 */
export const logsAnswer = z.object({
  ...success,
  attempt: count,
  offset: count,
  next_offset: count,
  size: count,
  text: z.string(),
})

/** One parameter of a template, enough to draw a form field. */
export const templateParam = z.object({
  name: id,
  type: open(paramTypes),
  title: z.string(),
  default: z.nullable(paramValue),
  minimum: z.nullable(z.number()),
  maximum: z.nullable(z.number()),
  choices: z.nullable(z.array(z.string())),
})

/** Something the operator allows to be started. */
export const template = z.object({
  id,
  title: z.string(),
  description: z.nullable(z.string()),
  params: z.array(templateParam),
})

/** What this server can do. */
export const capabilitiesAnswer = z.object({
  ...success,
  protocol: z.int(),
  server: z.object({ name: z.string(), version: z.string() }),
  templates: z.array(template),
})

/**
 * `ready`: the store answers, the data directory can be written, and every job is looked after. `not_ready`:
 * words for what is missing (`starting`, `leaving`, `store`, `data_directory`).
 */
export const healthAnswer = z.object({
  ...success,
  live: z.boolean(),
  ready: z.boolean(),
  version: z.string(),
  not_ready: z.optional(z.array(z.string())),
})
