import { describe, expect, expectTypeOf, it } from 'vitest'
import { createTrainingClient } from '../client/createTrainingClient'
import type { Command } from '../protocol'
import { sampleCommand } from '../scripted/samples'
import { answer, scriptedServer } from '../scripted/scriptedServer'
import { http } from '../transports/http/http'
import { type GetCommandResult, getCommand } from './getCommand'

describe('getCommand', () => {
  it('reads a command with its receipts', async () => {
    const command = sampleCommand({ id: 'cmd_7' })
    const server = await scriptedServer((_, response) => answer(response, 200, { success: true, command }))
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    expect(await getCommand(client, { jobId: 'job_1', commandId: 'cmd_7' })).toEqual({ ok: true, command })
    expect(server.received[0]?.path).toBe('/api/training/jobs/job_1/commands/cmd_7')
  })

  it('tells a job without such a command from no such job', async () => {
    const server = await scriptedServer(({ path }, response) => {
      const code = path.includes('nobody') ? 'job_not_found' : 'not_found'
      answer(response, 404, { success: false, error: `No ${code}.`, code })
    })
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    expect(await getCommand(client, { jobId: 'job_1', commandId: 'cmd_7' })).toMatchObject({
      ...{ ok: false, error: { code: 'not_supported', message: 'No not_found.' } },
    })
    expect(await getCommand(client, { jobId: 'nobody', commandId: 'cmd_7' })).toMatchObject({
      ...{ ok: false, error: { code: 'job_not_found' } },
    })
  })

  it('asks nobody about what can not be an id', async () => {
    const client = createTrainingClient({ transport: http({ url: 'http://127.0.0.1:1' }) })
    for (const [jobId, commandId, code] of [
      ['job_1', '../x', 'not_supported'],
      ['job_1', undefined as never, 'not_supported'],
      ['..', 'cmd_1', 'job_not_found'],
      [undefined as never, 'cmd_1', 'job_not_found'],
    ] as const) {
      expect(await getCommand(client, { jobId, commandId })).toMatchObject({
        ...{ ok: false, error: { code, arrived: 'no' } },
      })
    }
  })

  it('has types', () => {
    expectTypeOf<Extract<GetCommandResult, { ok: true }>['command']>().toEqualTypeOf<Command>()
    // @ts-expect-error A command is found by its job.
    getCommand({} as never, { commandId: 'cmd_1' })
  })
})
