import type { JobState } from '../mock/states'
import { must } from './expectation'
import type { ServerUnderTest } from './serverUnderTest'

/** Makes a job in that state, and lets go of it afterwards. */
export async function withJob(
  { stages, release }: ServerUnderTest,
  state: JobState,
  check: (jobId: string) => Promise<void>,
): Promise<void> {
  const stage = stages[state]
  must(stage, `this check needs a job that is ${state}`)
  const jobId = await stage()
  try {
    await check(jobId)
  } finally {
    await release?.(jobId)
  }
}
