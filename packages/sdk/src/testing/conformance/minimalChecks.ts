import type { Conversation } from './conversation'
import { must, mustEqual } from './expectation'
import type { ConformanceCheck, ServerUnderTest } from './serverUnderTest'
import { withJob } from './withJob'

/** What the smallest compatible server must do: one call, the shape of its answer, and of its refusals. */
export function minimalChecks(server: ServerUnderTest, talk: Conversation): ConformanceCheck[] {
  const { stages } = server
  const asked = (state: 'running' | 'paused', action: string): ConformanceCheck => ({
    name: `${action} of a job that is ${state} is answered in the fixed shape`,
    run: () =>
      withJob(server, state, async (jobId) => {
        const answered = await talk.ask(`/local/${jobId}/control`, { body: { action } })
        mustEqual(answered.status, 200, 'the status')
        const { success, action: told, job_id, ...rest } = answered.body as Record<string, unknown>
        mustEqual([success, told, job_id], [true, action, jobId], 'success, action, job_id')
        must('result' in rest, 'it has a result, whatever is in it')
      }),
  })
  return [
    asked('running', 'cancel'),
    asked('running', 'pause'),
    ...(stages.paused ? [asked('paused', 'resume')] : []),
    {
      name: 'a job that is not there is a 404 in the shape of an error',
      run: () => refusal(talk, 'job_nobody_knows', { action: 'cancel' }, [404]),
    },
    {
      name: 'an action that is none is refused in the shape of an error',
      run: () =>
        withJob(server, 'running', (jobId) => refusal(talk, jobId, { action: 'explode' }, [400, 422])),
    },
  ]
}

async function refusal(talk: Conversation, jobId: string, body: object, statuses: number[]): Promise<void> {
  const answered = await talk.ask(`/local/${jobId}/control`, { body })
  must(statuses.includes(answered.status), `the status is ${answered.status}, not ${statuses.join(' or ')}`)
  const { success, error } = answered.body as Record<string, unknown>
  mustEqual(success, false, 'success')
  must(typeof error === 'string' && error !== '', 'error is a sentence')
}
