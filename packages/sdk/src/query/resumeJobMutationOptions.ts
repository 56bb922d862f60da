import { type ResumeJobParameters, resumeJob } from '../actions/resumeJob'
import type { TrainingClient } from '../client/createTrainingClient'
import { trainingMutationOptions } from './trainingMutationOptions'

/** Options of a mutation that resumes a job. Each `mutate` is one intent, with its own Idempotency-Key. */
export function resumeJobMutationOptions(client: TrainingClient) {
  return trainingMutationOptions(client, 'resumeJob', (variables: ResumeJobParameters) =>
    resumeJob(client, variables),
  )
}
