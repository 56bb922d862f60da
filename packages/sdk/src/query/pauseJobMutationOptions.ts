import { type PauseJobParameters, pauseJob } from '../actions/pauseJob'
import type { TrainingClient } from '../client/createTrainingClient'
import { trainingMutationOptions } from './trainingMutationOptions'

/** Options of a mutation that pauses a job. Each `mutate` is one intent, with its own Idempotency-Key. */
export function pauseJobMutationOptions(client: TrainingClient) {
  return trainingMutationOptions(client, 'pauseJob', (variables: PauseJobParameters) =>
    pauseJob(client, variables),
  )
}
