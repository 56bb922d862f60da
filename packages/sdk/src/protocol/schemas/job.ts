import * as z from 'zod/mini'
import { endCauses, healths, jobStatuses, warningCodes, workingJob } from '../job'
import { capabilities } from './capability'
import { checkpoint } from './checkpoint'
import { command } from './command'
import { latestMetric } from './metrics'
import { count, id, open, timestamp } from './primitives'
import { progress } from './progress'

/** How a job ended. `interrupted`: nobody was there to see it end, so its exit code is not known. */
export const jobEnd = z.object({
  cause: open(endCauses),
  exit_code: z.nullable(z.int()),
  /** Name of the signal that ended the main process, e.g. `SIGKILL`. */
  signal: z.nullable(z.string()),
  /** One sentence for a person. */
  message: z.string(),
})

/** Something that may go wrong, told before it does. */
export const jobWarning = z.object({
  code: open(warningCodes),
  /** One sentence for a person. */
  message: z.string(),
})

/** A job as it travels. `job` is what a client works with. */
export const wireJob = z.object({
  id,
  owner: z.nullable(z.string()),
  name: z.string(),
  template: z.nullable(id),
  params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  status: open(jobStatuses),
  health: open(healths),
  /** `paused` at a step, with its process and GPU: resuming it goes on at once. Older servers leave it out. */
  held: z.optional(z.boolean()),
  /** Starts at 1; resuming a paused job raises it. */
  attempt: z.int().check(z.minimum(1)),
  created_at: timestamp,
  updated_at: timestamp,
  started_at: z.nullable(timestamp),
  ended_at: z.nullable(timestamp),
  progress,
  latest_metrics: z.record(z.string(), latestMetric),
  /** The newest that verified, by step, of all attempts. */
  last_checkpoint: z.nullable(checkpoint),
  best_checkpoint: z.nullable(checkpoint),
  capabilities,
  /** The command under way, with its deadline. */
  command: z.nullable(command),
  /** The newest command that has ended. */
  last_command: z.nullable(command),
  end: z.nullable(jobEnd),
  /** What a person should know before they need it. Older servers leave it out. */
  warnings: z.optional(z.array(jobWarning)),
  resumed_from: z.nullable(z.object({ job_id: id, checkpoint_id: id })),
  resumed_as: z.nullable(id),
  /** Rises with status and command only: the ETag. */
  status_version: count,
  /** Raised when a backup is restored; `seq` compares within one generation. */
  generation: count,
  /** Only ever grows. */
  seq: count,
})

/** A job with a status that can be switched over: an unknown one is `unknown`, with the raw word beside it. */
export const job = z.pipe(wireJob, z.transform(workingJob))
