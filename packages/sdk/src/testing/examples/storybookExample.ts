import { createTrainingClient, http, systemClock } from '../../index'
import { createMockTrainingServer } from '../index'

const server = createMockTrainingServer({ clock: systemClock }) // goes by the real time
export const client = createTrainingClient({
  transport: http({ url: '/api/training', fetch: server.fetch }),
})

/** Trains while you look at it. */
export const training = server.createJob({ plan: { steps: 600, stepSeconds: 0.2 } })
/** A pause that waits for its run for ever, and a run that has stopped. */
export const pausing = server.createJobIn('pausing')
export const stopped = server.createJobIn('cancelled')
