import { wireControlAnswer, wireJobAnswer } from '../../protocol/schemas/answer'
import type { Conversation } from './conversation'
import { must, mustEqual } from './expectation'
import type { ConformanceCheck, ServerUnderTest } from './serverUnderTest'
import { withJob } from './withJob'

const keyed = (key: string) => ({ 'idempotency-key': key })
let keys = 0
const newKey = () => `check-${Date.now().toString(36)}-${++keys}`

/** One intent is one command, however often it is sent. */
export function intentChecks(server: ServerUnderTest, talk: Conversation): ConformanceCheck[] {
  const checks: ConformanceCheck[] = [
    {
      name: 'the same key finds the same command again, and another request with it is refused',
      run: () =>
        withJob(server, 'running', async (jobId) => {
          const key = keyed(newKey())
          const body = { action: 'cancel', reason: 'cost', note: null }
          const first = await talk.control(jobId, body, key)
          mustEqual(first.command?.idempotency_key, key['idempotency-key'], 'the command tells its key')
          const again = await talk.control(jobId, { reason: 'cost', action: 'cancel' }, key)
          mustEqual(again.command?.id, first.command?.id, 'it is the same command')
          const wanted = { status: 422, code: 'invalid_request', field: 'Idempotency-Key' }
          const other = { body: { action: 'cancel', mode: 'force' }, headers: key }
          await talk.refused(`/local/${jobId}/control`, other, wanted)
          const byPath = await talk.read(wireControlAnswer, `/cancel/${jobId}`, {
            ...{ body: { reason: 'cost' }, headers: key },
          })
          mustEqual(byPath.result.command?.id, first.command?.id, 'both paths know the same keys')
        }),
    },
    {
      name: 'a second stop joins the first, whatever its key, and its key is remembered too',
      run: () =>
        withJob(server, 'running', async (jobId) => {
          const first = await talk.control(jobId, { action: 'cancel' }, keyed(newKey()))
          const key = keyed(newKey())
          const second = await talk.control(jobId, { action: 'cancel' }, key)
          mustEqual(second.command?.id, first.command?.id, 'it joins')
          const again = await talk.control(jobId, { action: 'cancel' }, key)
          mustEqual(again.command?.id, first.command?.id, 'and again')
          await talk.refused(
            `/local/${jobId}/control`,
            { body: { action: 'pause' }, headers: key },
            { status: 422, code: 'invalid_request' },
          )
        }),
    },
    {
      name: 'the key of what found nothing to do is remembered, and keys of different jobs are apart',
      run: () =>
        withJob(server, 'completed', async (over) =>
          withJob(server, 'running', async (running) => {
            const key = keyed(newKey())
            const nothing = await talk.control(over, { action: 'cancel' }, key)
            mustEqual([nothing.outcome, nothing.command], ['no_op', null], 'nothing to do')
            const other = { body: { action: 'resume' }, headers: key }
            await talk.refused(`/local/${over}/control`, other, { status: 422 })
            const elsewhere = await talk.control(running, { action: 'pause' }, key)
            mustEqual(elsewhere.outcome, 'accepted', 'another job knows nothing of it')
          }),
        ),
    },
    {
      name: 'a cancelled job that is resumed twice goes on once',
      run: () =>
        withJob(server, 'cancelled', async (jobId) => {
          const first = await talk.control(jobId, { action: 'resume' }, keyed(newKey()))
          const second = await talk.control(jobId, { action: 'resume' }, keyed(newKey()))
          mustEqual(
            [second.job.id, second.command?.id],
            [first.job.id, first.command?.id],
            'it is the same new job',
          )
          await server.release?.(first.job.id)
        }),
    },
    {
      name: 'If-Match refuses what was decided on an older view',
      run: () =>
        withJob(server, 'running', async (jobId) => {
          const answered = await talk.ask(`/jobs/${jobId}`)
          const etag = answered.headers.get('etag')
          must(etag, 'a job has an ETag')
          const path = `/local/${jobId}/control`
          const stale = { body: { action: 'pause' }, headers: { 'if-match': '"0"' } }
          const error = await talk.refused(path, stale, { status: 412, code: 'precondition_failed' })
          mustEqual([error.field, error.status], ['If-Match', 'running'], 'what has changed')
          const key = newKey()
          const headers = { 'if-match': `W/${etag}`, 'idempotency-key': key }
          const first = await talk.control(jobId, { action: 'pause' }, headers)
          const again = await talk.control(jobId, { action: 'pause' }, headers)
          mustEqual(again.command?.id, first.command?.id, 'the same intent again is not refused')
        }),
    },
  ]
  const { start } = server
  if (!start) return checks
  return [
    ...checks,
    {
      name: 'one start is one job, however often it is sent',
      run: async () => {
        const asking = { body: start.request, headers: keyed(newKey()), status: 201 }
        const first = await talk.read(wireJobAnswer, '/jobs', asking)
        const again = await talk.read(wireJobAnswer, '/jobs', asking)
        mustEqual(again.job.id, first.job.id, 'the same job')
        mustEqual(first.job.status, 'pending', 'it waits for its start')
        const other = { ...asking, body: { ...start.request, name: 'another' } }
        await talk.refused('/jobs', other, { status: 422, code: 'invalid_request', field: 'Idempotency-Key' })
        await server.release?.(first.job.id)
      },
    },
    {
      name: 'only what the operator allows is started',
      run: async () => {
        const unknown = { body: { template: 'no-such-template' } }
        await talk.refused('/jobs', unknown, { status: 422, code: 'invalid_request', field: 'template' })
        const extra = { body: { ...start.request, params: { ...start.request.params, no_such: 1 } } }
        await talk.refused('/jobs', extra, { status: 422, field: 'params.no_such' })
        if (start.refused) await talk.refused('/jobs', { body: start.refused }, { status: 422 })
      },
    },
  ]
}
