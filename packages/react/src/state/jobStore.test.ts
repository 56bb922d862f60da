// @vitest-environment jsdom
import type { Job } from '@trainstop/sdk'
import { job as jobSchema } from '@trainstop/sdk/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { makeJob } from '../testing/fixtures'
import { ScriptedServer } from '../testing/scriptedServer'
import { jobStoreOf } from './jobStore'

const read = (changes: Parameters<typeof makeJob>[0]): Job => jobSchema.parse(makeJob(changes))
let frames: (() => void)[] = []
const paint = () => {
  const due = frames
  frames = []
  for (const frame of due) frame()
}

/** A server, a store that follows it, and what the store has told. */
async function follow() {
  const server = new ScriptedServer()
  const store = jobStoreOf(server.client, 'job_1')
  const told: (string | undefined)[] = []
  const leave = store.subscribe(() => told.push(store.getSnapshot().status))
  await vi.waitFor(() => expect(store.getSnapshot().status).toBe('running'))
  paint()
  told.length = 0
  return { server, store, told, leave }
}

beforeEach(() => {
  frames = []
  vi.stubGlobal('requestAnimationFrame', (frame: () => void) => frames.push(frame))
  vi.stubGlobal('cancelAnimationFrame', (id: number) => frames.splice(id - 1, 1, () => {}))
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

describe('JobStore', () => {
  it('tells of 500 batches of metrics once a frame', async () => {
    const { server, store, told } = await follow()
    for (let step = 316; step < 816; step++) server.logMetrics(step, { train_loss: 1 / step })
    expect(told).toHaveLength(0)
    expect(frames).toHaveLength(1)
    paint()
    expect(told).toHaveLength(1)
    expect(store.getSnapshot().job?.progress.step).toBe(815)
  })

  it('tells of a change of status at once, though no frame is painted', async () => {
    const { server, told } = await follow()
    server.logMetrics(316, { train_loss: 1 })
    server.change({ status: 'stopping' })
    expect(told).toEqual(['stopping'])
  })

  it('tells in a hidden tab too, which paints no frames: metrics by a timer, status at once', async () => {
    vi.spyOn(document, 'hidden', 'get').mockReturnValue(true)
    const { server, store, told } = await follow()
    server.logMetrics(316, { train_loss: 1 })
    await vi.waitFor(() => expect(store.getSnapshot().job?.progress.step).toBe(316), { timeout: 30_000 })
    server.change({ status: 'stopping' })
    expect(told.at(-1)).toBe('stopping')
    expect(frames).toHaveLength(0)
  })

  it('never goes back: an older reading changes nothing, a newer one counts', async () => {
    const { server, store } = await follow()
    server.change({ status: 'stopping' })
    server.finish('cancelled')
    const { seq } = server.job
    store.learn(read({ status: 'running', seq: seq - 2 }))
    expect(store.getSnapshot().status).toBe('cancelled')
    store.learn(read({ status: 'paused', seq: seq + 1 }))
    expect(store.getSnapshot().status).toBe('paused')
    store.learn(read({ id: 'job_2', status: 'failed', seq: seq + 9 }))
    expect(store.getSnapshot().status).toBe('paused')
  })

  it('keeps the connection over a remount, and gives it back when the last one leaves', async () => {
    const { server, store, leave } = await follow()
    leave()
    const leaveAgain = store.subscribe(() => {})
    expect(server.subscribers).toBe(1)
    leaveAgain()
    await vi.waitFor(() => expect(server.subscribers).toBe(0), { timeout: 30_000 })
    expect(store.getSnapshot().status).toBe('running')
  })
})
