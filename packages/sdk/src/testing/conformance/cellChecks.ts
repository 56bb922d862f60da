import { receiptStages, type WireJob } from '../../protocol'
import {
  isFinal,
  isState,
  type JobState,
  jobStates,
  onTheWire,
  standsStill,
  transitions,
  type Wish,
} from '../mock/states'
import type { Conversation } from './conversation'
import { must, mustEqual } from './expectation'
import type { ConformanceCheck, ServerUnderTest } from './serverUnderTest'
import { withJob } from './withJob'

interface Ask {
  wish: Wish
  body: { action: 'cancel' | 'pause' | 'resume'; mode?: string; hold?: boolean }
  capability: 'cancel' | 'force' | 'checkpoint' | 'epoch' | 'pause' | 'hold' | 'resume'
}

const asks: Record<string, Ask> = {
  cancel: { wish: 'cancel', body: { action: 'cancel' }, capability: 'cancel' },
  'cancel at a checkpoint': {
    ...{ wish: 'cancel', body: { action: 'cancel', mode: 'checkpoint' }, capability: 'checkpoint' },
  },
  "cancel at an epoch's end": {
    ...{ wish: 'cancel', body: { action: 'cancel', mode: 'epoch' }, capability: 'epoch' },
  },
  force: { wish: 'cancel', body: { action: 'cancel', mode: 'force' }, capability: 'force' },
  pause: { wish: 'pause', body: { action: 'pause' }, capability: 'pause' },
  hold: { wish: 'hold', body: { action: 'pause', hold: true }, capability: 'hold' },
  resume: { wish: 'resume', body: { action: 'resume' }, capability: 'resume' },
}
const actors = ['user', 'service', 'rule', 'system'] as const

/** Every state, everything that can be asked in it, by whoever asks: the answers follow from the state table. */
export function cellChecks(
  server: ServerUnderTest,
  talk: Conversation,
  { everybody }: { everybody: boolean },
): ConformanceCheck[] {
  const staged = jobStates.filter((state) => server.stages[state])
  const cells = staged.flatMap((state) => Object.keys(asks).map((name) => ({ state, name })))
  return cells.flatMap(({ state, name }, i) =>
    (everybody ? actors : [actors[i % actors.length] ?? 'user']).map((actor) => ({
      name: `a job that is ${state}, asked to ${name} by a ${actor}`,
      run: () =>
        withJob(server, state, (jobId) =>
          new Cell(server, talk, state, asks[name] as Ask, actor).check(jobId),
        ),
    })),
  )
}

class Cell {
  readonly #server: ServerUnderTest
  readonly #talk: Conversation
  readonly #state: JobState
  readonly #ask: Ask
  readonly #actor: { type: string; id: string; name: null }

  constructor(server: ServerUnderTest, talk: Conversation, state: JobState, ask: Ask, actor: string) {
    this.#server = server
    this.#talk = talk
    this.#state = state
    this.#ask = ask
    this.#actor = { type: actor, id: `${actor}_1`, name: null }
  }

  async check(jobId: string): Promise<void> {
    const before = await this.#talk.job(jobId)
    mustEqual(before.status, onTheWire[this.#state], 'it is not in the state that was staged')
    this.#capabilityIsTrue(before)
    const outcome = transitions[this.#state][this.#ask.wish]
    const headers = this.#server.asActor?.(this.#actor) ?? {}
    const path = `/local/${jobId}/control`
    if (outcome === 'conflict') {
      const asking = { body: this.#ask.body, headers }
      const error = await this.#talk.refused(path, asking, { status: 409, code: 'conflict' })
      mustEqual(error.status, before.status, "a conflict tells the job's true status")
      mustEqual(decided(await this.#talk.job(jobId)), decided(before), 'a refusal changes nothing')
      return
    }
    const result = await this.#talk.control(jobId, this.#ask.body, headers)
    if (outcome === 'no_op') {
      mustEqual([result.outcome, result.command], ['no_op', null], 'there is nothing to do')
      mustEqual(decided(result.job), decided(before), 'nothing has changed')
      return
    }
    mustEqual(result.outcome, 'accepted', 'it is carried out')
    const { command, job } = result
    must(command, 'what is accepted is a command')
    if (outcome === 'join') {
      mustEqual(command.id, before.command?.id, 'it joins the command under way')
      mustEqual(command.actor, before.command?.actor, 'who asked first stays the actor')
      mustEqual(job.status, before.status, 'joining changes no status')
    } else {
      if (this.#server.asActor) mustEqual(command.actor, this.#actor, 'who asked is kept')
      await this.#isCarriedOut(before, job, command)
    }
    this.#stopIsNeverLater(before, command)
  }

  #capabilityIsTrue({ capabilities }: WireJob): void {
    const { capability, wish } = this.#ask
    const can = capabilities[capability]
    must(can, `capabilities tell of ${capability}`)
    must(can.allowed === (can.reason === null), `${capability} has a reason just where it is not allowed`)
    const outcome = transitions[this.#state][wish]
    if (capability === 'force') must(can.allowed === !isFinal(this.#state), 'force is allowed until the end')
    else if (capability !== 'checkpoint' && capability !== 'epoch')
      must(
        can.allowed === (isState(outcome) || outcome === 'new_job'),
        `${capability} is ${can.allowed ? '' : 'not '}allowed, yet it comes to ${outcome}`,
      )
  }

  async #isCarriedOut(
    before: WireJob,
    job: WireJob,
    command: NonNullable<WireJob['command']>,
  ): Promise<void> {
    const outcome = transitions[this.#state][this.#ask.wish]
    const receipts = new Map(command.receipts.map(({ stage, state }) => [stage, state]))
    mustEqual([receipts.get('requested'), receipts.get('accepted')], ['done', 'done'], 'the first receipts')
    if (outcome === 'new_job') {
      must(job.id !== before.id, 'it goes on as a new job')
      mustEqual(job.resumed_from?.job_id, before.id, 'the new job names the old one')
      mustEqual([job.status, command.status], ['pending', 'succeeded'], 'the new job waits for its start')
      const old = await this.#talk.job(before.id)
      mustEqual([old.status, old.resumed_as], [before.status, job.id], 'the old one stays as it ended')
      await this.#server.release?.(job.id)
    } else if (isState(outcome)) {
      const atOnce = outcome === 'cancelled' || outcome === 'paused'
      mustEqual(job.status, onTheWire[outcome], 'the job is where the table says')
      mustEqual(job.held ?? false, standsStill(outcome), 'held')
      mustEqual(command.status, atOnce ? 'succeeded' : 'active', 'the command')
      must(job.status_version > before.status_version, 'the status version has risen')
      must(job.seq > before.seq, 'the seq has risen')
    }
    if (command.status === 'succeeded')
      mustEqual([...receipts.keys()], receiptStages, 'a command that has ended has every receipt')
    if (!before.command) return
    const after = await this.#talk.command(before.id, before.command.id)
    mustEqual(
      [after.status, after.superseded_by, after.receipts.map(({ stage }) => stage)],
      ['superseded', command.id, receiptStages],
      'what was under way has given way',
    )
  }

  #stopIsNeverLater(before: WireJob, command: NonNullable<WireJob['command']>): void {
    const { action, mode } = this.#ask.body
    if (action !== 'cancel' || command.status !== 'active') return
    must(command.deadline, 'a stop has a deadline')
    const deadline = Date.parse(command.deadline)
    if (mode === 'force') {
      mustEqual(command.mode, 'force', 'it has become a force')
      const states = command.receipts.filter(({ state }) => state === 'skipped').map(({ stage }) => stage)
      mustEqual(states, ['acknowledged', 'checkpoint_saved'], 'a force asks nobody and saves nothing')
    }
    if (before.command?.id === command.id)
      must(deadline <= Date.parse(before.command.deadline ?? ''), 'a stop is never later')
    const waits = mode === 'checkpoint' || mode === 'epoch'
    const goesOn = waits && (this.#state === 'running' || this.#state === 'pausing')
    must((command.wait_until != null) === goesOn, 'it waits just where there is something to wait for')
  }
}

/** What only a decision changes, while the run itself goes on and receipts come. */
function decided({ status, command, end }: WireJob) {
  const { id, mode, deadline } = command ?? {}
  return { status, end, id, mode, deadline }
}
