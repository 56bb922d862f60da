import { describe, expect, expectTypeOf, it } from 'vitest'
import { createTrainingClient } from '../client/createTrainingClient'
import type { Checkpoint } from '../protocol'
import { vector } from '../scripted/samples'
import { answer, scriptedServer } from '../scripted/scriptedServer'
import { http } from '../transports/http/http'
import { type ListCheckpointsResult, listCheckpoints } from './listCheckpoints'

describe('listCheckpoints', () => {
  it('tells them as the server does', async () => {
    const body = vector<{ checkpoints: object[] }>('CheckpointsAnswer')
    const server = await scriptedServer((_, response) => answer(response, 200, body))
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    const { checkpoints } = body
    expect(await listCheckpoints(client, { jobId: 'job_1' })).toEqual({ ok: true, checkpoints })
    expect(checkpoints.length).toBeGreaterThan(0)
  })

  it('says of a server that has no such call that it is not supported', async () => {
    const server = await scriptedServer((_, response) => void response.writeHead(404).end('Not Found'))
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    const result = await listCheckpoints(client, { jobId: 'job_1' })
    expect(result).toMatchObject({ ok: false, error: { code: 'not_supported' } })
  })

  it('has types', () => {
    expectTypeOf<Extract<ListCheckpointsResult, { ok: true }>['checkpoints']>().toEqualTypeOf<Checkpoint[]>()
  })
})
