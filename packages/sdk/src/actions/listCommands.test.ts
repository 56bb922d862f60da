import { describe, expect, expectTypeOf, it } from 'vitest'
import { createTrainingClient } from '../client/createTrainingClient'
import type { Command } from '../protocol'
import { vector } from '../scripted/samples'
import { answer, scriptedServer } from '../scripted/scriptedServer'
import { http } from '../transports/http/http'
import { type ListCommandsResult, listCommands } from './listCommands'

describe('listCommands', () => {
  it('tells them as the server does, with their receipts', async () => {
    const body = vector<{ commands: { receipts: object[] }[] }>('CommandsAnswer')
    const server = await scriptedServer((_, response) => answer(response, 200, body))
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    expect(await listCommands(client, { jobId: 'job_1' })).toEqual({ ok: true, commands: body.commands })
    expect(body.commands[0]?.receipts.length).toBeGreaterThan(0)
  })

  it('has types', () => {
    expectTypeOf<Extract<ListCommandsResult, { ok: true }>['commands']>().toEqualTypeOf<Command[]>()
  })
})
