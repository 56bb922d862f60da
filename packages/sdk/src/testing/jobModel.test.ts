import fc from 'fast-check'
import { expect, it } from 'vitest'
import { cancelJob } from '../actions/cancelJob'
import { pauseJob } from '../actions/pauseJob'
import { resumeJob } from '../actions/resumeJob'
import { watchJob } from '../actions/watchJob'
import type { ControlJobResult } from '../client/controlJob'
import { createTrainingClient, type TrainingClient } from '../client/createTrainingClient'
import type { Job, JobStatus } from '../protocol'
import { comparePositions } from '../state/jobOrder'
import { http } from '../transports/http/http'
import { createMockTrainingServer, type MockTrainingServer } from './createMockTrainingServer'
import type { MockFault } from './http/fault'
import {
  isFinal,
  isState,
  type JobState,
  jobStates,
  onTheWire,
  type Trigger,
  transitions,
  type Wish,
} from './mock/states'
import { VirtualClock } from './virtualClock'

/** What must be true of the job by the state table alone. */
interface Model {
  state: JobState
  hasCheckpoint: boolean
}

/** The mock, a client before it, and all that the client has shown. */
class Site {
  readonly clock = new VirtualClock()
  readonly server: MockTrainingServer
  readonly client: TrainingClient
  readonly jobId: string
  readonly shown: Job[] = []
  /** Every status the server ever had, in order. */
  readonly had: JobStatus[] = []
  ended = false

  constructor(state: JobState) {
    // Longer than any test's time: a pause expires where the test says so.
    this.server = createMockTrainingServer({ clock: this.clock, minimumGraceSeconds: 86_400 })
    const { clock } = this
    const transport = http({ url: '/api/training', fetch: this.server.fetch, clock })
    this.client = createTrainingClient({ transport, clock })
    this.jobId = this.server.createJobIn(state)
    this.note()
    this.watch()
  }

  watch(): void {
    this.ended = false
    watchJob(this.client, {
      jobId: this.jobId,
      onUpdate: ({ job }) => {
        if (job && job !== this.shown.at(-1)) this.shown.push(job)
      },
      onEnd: () => {
        this.ended = true
      },
    })
  }

  get job() {
    return this.server.job(this.jobId)
  }

  get run() {
    return this.server.run(this.jobId)
  }

  note(): void {
    if (this.had.at(-1) !== this.job.status) this.had.push(this.job.status as JobStatus)
  }

  /** Lets time pass until it has settled, whatever it waits for. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const done = () => {
      settled = true
    }
    promise.then(done, done)
    for (let seconds = 0; !settled; seconds++) {
      if (seconds > 600) throw new Error('An action is stuck: ten minutes have passed.')
      await this.clock.play(1)
    }
    return promise
  }

  /** What the client shows is no lie: it never goes back, and never was not so. */
  isHonest(): void {
    for (const [i, job] of this.shown.entries()) {
      const before = this.shown[i - 1]
      if (before && comparePositions(job, before) < 0)
        throw new Error(`${job.seq} was shown after ${before.seq}`)
    }
    let at = 0
    for (const { status } of this.shown) {
      while (at < this.had.length && this.had[at] !== status) at++
      if (at === this.had.length)
        throw new Error(`${status} was shown out of turn; the server had ${this.had.join(', ')}`)
    }
  }
}

type JobCommand = fc.AsyncCommand<Model, Site>

const asks: Record<string, [Wish, (site: Site) => Promise<ControlJobResult>]> = {
  cancel: ['cancel', ({ client, jobId }) => cancelJob(client, { jobId })],
  force: ['cancel', ({ client, jobId }) => cancelJob(client, { jobId, mode: 'force' })],
  pause: ['pause', ({ client, jobId }) => pauseJob(client, { jobId })],
  hold: ['hold', ({ client, jobId }) => pauseJob(client, { jobId, hold: true })],
  resume: ['resume', ({ client, jobId }) => resumeJob(client, { jobId })],
}

/** Somebody presses a button, and the network does what it does. */
class Press implements JobCommand {
  readonly #button: string
  readonly #faults: MockFault[]

  constructor(button: string, faults: MockFault[]) {
    this.#button = button
    this.#faults = faults
  }

  check = () => true

  async run(model: Model, site: Site): Promise<void> {
    const [wish, press] = asks[this.#button] as (typeof asks)[string]
    const outcome = transitions[model.state][wish]
    const before = site.job
    const commands = new Set(await commandIds(site))
    for (const fault of this.#faults) site.server.fault(fault)
    const result = await site.settle(press(site))
    site.server.clearFaults()
    const after = site.job
    const added = (await commandIds(site)).filter((id) => !commands.has(id))
    expect(added.length, 'one press is at most one command').toBeLessThanOrEqual(1)

    const cannot =
      outcome === 'conflict' || (wish === 'resume' && !model.hasCheckpoint && isFinal(model.state))
    if (result.ok) {
      expect(cannot, `${this.#button} of what is ${model.state} was told to be accepted`).toBe(false)
      expect(result.outcome).toBe(outcome === 'no_op' ? 'no_op' : 'accepted')
      if (isState(outcome)) expect(added).toEqual([result.command?.id])
    } else if (result.error.arrived === 'no') {
      expect(after.status_version, `told as not sent: ${result.error.code}`).toBe(before.status_version)
    } else if (result.error.code === 'conflict' || result.error.code === 'no_checkpoint') {
      expect(cannot, `${this.#button} of what is ${model.state} was told to be refused`).toBe(true)
    }
    if (cannot || outcome === 'no_op') expect(after.status_version).toBe(before.status_version)
    const wasCarriedOut = added.length === 1
    if (wasCarriedOut && isState(outcome)) model.state = outcome
    // A held run that is being lifted is asked nothing new by a second press, nor is what goes on as a new job.
    expect(after.status).toBe(onTheWire[model.state])
    site.note()
    site.isHonest()
  }

  toString = () => `${this.#button}(${JSON.stringify(this.#faults)})`
}

/** Something happens to the run. */
class Happens implements JobCommand {
  readonly #name: keyof typeof happenings

  constructor(name: keyof typeof happenings) {
    this.#name = name
  }

  check = (model: Readonly<Model>) => happenings[this.#name].can(model.state)

  async run(model: Model, site: Site): Promise<void> {
    const { trigger, tell } = happenings[this.#name]
    const happened = trigger(model.state)
    tell(site)
    if (this.#name === 'obey' || this.#name === 'save')
      model.hasCheckpoint ||= site.job.last_checkpoint !== null
    const outcome = happened && transitions[model.state][happened]
    if (outcome && isState(outcome)) model.state = outcome
    expect(site.job.status).toBe(onTheWire[model.state])
    site.note()
    await site.clock.play(0)
    site.isHonest()
  }

  toString = () => this.#name
}

interface Happening {
  can: (state: JobState) => boolean
  trigger: (state: JobState) => Trigger | null
  tell: (site: Site) => void
}
const hasProcess = (state: JobState) =>
  ['running', 'pausing', 'holding', 'held', 'lifting', 'stopping'].includes(state)

const happenings = {
  claim: { can: (state) => state === 'pending', trigger: () => 'claimed', tell: ({ run }) => run.claim() },
  start: { can: (state) => state === 'starting', trigger: () => 'started', tell: ({ run }) => run.start() },
  step: {
    can: (state) => state === 'running' || state === 'pausing',
    trigger: () => null,
    tell: ({ run, job }) => run.step((job.progress.step ?? 0) + 1, { loss: 1 }),
  },
  save: {
    can: (state) => state === 'running',
    trigger: () => null,
    tell: ({ run, job }) => void run.save({ step: (job.progress.step ?? 0) + 1 }),
  },
  obey: {
    can: (state) => ['pausing', 'holding', 'lifting', 'stopping'].includes(state),
    trigger: (state) =>
      (({ pausing: 'left_to_pause', holding: 'parked', lifting: 'lifted', stopping: 'obeyed' }) as const)[
        state as 'pausing'
      ],
    tell({ run, job, server, jobId }) {
      // Told to stop before its process ran, it never runs.
      if (job.started_at === null) run.start()
      run.deliver()
      run.acknowledge()
      if (server.job(jobId).command === null) return
      run.save({ step: (job.progress.step ?? 0) + 1 })
      run.exit()
    },
  },
  expire: {
    can: (state) => ['pausing', 'holding', 'lifting'].includes(state),
    trigger: () => 'expired',
    tell({ run, job }) {
      if (job.started_at === null) run.start()
      run.expire()
    },
  },
  finish: { can: (state) => hasProcess(state), trigger: () => 'finished', tell: ({ run }) => run.exit() },
  crash: { can: hasProcess, trigger: () => 'broke', tell: ({ run }) => run.exit({ exitCode: 1 }) },
  lose: { can: hasProcess, trigger: () => 'lost', tell: ({ run }) => run.lose() },
} satisfies Record<string, Happening>

/** Time passes, while something is wrong with the streams. */
class Passes implements JobCommand {
  readonly #seconds: number
  readonly #faults: MockFault[]
  readonly #drop: boolean

  constructor(seconds: number, faults: MockFault[], drop: boolean) {
    this.#seconds = seconds
    this.#faults = faults
    this.#drop = drop
  }

  check = () => true

  async run(_: Model, site: Site): Promise<void> {
    for (const fault of this.#faults) site.server.fault(fault)
    if (this.#drop) site.server.dropStreams()
    await site.clock.play(this.#seconds)
    site.isHonest()
  }

  toString = () =>
    `pass(${this.#seconds} s, ${JSON.stringify(this.#faults)}${this.#drop ? ', streams dropped' : ''})`
}

async function commandIds({ server, jobId }: Site): Promise<string[]> {
  const answer = await server.fetch(`/api/training/jobs/${jobId}/commands`)
  return (await answer.json()).commands.map(({ id }: { id: string }) => id)
}

const controlFaults: fc.Arbitrary<MockFault> = fc.oneof(
  fc.constantFrom<MockFault>(
    ...(['refuse', 'lose_request', 'lose_answer', 'never_answer', 'duplicate', 'expire_token'] as const).map(
      (what) => ({ do: what, on: 'control' }) as MockFault,
    ),
  ),
  fc.record({ do: fc.constant('delay' as const), on: fc.constant('control' as const), seconds: fc.nat(20) }),
  fc.record({
    do: fc.constant('answer' as const),
    on: fc.constant('control' as const),
    status: fc.constantFrom(200, 204, 302, 500, 502, 503),
    body: fc.constantFrom('', '<html>Bad gateway</html>', '{"success":tr'),
    arrives: fc.boolean(),
  }),
)
const readFaults: fc.Arbitrary<MockFault> = fc.record({
  do: fc.constantFrom('refuse' as const, 'lose_answer' as const),
  on: fc.constantFrom('commands' as const, 'job' as const),
  times: fc.integer({ min: 1, max: 4 }),
})
const streamFaults: fc.Arbitrary<MockFault> = fc.oneof(
  fc.record({
    do: fc.constantFrom(
      'cut' as const,
      'close' as const,
      'silence' as const,
      'duplicate_events' as const,
      'reorder_events' as const,
    ),
    afterEvents: fc.nat(3),
  }),
  fc.record({ do: fc.constant('delay_events' as const), seconds: fc.nat(8) }),
  fc.record({
    do: fc.constantFrom('refuse' as const, 'lose_answer' as const),
    on: fc.constant('events' as const),
  }),
)

/** What becomes of the call, mostly, and of the reads that settle it. */
const faultsOfAPress = fc
  .tuple(fc.option(controlFaults, { freq: 4 }), fc.array(readFaults, { maxLength: 2 }))
  .map(([control, reads]) => (control ? [control, ...reads] : reads))

const commands: fc.Arbitrary<JobCommand>[] = [
  fc
    .tuple(fc.constantFrom(...Object.keys(asks)), faultsOfAPress)
    .map(([button, faults]) => new Press(button, faults)),
  fc
    .constantFrom(...(Object.keys(happenings) as (keyof typeof happenings)[]))
    .map((name) => new Happens(name)),
  fc
    .tuple(fc.nat(40), fc.array(streamFaults, { maxLength: 3 }), fc.boolean())
    .map(([seconds, faults, drop]) => new Passes(seconds, faults, drop)),
]

const begin = fc.constantFrom(...jobStates.filter((state) => !isFinal(state)))
// As long as it says, and not the few that are the default: a fault shows only in what comes after it.
const given = fc.commands(commands, { maxCommands: 20, size: 'max' })

it("whatever is pressed and whatever happens on the way, what the client says is true, and it ends in the server's state", async () => {
  await fc.assert(
    fc.asyncProperty(begin, given, async (state, commands) => {
      const site = new Site(state)
      const model: Model = { state, hasCheckpoint: state !== 'pending' && state !== 'starting' }
      try {
        await fc.asyncModelRun(() => ({ model, real: site }), commands)
        // The network is well again: within a few minutes all is as the server has it.
        site.server.clearFaults()
        await site.clock.play(400)
        site.isHonest()
        expect(site.shown.at(-1)?.status).toBe(site.job.status)
        expect(site.ended).toBe(isFinal(model.state))
        // Watching a final job is over; what became of it later (a resume) is seen by who looks again.
        if (site.ended) site.watch()
        await site.clock.play(1)
        site.isHonest()
        const { raw_status, ...last } = site.shown.at(-1) as Job
        expect(last).toEqual(site.job)
      } finally {
        site.server.close()
      }
    }),
    { numRuns: 150 },
  )
}, 120_000)
