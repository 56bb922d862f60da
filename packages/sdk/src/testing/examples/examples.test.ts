import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { cancelJob } from '../../actions/cancelJob'
import { getJob } from '../../actions/getJob'
import { watchJob } from '../../actions/watchJob'
import { createTrainingClient } from '../../client/createTrainingClient'
import type { JobStatus } from '../../protocol'
import { Collected } from '../../scripted/collected'
import { http } from '../../transports/http/http'
import { network, training } from './mswExample'
import { client, pausing, stopped, training as trains } from './storybookExample'

const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')

it.each(['vitestExample.test.ts', 'storybookExample.ts', 'mswExample.ts'])(
  'the readme has %s, as it is run here',
  (file) => {
    const code = readFileSync(new URL(file, import.meta.url), 'utf8')
    expect(readme).toContain(
      code.replace("'../../index'", "'@trainstop/sdk'").replace("'../index'", "'@trainstop/sdk/testing'"),
    )
  },
)

describe('msw', () => {
  beforeAll(() => network.listen({ onUnhandledRequest: 'error' }))
  afterEach(() => training.clearFaults())
  afterAll(() => {
    training.close()
    network.close()
  })
  const { clock } = training
  const app = createTrainingClient({
    transport: http({ url: 'https://app.example/api/training', clock }),
    clock,
  })

  it('hands every call of the app to the mock, streams too', async () => {
    const jobId = training.createJobIn('running')
    const statuses = new Collected<JobStatus | undefined>()
    watchJob(app, { jobId, onUpdate: ({ job }) => statuses.push(job?.status) })
    await statuses.first((status) => status === 'running')
    const result = await cancelJob(app, { jobId })
    expect(result).toMatchObject({ ok: true, outcome: 'accepted' })
    await statuses.first((status) => status === 'stopping')
    training.run(jobId).acknowledge()
    training.run(jobId).exit()
    await statuses.first((status) => status === 'cancelled')
  })

  it('tells the app of a network that fails', async () => {
    const jobId = training.createJobIn('running')
    training.fault({ on: 'control', do: 'lose_answer' })
    expect(await cancelJob(app, { jobId })).toMatchObject({ ok: true, job: { status: 'stopping' } })
  })
})

it('a story has a client and its jobs', async () => {
  for (const [jobId, status] of [
    [pausing, 'pausing'],
    [stopped, 'cancelled'],
  ] as const)
    expect(await getJob(client, { jobId })).toMatchObject({ ok: true, job: { status } })
  const statuses = new Collected<JobStatus | undefined>()
  const stop = watchJob(client, { jobId: trains, onUpdate: ({ job }) => statuses.push(job?.status) })
  await statuses.first((status) => status === 'running')
  stop()
})
