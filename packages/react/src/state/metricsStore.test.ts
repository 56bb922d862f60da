import { trainingError } from '@trainstop/sdk'
import { expect, it, vi } from 'vitest'
import { ScriptedServer } from '../testing/scriptedServer'
import { metricsStoreOf } from './metricsStore'

const wait = { timeout: 30_000 }

function follow(server: ScriptedServer) {
  const store = metricsStoreOf(server.client, 'job_1')
  store.subscribe(() => {})
  return {
    store,
    steps: () => store.getSnapshot().rows.step.slice(0, store.getSnapshot().length),
  }
}
function logged(server: ScriptedServer, steps: number[]) {
  server.metrics = {
    attempt: steps.map(() => 1),
    step: steps,
    epoch: steps.map(() => 1),
    elapsed_seconds: steps,
    values: { train_loss: steps.map((step) => 1 / step) },
  }
}

it('joins what was logged before with what comes while it is read, without a gap or a double', async () => {
  const server = new ScriptedServer()
  const release = server.holdBack('getMetrics')
  const { steps } = follow(server)
  await vi.waitFor(() => expect(server.calls.some(({ name }) => name === 'getMetrics')).toBe(true), wait)
  await vi.waitFor(() => expect(server.subscribers).toBe(1), wait)
  for (const step of [1, 2, 3]) server.logMetrics(step, { train_loss: 1 / step })
  // The answer is from after the second batch: it has 1 and 2, and 3 must come from the stream.
  logged(server, [1, 2])
  const { seq } = server.job
  server.job = { ...server.job, seq: seq - 1 }
  release()
  await vi.waitFor(() => expect(steps()).toEqual([1, 2, 3]), wait)
  server.job = { ...server.job, seq }
  server.logMetrics(4, { train_loss: 0.25, eval_loss: 0.5 })
  await vi.waitFor(() => expect(steps()).toEqual([1, 2, 3, 4]), wait)
})

it('takes an event that is told twice once', async () => {
  const server = new ScriptedServer()
  const { steps } = follow(server)
  await vi.waitFor(
    () => expect(metricsStoreOf(server.client, 'job_1').getSnapshot().isLoading).toBe(false),
    wait,
  )
  server.logMetrics(1, { train_loss: 1 })
  const { progress, latest_metrics, seq } = server.job
  const columns = { attempt: [1], step: [1], epoch: [1], elapsed_seconds: [1], values: { train_loss: [1] } }
  server.tell({ type: 'metrics', data: { progress, latest_metrics, columns } }, seq)
  server.logMetrics(2, { train_loss: 0.5 })
  await vi.waitFor(() => expect(steps()).toEqual([1, 2]), wait)
})

it('reads all again after a reset', async () => {
  const server = new ScriptedServer()
  logged(server, [1])
  const { steps } = follow(server)
  await vi.waitFor(() => expect(steps()).toEqual([1]), wait)
  logged(server, [1, 2, 3])
  server.tell({ type: 'reset', data: { reason: 'The cursor has expired.' } })
  await vi.waitFor(() => expect(steps()).toEqual([1, 2, 3]), wait)
})

it('gives a metric that begins later nulls before that', async () => {
  const server = new ScriptedServer()
  logged(server, [1, 2])
  const { store, steps } = follow(server)
  await vi.waitFor(() => expect(steps()).toEqual([1, 2]), wait)
  server.logMetrics(3, { eval_loss: 0.5 })
  await vi.waitFor(() => expect(steps()).toEqual([1, 2, 3]), wait)
  expect(store.getSnapshot().rows.values).toEqual({
    train_loss: [1, 0.5, null],
    eval_loss: [null, null, 0.5],
  })
  expect(store.getSnapshot().names).toEqual(['train_loss', 'eval_loss'])
})

it('tells why the rows could not be read, tries again by itself, and mends', async () => {
  const server = new ScriptedServer()
  logged(server, [1])
  server.fail(() => trainingError('internal', { status: 500, rawCode: null }))
  const { store, steps } = follow(server)
  await vi.waitFor(() => expect(store.getSnapshot().error?.code).toBe('internal'), wait)
  server.failure = null
  await vi.waitFor(() => expect(steps()).toEqual([1]), wait)
  expect(store.getSnapshot().error).toBeNull()
})

it('reads the rows again where nothing but the job is told, and the last ones when it ends', async () => {
  const server = new ScriptedServer()
  logged(server, [1])
  const { steps } = follow(server)
  await vi.waitFor(() => expect(steps()).toEqual([1]), wait)
  server.connection({ source: 'polling' })
  logged(server, [1, 2])
  server.change({})
  await vi.waitFor(() => expect(steps()).toEqual([1, 2]), wait)
  logged(server, [1, 2, 3])
  server.finish()
  await vi.waitFor(() => expect(steps()).toEqual([1, 2, 3]), wait)
  expect(server.calls.filter(({ name }) => name === 'getMetrics').length).toBe(3)
})
