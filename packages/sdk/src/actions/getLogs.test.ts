import { describe, expect, expectTypeOf, it } from 'vitest'
import { createTrainingClient } from '../client/createTrainingClient'
import { vector } from '../scripted/samples'
import { answer, scriptedServer } from '../scripted/scriptedServer'
import { http } from '../transports/http/http'
import { type GetLogsResult, getLogs } from './getLogs'

describe('getLogs', () => {
  it('tells a piece and where to read on', async () => {
    const body = {
      ...vector<object>('LogsAnswer'),
      attempt: 2,
      offset: 100,
      next_offset: 112,
      size: 400,
      text: 'epoch 1/10\n',
    }
    const server = await scriptedServer((_, response) => answer(response, 200, body))
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    expect(await getLogs(client, { jobId: 'job_1', attempt: 2, offset: 100, limit: 12 })).toEqual({
      ...{ ok: true, attempt: 2, offset: 100, nextOffset: 112, size: 400, text: 'epoch 1/10\n' },
    })
    expect(server.received[0]?.path).toBe('/api/training/jobs/job_1/logs?attempt=2&offset=100&limit=12')
  })

  it('has types', () => {
    expectTypeOf<Extract<GetLogsResult, { ok: true }>['text']>().toEqualTypeOf<string>()
  })
})
