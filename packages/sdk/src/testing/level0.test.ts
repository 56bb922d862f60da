import { describe, expect, it } from 'vitest'
import { cancelJob } from '../actions/cancelJob'
import { getCapabilities } from '../actions/getCapabilities'
import { getJob } from '../actions/getJob'
import { getLogs } from '../actions/getLogs'
import { getMetrics } from '../actions/getMetrics'
import { listCheckpoints } from '../actions/listCheckpoints'
import { listCommands } from '../actions/listCommands'
import { listJobs } from '../actions/listJobs'
import { pauseJob } from '../actions/pauseJob'
import { resumeJob } from '../actions/resumeJob'
import { startJob } from '../actions/startJob'
import { watchJob } from '../actions/watchJob'
import { createTrainingClient } from '../client/createTrainingClient'
import type { TrainingError } from '../errors/trainingError'
import { hostServer } from '../scripted/hostServer'
import { minimalServer } from '../scripted/minimalServer'
import { createTrainingHandler } from '../server/createTrainingHandler'
import { http } from '../transports/http/http'
import { serverChecks } from './conformance/serverChecks'
import { VirtualClock } from './virtualClock'

const url = 'http://minimal.test/api/training'

describe('the smallest compatible server', () => {
  const server = minimalServer()
  let made = 0
  const stage = (status: 'running' | 'paused') => async () => {
    const jobId = `job_${++made}`
    server.jobs.set(jobId, status)
    return jobId
  }
  const { fetch } = server
  const checks = serverChecks(
    { url, fetch, stages: { running: stage('running'), paused: stage('paused') } },
    { level: 0 },
  )
  it.each(checks)('passes: $name', ({ run }) => run())
})

/** A client right before the smallest server, and one that goes through a host's handler, over real sockets. */
async function clients() {
  const direct = minimalServer()
  const upstream = minimalServer()
  const training = await hostServer((request) => upstream.fetch(request))
  const handler = createTrainingHandler({
    authenticate: () => ({ id: 'ada' }),
    authorize: () => true,
    trainingServer: { url: training.url, token: 'service-token' },
  })
  const host = await hostServer(handler)
  const clock = new VirtualClock()
  return [
    {
      server: direct,
      client: createTrainingClient({ transport: http({ url, fetch: direct.fetch, clock }) }),
    },
    { server: upstream, client: createTrainingClient({ transport: http({ url: host.url }) }) },
  ].map((each) => {
    each.server.jobs.set('job_1', 'running')
    return each
  })
}

describe.each([
  [0, 'right before the smallest server'],
  [1, "through a host's handler"],
])('every action %#', (which, where) => {
  it(`controls a job ${where}, and says no more than it knows`, async () => {
    const site = (await clients())[which]
    if (!site) throw new Error('there is no such client')
    const { client, server } = site
    const told = { ok: true, outcome: 'accepted', command: null, job: null }
    expect(await pauseJob(client, { jobId: 'job_1', hold: true })).toEqual(told)
    expect(server.jobs.get('job_1')).toBe('paused')
    expect(await resumeJob(client, { jobId: 'job_1', from: 'best' })).toEqual(told)
    expect(server.jobs.get('job_1')).toBe('running')
    const refused = await resumeJob(client, { jobId: 'job_1' })
    expect(refused).toMatchObject({ ok: false, error: { code: 'conflict', message: 'It is running.' } })
    expect(await cancelJob(client, { jobId: 'job_1', mode: 'force', reason: 'cost' })).toEqual(told)
    expect(server.jobs.get('job_1')).toBe('stopped')
    expect(server.received.map(({ body }) => body)).toEqual([
      { action: 'pause', hold: true },
      { action: 'resume', from: 'best' },
      { action: 'resume' },
      { action: 'cancel', mode: 'force', reason: 'cost' },
    ])
    const unknown = await cancelJob(client, { jobId: 'job_2' })
    expect(unknown).toMatchObject({ ok: false, error: { code: 'job_not_found', arrived: 'yes' } })
  })

  it(`says of everything else that it is not supported ${where}`, async () => {
    const site = (await clients())[which]
    if (!site) throw new Error('there is no such client')
    const { client } = site
    const jobId = 'job_1'
    const reads = [
      getJob(client, { jobId }),
      listJobs(client, {}),
      getMetrics(client, { jobId }),
      getLogs(client, { jobId }),
      listCheckpoints(client, { jobId }),
      listCommands(client, { jobId }),
      getCapabilities(client, {}),
      startJob(client, { template: 'train' }),
    ]
    for (const read of reads)
      expect(await read).toMatchObject({ ok: false, error: { code: 'not_supported' } })
    const error = await new Promise<TrainingError | null>((resolve) => {
      watchJob(client, { jobId, onUpdate: () => {}, onEnd: resolve })
    })
    expect(error?.code).toBe('not_supported')
  })
})
