import { type ListJobsParameters, listJobs } from '../actions/listJobs'
import type { TrainingClient } from '../client/createTrainingClient'
import type { Job } from '../protocol'
import { isJob, newerOf } from './newestHeld'
import { shareStructure } from './shareStructure'
import { trainingQueryOptions } from './trainingQueryOptions'

/** One page of jobs, as it lies in the cache. */
export interface JobsPage {
  jobs: Job[]
  nextCursor: string | null
}

/** Options of a query for one page of jobs, newest first. No job in it ever goes back to an older state. */
export function jobsQueryOptions(
  client: TrainingClient,
  { cursor = null, limit = null, status = null }: Omit<ListJobsParameters, 'signal'> = {},
) {
  const options = trainingQueryOptions(
    client,
    ['jobs', { cursor, limit, status }],
    (signal) => listJobs(client, { cursor, limit, status, signal }),
    ({ jobs, nextCursor }): JobsPage => ({ jobs, nextCursor }),
  )
  const structuralSharing = (held: unknown, incoming: unknown): unknown =>
    shareStructure(held, isPage(held) && isPage(incoming) ? withNewerJobs(held, incoming) : incoming)
  return {
    ...options,
    /** Keeps what is newer, and the parts that did not change. */
    structuralSharing,
  }
}

function withNewerJobs(held: JobsPage, incoming: JobsPage): JobsPage {
  const heldJobs = new Map(held.jobs.map((job) => [job.id, job]))
  return { ...incoming, jobs: incoming.jobs.map((job) => newerOf(heldJobs.get(job.id), job) as Job) }
}

/** What `select` makes of a page may be anything. */
function isPage(value: unknown): value is JobsPage {
  return (
    typeof value === 'object' &&
    value !== null &&
    'jobs' in value &&
    Array.isArray(value.jobs) &&
    value.jobs.every(isJob)
  )
}
