import type { Conversation } from './conversation'
import { must, mustEqual } from './expectation'
import type { ConformanceCheck, ServerUnderTest } from './serverUnderTest'
import { withJob } from './withJob'

const json = { 'content-type': 'application/json' }
const utf8 = (...bytes: number[]) => new Uint8Array(bytes)

interface Bad {
  body: string | object | Uint8Array<ArrayBuffer>
  headers?: Record<string, string>
  status: number
  field?: string | null
}

/** What no server should take, and how it says so. */
const bad: Record<string, Bad> = {
  'malformed JSON': { body: '{"action":', status: 400 },
  'no JSON at all': { body: 'action=cancel', status: 400 },
  'bytes that are no UTF-8': {
    ...{ body: utf8(...new TextEncoder().encode('{"action":"'), 0xff, 0x22, 0x7d), status: 400 },
  },
  NaN: { body: '{"action":"cancel","grace_seconds":NaN}', status: 400 },
  'a number out of range': { body: '{"action":"cancel","grace_seconds":1e999}', status: 400 },
  'too much': { body: { action: 'cancel', note: 'x'.repeat(70_000) }, status: 413 },
  'plain text': { body: '{"action":"cancel"}', headers: { 'content-type': 'text/plain' }, status: 415 },
  'a list': { body: '["cancel"]', status: 422 },
  'no action': { body: {}, status: 422, field: 'action' },
  'an unknown action': { body: { action: 'explode' }, status: 422, field: 'action' },
  'an action that is no text': { body: { action: ['cancel'] }, status: 422, field: 'action' },
  'an unknown mode': { body: { action: 'cancel', mode: 'soft' }, status: 422, field: 'mode' },
  'an unknown reason': { body: { action: 'cancel', reason: 'boredom' }, status: 422, field: 'reason' },
  'a note that is no text': { body: { action: 'cancel', note: 3 }, status: 422, field: 'note' },
  'a long note': { body: { action: 'cancel', note: 'x'.repeat(2001) }, status: 422, field: 'note' },
  'a terminal escape': { body: { action: 'cancel', note: '\x1b[2J' }, status: 422 },
  'half a character': { body: '{"action":"cancel","note":"\\ud800"}', status: 422 },
  'a negative grace': { body: { action: 'cancel', grace_seconds: -1 }, status: 422, field: 'grace_seconds' },
  'a grace in words': { body: { action: 'pause', grace_seconds: '1' }, status: 422, field: 'grace_seconds' },
  'a hold in words': { body: { action: 'pause', hold: 'yes' }, status: 422, field: 'hold' },
  'a checkpoint outside': { body: { action: 'resume', from: '../../etc' }, status: 422, field: 'from' },
  'a key with spaces': {
    ...{ body: { action: 'cancel' }, headers: { 'idempotency-key': 'a b' }, status: 400 },
    field: 'Idempotency-Key',
  },
  'an If-Match that is none': {
    ...{ body: { action: 'pause' }, headers: { 'if-match': '5' }, status: 400, field: 'If-Match' },
  },
}

/** What can't be understood, and what isn't there: refused with an honest status, and nothing has changed. */
export function refusalChecks(server: ServerUnderTest, talk: Conversation): ConformanceCheck[] {
  return [
    {
      name: 'what cannot be understood is refused in one sentence and changes nothing',
      run: () =>
        withJob(server, 'running', async (jobId) => {
          const before = await talk.job(jobId)
          for (const [name, { body, headers = {}, status, field }] of Object.entries(bad)) {
            const asking = { body, headers: { ...json, ...headers } }
            const wanted = { status, code: 'invalid_request', ...(field !== undefined && { field }) }
            await talk.refused(`/local/${jobId}/control`, asking, wanted).catch((error: Error) => {
              throw new Error(`${name}: ${error.message}`)
            })
          }
          const after = await talk.job(jobId)
          mustEqual(after.status_version, before.status_version, 'nothing has changed')
        }),
    },
    {
      name: 'keys that a newer client adds are passed over',
      run: () =>
        withJob(server, 'running', async (jobId) => {
          const result = await talk.control(jobId, { action: 'cancel', colour: 'red' })
          mustEqual(result.outcome, 'accepted', 'it is carried out')
        }),
    },
    {
      name: 'a stop is not to fail for an If-Match that it has no use for',
      run: () =>
        withJob(server, 'running', async (jobId) => {
          const result = await talk.control(jobId, { action: 'cancel' }, { 'if-match': '"0"' })
          mustEqual(result.outcome, 'accepted', 'it is carried out')
        }),
    },
    {
      name: 'a job that is not there is a 404 on every call, and so is an id that no job can have',
      run: async () => {
        for (const id of ['job_nobody_knows', 'job.dot', 'x'.repeat(65)]) {
          const wanted = { status: 404, code: 'job_not_found' }
          for (const action of ['cancel', 'pause', 'resume']) {
            await talk.refused(`/local/${id}/control`, { body: { action } }, wanted)
            await talk.refused(`/${action}/${id}`, { method: 'POST' }, wanted)
          }
          for (const rest of [
            '',
            '/events',
            '/metrics',
            '/logs',
            '/checkpoints',
            '/commands',
            '/commands/cmd_1',
          ])
            await talk.refused(`/jobs/${id}${rest}`, {}, wanted)
        }
      },
    },
    {
      name: 'a path that is not there is a 404, and one that does not take a method says which it takes',
      run: async () => {
        await talk.refused('/coffee', {}, { status: 404, code: 'not_found' })
        const answered = await talk.ask('/jobs', { method: 'DELETE' })
        mustEqual(answered.status, 405, 'DELETE /jobs')
        mustEqual(answered.headers.get('allow'), 'GET, POST', 'what it takes')
      },
    },
    {
      name: 'every answer has an id by which it is found again, and an error repeats it',
      run: async () => {
        const answered = await talk.ask('/jobs/job_nobody_knows')
        const id = answered.headers.get('x-request-id')
        must(id, 'it has an x-request-id')
        mustEqual((answered.body as { request_id?: string }).request_id, id, 'the error repeats it')
      },
    },
    {
      name: 'a checkpoint that is not there can not be resumed from',
      run: () =>
        withJob(server, server.stages.paused ? 'paused' : 'cancelled', async (jobId) => {
          const asking = { body: { action: 'resume', from: 'step-99999999' } }
          const wanted = { status: 409, code: 'no_checkpoint' }
          await talk.refused(`/local/${jobId}/control`, asking, wanted)
        }),
    },
  ]
}
