import type { Job, StopMode } from '@trainstop/sdk'
import { formatCount } from '../format/count'
import { secondsBetween } from '../format/time'
import type { TrainstopMessages } from '../messages/messages'

export interface StopConsequence {
  tone: 'kept' | 'lost' | 'neutral' | 'warning'
  text: string
}

/** What is kept and what is lost if this job is stopped now, in that mode, as sentences for the person who decides. */
export function stopConsequences(
  job: Job,
  mode: StopMode,
  now: number,
  messages: TrainstopMessages,
): StopConsequence[] {
  const { stop } = messages
  const last = lastCheckpoint(job, now, messages)
  if (job.status === 'pending' && !last) return [{ tone: 'kept', text: stop.notStarted }]
  if (job.status === 'paused' && !isHeld(job)) {
    return [{ tone: 'kept', text: last ? `${stop.pausedKept} ${last.text}.` : stop.notStarted }]
  }
  const saves = mode !== 'force' && job.status !== 'pending' && job.capabilities.modes.includes(mode)
  const lines: StopConsequence[] = []
  if (saves) {
    const text = { graceful: stop.savesFirst, checkpoint: stop.savesAtCheckpoint, epoch: stop.savesAtEpoch }[
      mode as 'graceful' | 'checkpoint' | 'epoch'
    ]
    lines.push({ tone: 'kept', text })
    if (!last) lines.push({ tone: 'neutral', text: stop.noCheckpoint })
    else if (!last.steps) lines.push({ tone: 'neutral', text: `${last.text}.` })
    else lines.push({ tone: 'neutral', text: `${last.text}; ${stop.stepsSince(...last.steps)}.` })
  } else {
    if (mode !== 'force' && job.status !== 'pending') lines.push({ tone: 'lost', text: stop.savesNothing })
    if (!last) lines.push({ tone: 'lost', text: stop.noCheckpointLost })
    else if (!last.steps) lines.push({ tone: 'kept', text: `${last.text}.` })
    else lines.push({ tone: 'lost', text: `${last.text}; ${stop.stepsLost(...last.steps)}.` })
  }
  if (job.health === 'unresponsive' && mode !== 'force')
    lines.push({ tone: 'warning', text: stop.unresponsive })
  return lines
}

function isHeld(job: Job): boolean {
  return job.last_command?.action === 'pause' && job.last_command.hold === true
}

function lastCheckpoint(
  job: Job,
  now: number,
  { stop, ago, duration, locale }: TrainstopMessages,
): { text: string; steps: [number, string] | null } | null {
  const checkpoint = job.last_checkpoint
  if (!checkpoint) return null
  const text = stop.lastCheckpoint({
    step: checkpoint.step === null ? null : formatCount(checkpoint.step, locale),
    ago: ago(duration(Math.round(Math.max(0, secondsBetween(checkpoint.saved_at, now))))),
  })
  const { step } = job.progress
  const since = step !== null && checkpoint.step !== null ? step - checkpoint.step : 0
  return { text, steps: since > 0 ? [since, formatCount(since, locale)] : null }
}
