import { type Asked, type CancelOptions, type Decision, newCommand } from './asked'
import { whyNotMode } from './capabilities'
import type { Change } from './change'
import { graceSeconds, hasten, stopTimes } from './deadlines'
import { endJob, giveWay } from './ending'
import { putReceipt, skipTheRest } from './receipts'
import { Refusal } from './refusal'

const urgency: Record<string, number> = { checkpoint: 0, epoch: 0, graceful: 1, force: 2 }

/** Throws a Refusal where the run would have to wait for something that it is not known ever to reach. */
export function cancel(
  change: Change,
  options: CancelOptions,
  asked: Asked,
  id: string,
  minimumGrace: number,
): Decision {
  const { job, at } = change
  const outcome = change.outcome('cancel')
  if (outcome === 'no_op') return { outcome: 'no_op', command: null, jobId: job.id }
  const timesOf = (mode: string) => {
    const grace = graceSeconds(job.saveSeconds, options.grace_seconds, minimumGrace)
    return stopTimes(at, mode, grace, options.wait_seconds)
  }
  if (outcome === 'join') return join(change, options.mode ?? 'graceful', timesOf)

  const mode =
    outcome === 'stopping' ? modeThatFits(change, options.mode ?? 'graceful') : (options.mode ?? 'graceful')
  const { reason = null, note = null } = options
  const command = newCommand(job, asked, { id, action: 'cancel', at, mode, reason, note })
  giveWay(change)
  if (outcome === 'cancelled') {
    change.begin(command)
    skipTheRest(command, at, job.startedAt ? 'No process was left to stop.' : 'No process had been started.')
    change.end('succeeded')
    const when = job.startedAt ? 'while it was paused' : 'before it started'
    endJob(change, 'cancelled', 'cancelled', `Stopped ${when}.`)
  } else {
    Object.assign(command, timesOf(mode))
    change.begin(command)
    change.enter('stopping')
    if (mode === 'force') force(change)
  }
  return { outcome: 'accepted', command, jobId: job.id }
}

/** A process that has not begun, or that stands still, has nowhere to go on to: it is stopped at once. */
function modeThatFits({ job, state }: Change, mode: string): string {
  if (mode !== 'checkpoint' && mode !== 'epoch') return mode
  if (state !== 'running' && state !== 'pausing') return 'graceful'
  const whyNot = whyNotMode(job, mode)
  if (whyNot === null) return mode
  throw new Refusal('not_supported', `${whyNot} Use graceful or force.`, {
    ...{ field: 'mode', jobStatus: job.status },
  })
}

/** The stop under way, more urgent or sooner if that is what is asked; never less or later. */
function join(
  change: Change,
  mode: string,
  timesOf: (mode: string) => ReturnType<typeof stopTimes>,
): Decision {
  const { command, id: jobId } = change.job
  if (!command) throw new Error(`job ${jobId} is stopping without a command`)
  const standing = command.mode ?? 'graceful'
  const moreUrgent = (urgency[mode] ?? 0) > (urgency[standing] ?? 0)
  if (mode === 'force') force(change)
  else if (moreUrgent) {
    command.mode = mode
    hasten(command, timesOf(mode))
    command.wait_until = null
    change.touch(command)
  } else if (mode === standing && mode !== 'graceful' && hasten(command, timesOf(mode))) change.touch(command)
  return { outcome: 'accepted', command, jobId }
}

/** Shortens everything to now; nothing is ever lengthened. */
function force(change: Change): void {
  const { command } = change.job
  if (!command) return
  const isNew = command.mode !== 'force'
  command.mode = 'force'
  command.wait_until = null
  const hastened = hasten(command, { wait_until: null, term_at: change.at, deadline: change.at })
  const detail = 'A forced stop asks nobody and saves nothing.'
  for (const stage of ['acknowledged', 'checkpoint_saved'] as const)
    putReceipt(command, { stage, state: 'skipped', at: change.at, by: 'server', detail })
  if (isNew || hastened) change.touch(command)
}
