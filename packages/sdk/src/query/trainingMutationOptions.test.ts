import { MutationObserver, onlineManager, QueryClient } from '@tanstack/query-core'
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest'
import type { CancelJobParameters } from '../actions/cancelJob'
import type { ControlJobSuccess } from '../client/controlJob'
import { createTrainingClient } from '../client/createTrainingClient'
import type { TrainingError } from '../errors/trainingError'
import { commandServer } from '../scripted/commandServer'
import { http } from '../transports/http/http'
import {
  cancelJobMutationOptions,
  pauseJobMutationOptions,
  resumeJobMutationOptions,
  startJobMutationOptions,
} from './index'

afterEach(() => onlineManager.setOnline(true))

describe('mutation options', () => {
  it('make a mutation of an action', async () => {
    const server = await commandServer({})
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    const mutation = new MutationObserver(new QueryClient(), cancelJobMutationOptions(client))
    const result = await mutation.mutate({ jobId: 'job_1', reason: 'cost' })
    expect(result).toMatchObject({ outcome: 'accepted', command: { id: 'cmd_1', reason: 'cost' } })
    expectTypeOf(result).toExtend<ControlJobSuccess>()
    expectTypeOf(mutation.mutate).parameter(0).toEqualTypeOf<CancelJobParameters>()
    expectTypeOf(mutation.getCurrentResult().error).toEqualTypeOf<TrainingError | null>()
  })

  it('throw the error that the action returns', async () => {
    const body = { success: false, error: 'It is over.', code: 'conflict', status: 'completed' }
    const server = await commandServer({ fates: [{ status: 409, body }] })
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    const mutation = new MutationObserver(new QueryClient(), pauseJobMutationOptions(client))
    await expect(mutation.mutate({ jobId: 'job_1' })).rejects.toMatchObject({
      ...{ name: 'TrainingError', code: 'conflict', jobStatus: 'completed' },
    })
    expect(server.controls).toHaveLength(1)
  })

  it('never queue a stop: pressed offline it fails now, and does not fire when the network is back', async () => {
    onlineManager.setOnline(false)
    let tries = 0
    const fetch = () => {
      tries++
      return Promise.reject(Object.assign(new TypeError('fetch failed'), { cause: { code: 'ENETUNREACH' } }))
    }
    const client = createTrainingClient({ transport: http({ url: 'https://training.example', fetch }) })
    const queries = new QueryClient()
    queries.mount()
    const mutation = new MutationObserver(queries, cancelJobMutationOptions(client))
    await expect(mutation.mutate({ jobId: 'job_1' })).rejects.toMatchObject({ arrived: 'no' })
    expect(mutation.getCurrentResult()).toMatchObject({ status: 'error', isPaused: false })
    onlineManager.setOnline(true)
    await queries.resumePausedMutations()
    expect(tries).toBe(1)
    queries.unmount()
  })

  it('have a key each', () => {
    const client = { key: 'default' } as never
    const keys = [
      cancelJobMutationOptions,
      pauseJobMutationOptions,
      resumeJobMutationOptions,
      startJobMutationOptions,
    ].map((optionsOf) => optionsOf(client).mutationKey[2])
    expect(keys).toEqual(['cancelJob', 'pauseJob', 'resumeJob', 'startJob'])
  })
})
