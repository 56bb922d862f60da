import { QueryClient } from '@tanstack/query-core'
import { describe, expect, it } from 'vitest'
import { createTrainingClient } from '../client/createTrainingClient'
import { vector } from '../scripted/samples'
import { answer, scriptedServer } from '../scripted/scriptedServer'
import { http } from '../transports/http/http'
import {
  capabilitiesQueryOptions,
  checkpointsQueryOptions,
  commandQueryOptions,
  commandsQueryOptions,
  jobsQueryOptions,
  logsQueryOptions,
  metricsQueryOptions,
} from './index'

const jobId = 'job_1'

describe('query options', () => {
  it.each([
    ['JobsAnswer', jobsQueryOptions, '/jobs', 'jobs'],
    ['CheckpointsAnswer', checkpointsQueryOptions, '/jobs/job_1/checkpoints', 0],
    ['CommandsAnswer', commandsQueryOptions, '/jobs/job_1/commands', 0],
    ['CommandAnswer', commandQueryOptions, '/jobs/job_1/commands/cmd_1', 'receipts'],
    ['CapabilitiesAnswer', capabilitiesQueryOptions, '/capabilities', 'templates'],
    ['MetricsAnswer', metricsQueryOptions, '/jobs/job_1/metrics', 'columns'],
    ['LogsAnswer', logsQueryOptions, '/jobs/job_1/logs', 'text'],
  ] as const)('read %s, tried offline too, with an abort signal', async (schema, optionsOf, path, field) => {
    const server = await scriptedServer((_, response) => answer(response, 200, vector(schema)))
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    const options = optionsOf(client, { jobId, commandId: 'cmd_1' })
    expect(options.networkMode).toBe('always')
    const data: unknown = await new QueryClient().fetchQuery(options as never)
    expect(data).toHaveProperty([field])
    expect(data).not.toHaveProperty('ok')
    expect(server.received[0]?.path).toBe(`/api/training${path}`)

    const abort = new AbortController()
    abort.abort()
    await expect(options.queryFn({ signal: abort.signal })).rejects.toMatchObject({ code: 'aborted' })
  })
})
