import { type StartJobParameters, startJob } from '../actions/startJob'
import type { TrainingClient } from '../client/createTrainingClient'
import { trainingMutationOptions } from './trainingMutationOptions'

/** Options of a mutation that starts a job. Each `mutate` is one intent, with its own Idempotency-Key. */
export function startJobMutationOptions(client: TrainingClient) {
  return trainingMutationOptions(client, 'startJob', (variables: StartJobParameters) =>
    startJob(client, variables),
  )
}
