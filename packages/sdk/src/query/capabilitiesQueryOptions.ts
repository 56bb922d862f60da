import { getCapabilities } from '../actions/getCapabilities'
import type { TrainingClient } from '../client/createTrainingClient'
import { trainingQueryOptions } from './trainingQueryOptions'

/** Options of a query for what the training server can do and start. */
export function capabilitiesQueryOptions(client: TrainingClient) {
  return trainingQueryOptions(
    client,
    ['capabilities'],
    (signal) => getCapabilities(client, { signal }),
    ({ protocol, server, templates }) => ({ protocol, server, templates }),
  )
}
