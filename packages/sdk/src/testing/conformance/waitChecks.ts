import { wireControlAnswer } from '../../protocol/schemas/answer'
import type { Conversation } from './conversation'
import { must, mustEqual } from './expectation'
import type { ConformanceCheck, ServerUnderTest } from './serverUnderTest'
import { withJob } from './withJob'

/** `Prefer: wait` and what a command comes to. */
export function waitChecks(server: ServerUnderTest, talk: Conversation): ConformanceCheck[] {
  const { obey } = server
  if (!obey) return []
  return [
    {
      name: 'Prefer: wait answers when the command is done',
      run: () =>
        withJob(server, 'running', async (jobId) => {
          await obey(jobId)
          const asking = { method: 'POST', headers: { prefer: 'respond-async, wait=60' } }
          const answered = await talk.ask(`/cancel/${jobId}`, asking)
          mustEqual(answered.headers.get('preference-applied'), 'wait=60', 'what was applied')
          const { result } = answered.body as {
            result: { command: { status: string }; job: { status: string } }
          }
          mustEqual([result.command.status, result.job.status], ['succeeded', 'cancelled'], 'it is over')
        }),
    },
    {
      name: 'Prefer: wait answers when the time is up',
      run: () =>
        withJob(server, 'running', async (jobId) => {
          const asking = { method: 'POST', headers: { prefer: 'wait=1' } }
          const { result } = await talk.read(wireControlAnswer, `/cancel/${jobId}`, asking)
          mustEqual(result.command?.status, 'active', 'it is still under way')
        }),
    },
    {
      name: 'a stop that is obeyed has every receipt, in the order of the stages, and a checkpoint',
      run: () =>
        withJob(server, 'running', async (jobId) => {
          await obey(jobId)
          const asking = { method: 'POST', headers: { prefer: 'wait=60' }, body: { reason: 'overfitting' } }
          const { result } = await talk.read(wireControlAnswer, `/cancel/${jobId}`, asking)
          const receipts = result.command?.receipts.map(({ stage, state }) => `${stage} ${state}`) ?? []
          mustEqual(
            receipts.slice(0, -1),
            ['requested', 'accepted', 'delivered', 'acknowledged', 'checkpoint_saved', 'process_exited'].map(
              (stage) => `${stage} done`,
            ),
            'what is known of the stop',
          )
          must(receipts.at(-1)?.startsWith('resources_released '), 'and of the GPU')
          const { job } = result
          mustEqual([job.status, job.end?.cause, job.command], ['cancelled', 'cancelled', null], 'the job')
          mustEqual(job.last_command?.id, result.command?.id, 'its newest command')
          mustEqual(job.last_checkpoint?.verified, true, 'its checkpoint')
        }),
    },
    {
      name: 'a pause that is obeyed frees the run, and a resume starts its next attempt',
      run: () =>
        withJob(server, 'running', async (jobId) => {
          await obey(jobId)
          const wait = { method: 'POST', headers: { prefer: 'wait=60' } }
          const paused = await talk.read(wireControlAnswer, `/pause/${jobId}`, wait)
          mustEqual([paused.result.job.status, paused.result.job.held ?? false], ['paused', false], 'paused')
          const resumed = await talk.read(wireControlAnswer, `/resume/${jobId}`, wait)
          const { command, job } = resumed.result
          mustEqual([job.status, job.attempt], ['running', 2], 'it runs again')
          mustEqual(command?.from, paused.result.job.last_checkpoint?.id, 'from where it was')
        }),
    },
    {
      name: 'a hold that is obeyed keeps the run, and a resume lets the same attempt go on',
      run: () =>
        withJob(server, 'running', async (jobId) => {
          await obey(jobId)
          const wait = { method: 'POST', headers: { prefer: 'wait=60' } }
          const held = await talk.read(wireControlAnswer, `/pause/${jobId}`, {
            ...wait,
            body: { hold: true },
          })
          mustEqual([held.result.job.status, held.result.job.held], ['paused', true], 'held')
          const resumed = await talk.read(wireControlAnswer, `/resume/${jobId}`, wait)
          mustEqual([resumed.result.job.status, resumed.result.job.attempt], ['running', 1], 'it goes on')
          mustEqual(resumed.result.command?.from ?? null, null, 'from its memory')
        }),
    },
  ]
}
