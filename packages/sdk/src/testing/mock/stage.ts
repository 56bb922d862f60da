import type { MockJobParameters, MockJobs } from './mockJobs'
import type { JobState } from './states'

const asked = {
  actor: { type: 'user', id: 'ada', name: 'Ada' },
  owner: null,
  idempotencyKey: null,
  statusVersions: null,
}

/**
 * A new job that was brought into a state, with one verified checkpoint (but for one that is `pending` or `starting`).
 * From there on it goes by its plan; without one it stays.
 */
export function stageJob(jobs: MockJobs, state: JobState, { plan, ...given }: MockJobParameters): string {
  const jobId = jobs.create({ ...given, plan: 'by hand' })
  const run = jobs.run(jobId)
  const ask = (action: 'cancel' | 'pause' | 'resume', options: object = {}) =>
    void jobs.control(jobId, { action, ...options }, asked)
  const obey = () => {
    run.deliver()
    run.acknowledge()
    if (run.command?.hold || !run.command) return
    run.save({ step: 110 })
    run.exit()
  }
  const running = () => {
    run.claim()
    run.start({ totalSteps: 1000, totalEpochs: 10, saveEvery: 100 })
    run.step(100, { train_loss: 1.4, eval_loss: 1.6 }, 1)
    run.save({ step: 100, metrics: { eval_loss: 1.6 } })
    run.step(108, { train_loss: 1.35, eval_loss: 1.55 }, 1)
    run.print('step 100\nstep 108\n')
  }
  const held = () => {
    running()
    ask('pause', { hold: true })
    obey()
  }
  const stages: Record<JobState, () => void> = {
    pending: () => {},
    starting: () => run.claim(),
    running,
    pausing: () => {
      running()
      ask('pause')
    },
    holding: () => {
      running()
      ask('pause', { hold: true })
    },
    paused: () => {
      running()
      ask('pause')
      obey()
    },
    held,
    lifting: () => {
      held()
      ask('resume')
    },
    stopping: () => {
      running()
      ask('cancel')
    },
    cancelled: () => {
      running()
      ask('cancel')
      obey()
    },
    completed: () => {
      running()
      run.exit()
    },
    failed: () => {
      running()
      run.exit({ exitCode: 1 })
    },
  }
  stages[state]()
  if (plan && plan !== 'by hand') jobs.changePlan(jobId, plan)
  return jobId
}
