import type { Capabilities, Capability, StopMode } from '../../protocol'
import { stopModes } from '../../protocol/capability'
import { type JobRecord, lastCheckpoint, stateOf } from './jobRecord'
import { isFinal, isState, type JobState, standsStill, transitions } from './states'

/** What can be done with a job right now, and if something can't, why. */
export function capabilitiesOf(job: JobRecord): Capabilities {
  const state = stateOf(job)
  const waiting: Partial<Record<StopMode, string | null>> = {
    checkpoint: whyNoWait(job, state, 'checkpoint'),
    epoch: whyNoWait(job, state, 'epoch'),
  }
  return {
    cancel: capability(overOr(state, state === 'stopping' ? 'A stop is under way.' : null)),
    force: capability(
      overOr(
        state,
        state === 'stopping' && job.command?.mode === 'force'
          ? 'It is being stopped by force already.'
          : null,
      ),
    ),
    pause: capability(whyNoPause(state, 'pause')),
    hold: capability(whyNoPause(state, 'hold')),
    resume: capability(whyNoResume(job, state)),
    modes: stopModes.filter((mode) => !waiting[mode]),
    checkpoint: capability(waiting.checkpoint ?? null),
    epoch: capability(waiting.epoch ?? null),
  }
}

/** Why nobody knows that this run will come to where such a stop waits. */
export function whyNotMode(job: JobRecord, mode: 'checkpoint' | 'epoch'): string | null {
  if (mode === 'checkpoint') {
    if (job.schedule.saveEvery || lastCheckpoint(job)) return null
    return 'The run has saved nothing yet and has not said that it saves on a schedule.'
  }
  return job.schedule.epochs ? null : 'The run has not told of the end of an epoch yet.'
}

/** A job that never ran loses nothing by starting from the beginning. */
export function mayResumeWithoutCheckpoint(job: JobRecord): boolean {
  return job.startedAt === null && job.status === 'paused'
}

function capability(whyNot: string | null): Capability {
  return { allowed: whyNot === null, reason: whyNot }
}

function overOr(state: JobState, whyNot: string | null): string | null {
  return isFinal(state) ? `The run is over: it is ${state}.` : whyNot
}

function whyNoWait(job: JobRecord, state: JobState, mode: 'checkpoint' | 'epoch'): string | null {
  if (isFinal(state)) return overOr(state, null)
  if (state === 'stopping') return job.command?.mode === mode ? null : 'A stop is under way.'
  if (state !== 'running' && state !== 'pausing')
    return 'The run does not go on now, so a stop has nothing to wait for.'
  return whyNotMode(job, mode)
}

function whyNoPause(state: JobState, wish: 'pause' | 'hold'): string | null {
  if (isState(transitions[state][wish])) return null
  if (state === 'stopping') return 'It is being stopped.'
  if (state === 'pausing' || state === 'holding') return 'It is being paused already.'
  return overOr(state, state === 'held' ? 'It is held already.' : 'It is paused already.')
}

function whyNoResume(job: JobRecord, state: JobState): string | null {
  if (state === 'lifting') return 'It is being resumed already.'
  if (state === 'completed') return 'The run has completed; there is nothing left to go on with.'
  if (transitions[state].resume === 'conflict')
    return `Only a run that was paused or stopped, or that failed, can be resumed; it is ${job.status}.`
  if (standsStill(state) || lastCheckpoint(job) || job.resumedFrom || mayResumeWithoutCheckpoint(job))
    return null
  return 'It has no verified checkpoint to go on from.'
}
