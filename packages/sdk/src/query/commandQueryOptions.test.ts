import { QueryClient, QueryObserver } from '@tanstack/query-core'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { createTrainingClient } from '../client/createTrainingClient'
import type { TrainingError } from '../errors/trainingError'
import type { Command } from '../protocol'
import { sampleCommand } from '../scripted/samples'
import { answer, scriptedServer } from '../scripted/scriptedServer'
import { http } from '../transports/http/http'
import { commandQueryOptions } from './commandQueryOptions'
import { waitForCommandQueryOptions } from './waitForCommandQueryOptions'

const wanted = { jobId: 'job_1', commandId: 'cmd_7' }
const active = sampleCommand({ id: 'cmd_7', status: 'active', ended_at: null })
const ended = sampleCommand({ id: 'cmd_7', status: 'succeeded' })

describe('commandQueryOptions', () => {
  it('never let a command that has ended seem active again', () => {
    const { structuralSharing } = commandQueryOptions({} as never, wanted)
    expect(structuralSharing(active, ended)).toEqual(ended)
    expect(structuralSharing(ended, active)).toBe(ended)
    expect(structuralSharing(ended, { ...active, id: 'cmd_8' })).toMatchObject({ id: 'cmd_8' })
    expect(structuralSharing('succeeded', 'active')).toBe('active')
  })
})

describe('waitForCommandQueryOptions', () => {
  it('are pending until the command has ended', async () => {
    const server = await scriptedServer((_, response) =>
      answer(response, 200, { success: true, command: ended }),
    )
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    const queries = new QueryClient()
    const options = waitForCommandQueryOptions(client, wanted)
    expect(await queries.fetchQuery(options)).toEqual(ended)
    const asked = server.received.length
    expect(await queries.fetchQuery(options)).toEqual(ended)
    expect(server.received).toHaveLength(asked)
  })

  it('type the data and the error', () => {
    const observer = new QueryObserver(
      new QueryClient(),
      waitForCommandQueryOptions({ key: 'k' } as never, wanted),
    )
    expectTypeOf(observer.getCurrentResult().data).toEqualTypeOf<Command | undefined>()
    expectTypeOf(observer.getCurrentResult().error).toEqualTypeOf<TrainingError | null>()
  })
})
