import { contract } from '../scripted/contract'
import { systemClock } from '../transports/clock'
import type { ServerUnderTest } from './conformance/serverUnderTest'
import { createMockTrainingServer } from './createMockTrainingServer'
import { type JobState, jobStates } from './mock/states'

contract('the mock', async () => mockUnderTest(), { everybody: true })

/** It goes by the real time, hurried, so that waits end by themselves. */
function mockUnderTest(): ServerUnderTest & { end(): Promise<void> } {
  const server = createMockTrainingServer({
    clock: { ...systemClock, setTimer: (callback, after) => systemClock.setTimer(callback, after / 50) },
    templates: [{ id: 'train', plan: { queueSeconds: Number.POSITIVE_INFINITY } }],
  })
  const stage = (state: JobState) => async () => server.createJobIn(state)
  const as = (owner: string) => ({ 'trainstop-owner': owner })
  return {
    url: 'http://mock.test/api/training',
    fetch: server.fetch,
    stages: Object.fromEntries(jobStates.map((state) => [state, stage(state)])),
    obey: async (jobId) => server.changePlan(jobId, { stepSeconds: 0.2, saveSeconds: 0.2 }),
    finish: async (jobId) => server.run(jobId).exit(),
    release: async (jobId) => server.removeJob(jobId),
    owners: { mine: as('ada'), theirs: as('bob') },
    asActor: (actor) => ({
      'trainstop-actor': encodeURIComponent(JSON.stringify(actor)),
    }),
    start: { request: { template: 'train' } },
    end: async () => server.close(),
  }
}
