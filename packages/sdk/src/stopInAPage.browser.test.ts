import { describe, expect, inject, it } from 'vitest'
import {
  cancelJob,
  createTrainingClient,
  getJob,
  http,
  type JobUpdate,
  subscribeJob,
  subscribeJobs,
  watchJob,
} from './index'
import { Collected } from './scripted/collected'
import type { MockOrder, RunOrder } from './scripted/serverForBrowsers'

const origin = inject('trainingOrigin')
const clientOf = (headers: Record<string, string> = {}) =>
  createTrainingClient({ transport: http({ url: `${origin}/api/training`, headers }) })

async function order<Told = null>(order: MockOrder | RunOrder): Promise<Told> {
  const response = await fetch(`${origin}/order`, { method: 'POST', body: JSON.stringify(order) })
  return response.json()
}
const running = () => order<string>({ method: 'createJobIn', arguments: ['running'] })
const obeyed = async (jobId: string) => {
  await order({ jobId, fact: 'acknowledge' })
  await order({ jobId, fact: 'exit' })
}
const openStreams = async () => Number(await (await fetch(`${origin}/streams`)).text())

describe('in a page, over a real network, the SDK', () => {
  it('stops a run and watches its stop by a stream, to its end', async () => {
    const client = clientOf({ authorization: 'Bearer token' })
    const jobId = await running()
    const seen: string[] = []
    for await (const { job, connection, error } of subscribeJob(client, { jobId })) {
      expect(error).toBeNull()
      const status = job?.status
      if (!status || seen.at(-1) === status) continue
      seen.push(status)
      if (status === 'running') {
        expect(connection.source).toBe('sse')
        expect(await cancelJob(client, { jobId, reason: 'cost' })).toMatchObject({
          ok: true,
          outcome: 'accepted',
        })
      }
      if (status === 'stopping') await obeyed(jobId)
    }
    expect(seen).toEqual(['running', 'stopping', 'cancelled'])
  })

  it('goes on with its stream where it was, after the network broke it', async () => {
    const client = clientOf()
    const jobId = await running()
    const updates = new Collected<JobUpdate>()
    const stop = watchJob(client, { jobId, onUpdate: updates.push })
    await updates.first(({ job }) => job?.status === 'running')
    await order({ method: 'dropStreams', arguments: [] })
    await cancelJob(client, { jobId })
    await updates.first(({ job, connection }) => job?.status === 'stopping' && connection.source === 'sse')
    const seqs = updates.items.flatMap(({ job }) => (job ? [job.seq] : []))
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b))
    stop()
  })

  it('watches more jobs than a browser opens connections, and still stops one', async () => {
    const client = clientOf()
    const jobIds = await Promise.all(Array.from({ length: 12 }, running))
    const updates = new Collected<JobUpdate & { jobId: string }>()
    const leave = new AbortController()
    const watched = (async () => {
      for await (const update of subscribeJobs(client, { jobIds, signal: leave.signal })) updates.push(update)
    })()
    for (const each of jobIds) await updates.first(({ jobId, job }) => jobId === each && job !== null)
    expect(await openStreams()).toBe(1)
    const jobId = jobIds[11] as string
    expect(await cancelJob(client, { jobId })).toMatchObject({ ok: true })
    await updates.first(({ job }) => job?.id === jobId && job.status === 'stopping')
    leave.abort()
    await watched
  })

  it('settles by a read what became of a stop whose answer was lost', async () => {
    const client = clientOf()
    const jobId = await running()
    // Shows that this server honours keys.
    await getJob(client, { jobId })
    await order({ method: 'fault', arguments: [{ on: 'control', do: 'lose_answer' }] })
    expect(await cancelJob(client, { jobId })).toMatchObject({ ok: true, job: { status: 'stopping' } })
  })

  it('gives up as soon as its caller does', async () => {
    const jobId = await running()
    await order({ method: 'fault', arguments: [{ on: 'job', do: 'never_answer' }] })
    const leave = new AbortController()
    const read = getJob(clientOf(), { jobId, signal: leave.signal })
    leave.abort()
    expect(await read).toMatchObject({ ok: false, error: { code: 'aborted' } })
  })
})
