import { type Asked, type Decision, newCommand, type PauseOptions } from './asked'
import type { Change } from './change'
import { graceSeconds, later } from './deadlines'
import { giveWay } from './ending'
import { skipTheRest } from './receipts'
import { Refusal } from './refusal'
import { isFinal, isState } from './states'

/** Throws a Refusal where the job is final or being stopped. */
export function pause(
  change: Change,
  options: PauseOptions,
  asked: Asked,
  id: string,
  minimumGrace: number,
): Decision {
  const { job, at, state } = change
  const hold = options.hold === true
  const outcome = change.outcome(hold ? 'hold' : 'pause')
  if (outcome === 'no_op') return { outcome: 'no_op', command: null, jobId: job.id }
  if (outcome === 'join') return { outcome: 'accepted', command: job.command, jobId: job.id }
  if (!isState(outcome)) {
    const why = isFinal(state) ? `it is ${state}` : 'it is being stopped'
    throw new Refusal('conflict', `The run cannot be paused: ${why}.`, { jobStatus: job.status })
  }
  const { reason = null, note = null } = options
  const command = newCommand(job, asked, { id, action: 'pause', at, hold, reason, note })
  giveWay(change)
  if (outcome === 'paused') {
    change.begin(command)
    skipTheRest(command, at, 'No process had been started.')
    change.end('succeeded', hold ? 'No process had been started, so none is held.' : null)
    job.current.endedAt = at
  } else {
    command.deadline = later(at, graceSeconds(job.saveSeconds, options.grace_seconds, minimumGrace))
    change.begin(command)
  }
  change.enter(outcome)
  return { outcome: 'accepted', command, jobId: job.id }
}
