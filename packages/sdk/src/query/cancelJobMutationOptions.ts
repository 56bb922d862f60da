import { type CancelJobParameters, cancelJob } from '../actions/cancelJob'
import type { TrainingClient } from '../client/createTrainingClient'
import { trainingMutationOptions } from './trainingMutationOptions'

/** Options of a mutation that stops a job. Each `mutate` is one intent, with its own Idempotency-Key. */
export function cancelJobMutationOptions(client: TrainingClient) {
  return trainingMutationOptions(client, 'cancelJob', (variables: CancelJobParameters) =>
    cancelJob(client, variables),
  )
}
