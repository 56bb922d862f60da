import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { WireJob } from '../../packages/sdk/src/protocol'
import type { MadeServer } from '../../packages/sdk/src/scripted/contract'
import { processesOfJob } from '../processes'
import { root, TrainingStack } from '../training-stack'

/** States that a real run passes through too fast to be kept in. */
export const tooFast = ['starting'] as const
const places = 3

/** The real training server, and runs of which each stands still until the test opens its gate. */
export async function gatedServer(): Promise<MadeServer> {
  const stack = await TrainingStack.prepare({ config: (data) => configIn(data) })
  await stack.startServer()
  const gates = join(stack.data, 'gates')
  const open = async (jobId: string, gate: 'obey' | 'finish' | 'fail' | '') =>
    writeFileSync(join(gates, jobId), gate)
  const start = async (): Promise<string> => (await stack.ask('/jobs', { template: 'gated' })).job.id
  const ask = (jobId: string, body: object) => stack.ask(`/local/${jobId}/control`, body)
  const settled = (jobId: string, body: object) =>
    stack.ask(`/local/${jobId}/control`, body, { prefer: 'wait=60' })

  const until = async (jobId: string, reached: (job: WireJob) => boolean) => {
    // Any event is a reason to look: metrics come without a job event.
    for await (const _ of stack.events(jobId)) if (reached((await stack.ask(`/jobs/${jobId}`)).job)) return
    throw new Error(`The job ${jobId} ended without coming to what was waited for.`)
  }
  const release = async (jobId: string) => {
    await settled(jobId, { action: 'cancel', mode: 'force' })
  }

  // So many runs that one more has to wait.
  const blockers: string[] = []
  const block = async () => {
    while (blockers.length < places) blockers.push(await running())
  }
  const unblock = async () => {
    await Promise.all(blockers.splice(0).map(release))
  }
  const running = async () => {
    const jobId = await start()
    await until(jobId, ({ status, last_checkpoint, capabilities, latest_metrics }) => {
      const told = capabilities.checkpoint?.allowed && capabilities.epoch?.allowed && 'loss' in latest_metrics
      return status === 'running' && last_checkpoint !== null && told === true
    })
    return jobId
  }
  const asked =
    (body: object, gate: 'obey' | '' = '') =>
    async () => {
      await unblock()
      const jobId = await running()
      if (gate === '') await ask(jobId, body)
      else {
        await open(jobId, gate)
        await settled(jobId, body)
        await open(jobId, '')
      }
      return jobId
    }
  const ended = (gate: 'finish' | 'fail') => async () => {
    await unblock()
    const jobId = await running()
    await open(jobId, gate)
    await until(jobId, ({ ended_at }) => ended_at !== null)
    return jobId
  }
  const held = asked({ action: 'pause', hold: true }, 'obey')

  return {
    url: stack.serverUrl,
    headers: stack.authorization,
    stages: {
      pending: async () => {
        await block()
        return start()
      },
      running: async () => {
        await unblock()
        return running()
      },
      pausing: asked({ action: 'pause' }),
      holding: asked({ action: 'pause', hold: true }),
      paused: asked({ action: 'pause' }, 'obey'),
      held,
      lifting: async () => {
        const jobId = await held()
        // A process that is stopped does not say that it goes on.
        for (const { pid } of processesOfJob(jobId)) process.kill(pid, 'SIGSTOP')
        await ask(jobId, { action: 'resume' })
        return jobId
      },
      stopping: asked({ action: 'cancel' }),
      cancelled: asked({ action: 'cancel' }, 'obey'),
      completed: ended('finish'),
      failed: ended('fail'),
    },
    obey: (jobId) => open(jobId, 'obey'),
    finish: (jobId) => open(jobId, 'finish'),
    release,
    owners: { mine: owner('ada'), theirs: owner('bob') },
    asActor: (actor) => ({ 'trainstop-actor': encodeURIComponent(JSON.stringify(actor)) }),
    start: { request: { template: 'gated' }, refused: { template: 'gated', params: { colour: 'red' } } },
    end: () => stack.end(),
  }
}

function owner(id: string) {
  return { 'trainstop-owner': encodeURIComponent(id) }
}

function configIn(data: string): string {
  mkdirSync(join(data, 'gates'))
  const config = join(data, 'contract.toml')
  const script = join(root, 'tests/contract/gated.py')
  writeFileSync(
    config,
    [
      `server.max_running_jobs = ${places}`,
      '[templates.gated]',
      'title = "Gated"',
      `command = ["{python}", ${JSON.stringify(script)}, ${JSON.stringify(join(data, 'gates'))}]`,
    ].join('\n'),
  )
  return config
}
