import { expect, it } from 'vitest'
import { cancelJob } from '../actions/cancelJob'
import { getJob } from '../actions/getJob'
import { pauseJob } from '../actions/pauseJob'
import { resumeJob } from '../actions/resumeJob'
import { startJob } from '../actions/startJob'
import { watchJob } from '../actions/watchJob'
import { createTrainingClient } from '../client/createTrainingClient'
import type { Job } from '../protocol'
import { http } from '../transports/http/http'
import { createMockTrainingServer, type MockTrainingServerOptions } from './createMockTrainingServer'

function site(options: MockTrainingServerOptions = {}) {
  const server = createMockTrainingServer(options)
  const { fetch, clock } = server
  const client = createTrainingClient({ transport: http({ url: '/api/training', fetch, clock }), clock })
  /** The job as this client sees it, now and from now on. */
  const watch = (jobId: string) => {
    const seen: { job: Job | null; ended: boolean } = { job: null, ended: false }
    watchJob(client, {
      jobId,
      onUpdate: ({ job }) => {
        seen.job = job
      },
      onEnd: () => {
        seen.ended = true
      },
    })
    return seen
  }
  return { server, client, watch }
}

it('plays a whole run, and who watches it sees it to its end', async () => {
  const { server, client, watch } = site()
  const started = await startJob(client, { template: 'train' })
  if (!started.ok) throw started.error
  const seen = watch(started.job.id)
  await server.advance(0)
  expect(seen.job?.status).toBe('pending')
  await server.advance(200)
  expect(seen.job).toMatchObject({ status: 'running', progress: { step_total: 1000 } })
  expect(seen.job?.progress.step).toBeGreaterThan(150)
  expect(seen.job?.last_checkpoint?.id).toBe('step-00000100')
  await server.advance(1000)
  expect(seen).toMatchObject({ ended: true, job: { status: 'completed', end: { exit_code: 0 } } })
  expect(seen.job).toEqual((await wire(client, started.job.id)).job)
})

it('stops as asked: acknowledged, saved, gone, each with its receipt', async () => {
  const { server, client, watch } = site()
  const jobId = server.createJob()
  await server.advance(20)
  const seen = watch(jobId)
  const result = await cancelJob(client, { jobId, reason: 'overfitting' })
  expect(result).toMatchObject({ ok: true, outcome: 'accepted', command: { status: 'active' } })
  await server.advance(10)
  expect(seen.job).toMatchObject({ status: 'cancelled', last_command: { status: 'succeeded' } })
  expect(seen.job?.last_command?.receipts.map(({ stage, state }) => [stage, state])).toEqual([
    ['requested', 'done'],
    ['accepted', 'done'],
    ['delivered', 'done'],
    ['acknowledged', 'done'],
    ['checkpoint_saved', 'done'],
    ['process_exited', 'done'],
    ['resources_released', 'not_measured'],
  ])
})

it('pauses, frees, and goes on where it was', async () => {
  const { server, client, watch } = site()
  const jobId = server.createJob()
  await server.advance(30)
  const seen = watch(jobId)
  await pauseJob(client, { jobId })
  await server.advance(10)
  expect(seen.job?.status).toBe('paused')
  const step = seen.job?.progress.step ?? 0
  await resumeJob(client, { jobId })
  await server.advance(10)
  expect(seen.job).toMatchObject({ status: 'running', attempt: 2 })
  expect(seen.job?.progress.step).toBeGreaterThan(step)
})

it('holds a run and lets it go on', async () => {
  const { server, client, watch } = site()
  const jobId = server.createJob()
  await server.advance(30)
  const seen = watch(jobId)
  await pauseJob(client, { jobId, hold: true })
  await server.advance(100)
  expect(seen.job).toMatchObject({ status: 'paused', held: true, attempt: 1 })
  await resumeJob(client, { jobId })
  await server.advance(10)
  expect(seen.job).toMatchObject({ status: 'running', held: false, attempt: 1 })
})

it.each([
  ['never looks, and is killed at the deadline', { leaves: 'when_killed' }, 61, 'cancelled', 'skipped'],
  ['hangs in the kernel, and is overdue', { leaves: 'never' }, 600, 'stopping', undefined],
  ['acknowledges slowly', { acknowledgeSeconds: 40 }, 45, 'cancelled', 'done'],
  ['has no room for its save', { saves: 'fails' }, 10, 'cancelled', 'failed'],
  ['saves what does not verify', { saves: 'damaged' }, 10, 'cancelled', 'failed'],
] as const)('a run that is to stop and %s', async (_, plan, seconds, status, saved) => {
  const { server, client, watch } = site()
  const jobId = server.createJob({ plan })
  await server.advance(20)
  const seen = watch(jobId)
  await cancelJob(client, { jobId })
  await server.advance(seconds)
  expect(seen.job?.status).toBe(status)
  const command = seen.job?.command ?? seen.job?.last_command
  expect(command?.receipts.find(({ stage }) => stage === 'checkpoint_saved')?.state).toBe(saved)
})

it('a pause that the run does not hear expires, and never kills', async () => {
  const { server, client, watch } = site()
  const jobId = server.createJob({ plan: { leaves: 'when_killed' } })
  await server.advance(20)
  const seen = watch(jobId)
  await pauseJob(client, { jobId })
  await server.advance(59)
  expect(seen.job?.status).toBe('pausing')
  await server.advance(5)
  expect(seen.job).toMatchObject({ status: 'running', last_command: { status: 'expired' } })
})

it('a force ends what is stopping at once', async () => {
  const { server, client, watch } = site()
  const jobId = server.createJob({ plan: { leaves: 'when_killed' } })
  await server.advance(20)
  const seen = watch(jobId)
  await cancelJob(client, { jobId })
  await server.advance(5)
  await cancelJob(client, { jobId, mode: 'force' })
  await server.advance(1)
  expect(seen.job).toMatchObject({ status: 'cancelled', end: { signal: 'SIGKILL' } })
})

it('tells what is wrong with a run', async () => {
  const { server, watch } = site()
  const jobId = server.createJobIn('running')
  const seen = watch(jobId)
  await server.advance(0)
  for (const health of ['unresponsive', 'unsupervised', 'ok'] as const) {
    server.run(jobId).setHealth(health)
    await server.advance(0)
    expect(seen.job?.health).toBe(health)
  }
  server.run(jobId).lose()
  await server.advance(0)
  expect(seen.job).toMatchObject({ status: 'failed', end: { cause: 'interrupted' } })
})

async function wire(client: Parameters<typeof getJob>[0], jobId: string) {
  const result = await getJob(client, { jobId })
  if (!result.ok) throw result.error
  return result
}
