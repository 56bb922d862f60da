import { describe, it } from 'vitest'
import { systemClock } from '../transports/clock'
import { http } from '../transports/http/http'
import { transportChecks } from './conformance/transportChecks'
import { createMockTrainingServer, type MockTrainingServer } from './createMockTrainingServer'

/** A hundred times as fast: a back-off takes a moment. */
const hurried = {
  ...systemClock,
  setTimer: (callback: () => void, after: number) => systemClock.setTimer(callback, after / 100),
}

function under(server: MockTrainingServer, disconnect: () => void) {
  return {
    transport: http({ url: '/api/training', fetch: server.fetch, clock: hurried }),
    running: async () => server.createJobIn('running'),
    step: async (jobId: string) => {
      const { step } = server.job(jobId).progress
      server.run(jobId).step((step ?? 0) + 1, { loss: 1 })
    },
    finish: async (jobId: string) => server.run(jobId).exit(),
    job: async (jobId: string) => server.job(jobId),
    disconnect: async () => disconnect(),
  }
}

const streaming = createMockTrainingServer({ clock: hurried })
describe('http, by stream', () => {
  it.each(transportChecks(under(streaming, () => streaming.dropStreams())))('$name', ({ run }) => run())
})

const withoutStreams = createMockTrainingServer({ clock: hurried })
withoutStreams.fault({
  ...{
    do: 'answer',
    on: ['events', 'events_of_many'],
    status: 200,
    body: '<html>',
    times: Number.POSITIVE_INFINITY,
  },
})
describe('http, by polling where no stream gets through', () => {
  const loseTheNextRead = () => withoutStreams.fault({ do: 'lose_answer', on: 'job' })
  it.each(transportChecks(under(withoutStreams, loseTheNextRead)))('$name', ({ run }) => run())
})
