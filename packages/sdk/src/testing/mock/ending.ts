import type { Command, JobEnd } from '../../protocol'
import type { Change } from './change'
import { putReceipt, receiptOf, skipTheRest } from './receipts'
import { type Ending, isFinal, isState, type JobState } from './states'

/** How an attempt's process ended, as far as anyone saw. */
export interface Exit {
  /** Null where a signal ended it. */
  exitCode?: number | null
  /** Name of the signal, e.g. `SIGKILL`. */
  signal?: string | null
  /** Why nothing could be started. */
  error?: string | null
  /** False: no process is left, and nobody was there when it went. */
  seen?: boolean
}

/** Sees to the receipts of the command under way, before a later one takes its place. */
export function giveWay({ job, at }: Change): void {
  if (job.command) skipTheRest(job.command, at, 'A later command took its place.')
}

/** The attempt's processes are gone: decides once what that makes of command and job. */
export function endAttempt(change: Change, exit: Exit): void {
  const { job } = change
  const ending = endingOf(change, exit)
  const outcome = change.outcome(ending)
  job.current.endedAt ??= change.at
  if (!isState(outcome) || outcome === change.state) return
  const { cause, message } = causeOf(change, exit, ending, outcome)
  job.health = 'ok'
  standStill(change)
  closeReceipts(change, exit, ending)
  endCommand(change, outcome, message)
  if (isFinal(outcome)) endJob(change, outcome, cause, message, exit)
  else change.enter(outcome)
}

/** Makes a job final. */
export function endJob(
  change: Change,
  state: JobState,
  cause: JobEnd['cause'],
  message: string,
  exit: Exit = {},
): void {
  const { job, at } = change
  change.enter(state)
  job.current.endedAt ??= at
  job.endedAt = at
  job.end = { cause, exit_code: exit.exitCode ?? null, signal: exit.signal ?? null, message }
}

/** No process, or one that stands still: no rate, nothing to wait for. */
export function standStill(change: Change): void {
  change.job.progress = { ...change.job.progress, steps_per_second: null, eta_seconds: null }
  change.dirty()
}

function endingOf({ job }: Change, { exitCode = null, signal = null, error, seen = true }: Exit): Ending {
  if (!seen) return 'lost'
  if (error || (exitCode === null && signal === null)) return 'not_started'
  if (exitCode !== 0) return 'broke'
  if (job.current.leftToPause) return 'left_to_pause'
  return job.current.madeToLeave ? 'obeyed' : 'finished'
}

function causeOf(
  change: Change,
  { exitCode, signal, error }: Exit,
  ending: Ending,
  outcome: JobState,
): { cause: JobEnd['cause']; message: string } {
  if (outcome === 'completed') return { cause: 'completed', message: 'The run finished by itself.' }
  if (outcome === 'cancelled') return { cause: 'cancelled', message: howItStopped(change, ending, signal) }
  if (ending === 'not_started')
    return { cause: 'start_failed', message: `The run could not be started: ${error ?? 'nobody said why'}.` }
  if (ending === 'lost')
    return { cause: 'interrupted', message: 'Nobody was there to see the run end, so how is not known.' }
  if (signal)
    return {
      cause: 'killed',
      message: `The training process was killed by ${signal}; nobody asked for it here.`,
    }
  return { cause: 'crashed', message: `The training process ended with exit code ${exitCode}.` }
}

function howItStopped(
  { job: { command } }: Change,
  ending: Ending,
  signal: string | null | undefined,
): string {
  const saved = command && receiptOf(command, 'checkpoint_saved')?.state
  if (ending === 'not_started') return 'Stopped before it started.'
  if (saved === 'done') return 'Stopped as asked, with a verified checkpoint.'
  if (saved === 'failed') return 'Stopped as asked, but the checkpoint of the stop was not saved.'
  if (ending === 'lost') return 'Stopped; nobody was there to see how its process ended.'
  if (command?.mode === 'force') return 'Stopped by force; what came after the last checkpoint is lost.'
  if (signal) return `Stopped by ${signal}; what came after the last checkpoint is lost.`
  return 'Stopped as asked; no checkpoint was saved for the stop.'
}

function closeReceipts({ job: { command }, at }: Change, { exitCode, signal }: Exit, ending: Ending): void {
  if (!command || command.action === 'resume') return
  if (ending === 'not_started') {
    skipTheRest(command, at, 'No process was started.')
    return
  }
  const detail =
    ending === 'lost'
      ? 'No process of it is left; nobody saw how it ended.'
      : signal
        ? `Killed by ${signal}.`
        : `Exit code ${exitCode}.`
  const by = ending === 'lost' ? 'server' : 'shim'
  putReceipt(command, { stage: 'process_exited', state: 'done', at, by, detail })
  const noDriver = 'No driver was asked.'
  putReceipt(command, {
    ...{ stage: 'resources_released', state: 'not_measured', at, by: 'server', detail: noDriver },
  })
  skipTheRest(command, at, {
    delivered: 'The process ended before the command reached it.',
    acknowledged: 'The process ended without acknowledging.',
    checkpoint_saved: 'Nothing was saved for this command.',
  })
}

function endCommand(change: Change, outcome: JobState, message: string): void {
  const { command } = change.job
  if (!command) return
  if (command.action === 'resume') skipTheRest(command, change.at, message)
  change.end(...whatBecameOf(command, outcome, message))
}

/** The command's status, and why. */
function whatBecameOf(
  command: Command,
  outcome: JobState,
  message: string,
): [Command['status'], string | null] {
  switch (command.action) {
    case 'cancel':
      if (outcome === 'cancelled') return ['succeeded', null]
      return ['failed', 'The run finished by itself before it heard the stop.']
    case 'pause': {
      const saved = receiptOf(command, 'checkpoint_saved')?.state === 'done'
      if (outcome === 'paused')
        return ['succeeded', saved ? null : 'It paused, but nothing was saved for this pause.']
      if (outcome === 'completed') return ['failed', 'The run finished by itself before it paused.']
      return ['failed', `The run ended before it paused. ${message}`]
    }
    default:
      return outcome === 'failed' ? ['failed', message] : ['succeeded', null]
  }
}
