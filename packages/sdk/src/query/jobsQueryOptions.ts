import { type ListJobsParameters, listJobs } from '../actions/listJobs'
import type { TrainingClient } from '../client/createTrainingClient'
import type { Job } from '../protocol'
import { newerJob } from '../state/reduceJob'
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
  { cursor = null, limit = null }: Omit<ListJobsParameters, 'signal'> = {},
) {
  const options = trainingQueryOptions(
    client,
    ['jobs', { cursor, limit }],
    (signal) => listJobs(client, { cursor, limit, signal }),
    ({ jobs, nextCursor }): JobsPage => ({ jobs, nextCursor }),
  )
  const structuralSharing = (held: unknown, incoming: unknown): unknown =>
    shareStructure(held, withNewerJobs(held as JobsPage | undefined, incoming as JobsPage))
  return { ...options, structuralSharing }
}

function withNewerJobs(held: JobsPage | undefined, incoming: JobsPage): JobsPage {
  const heldJobs = new Map(held?.jobs.map((job) => [job.id, job]))
  return { ...incoming, jobs: incoming.jobs.map((job) => newerJob(heldJobs.get(job.id) ?? null, job)) }
}
