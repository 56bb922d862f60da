import type { Command } from '../../protocol'

/** As a training server's own. */
const savesPerGrace = 3
const termShare = 0.75
const defaultWaitSeconds = 3600

export type StopTimes = Required<Pick<Command, 'wait_until' | 'term_at' | 'deadline'>>

export function later(at: string, seconds: number): string {
  return new Date(Date.parse(at) + seconds * 1000).toISOString()
}

/** How long a command gives the run. `saveSeconds`: the longest save measured; `asked`: the request's own wish. */
export function graceSeconds(
  saveSeconds: number | null,
  asked: number | null | undefined,
  minimum: number,
): number {
  return asked ?? Math.max(minimum, savesPerGrace * (saveSeconds ?? 0))
}

/** The times of a stop that is asked `at`. */
export function stopTimes(
  at: string,
  mode: string,
  grace: number,
  waitSeconds: number | null | undefined,
): StopTimes {
  const waits = mode === 'checkpoint' || mode === 'epoch'
  const begin = waits ? later(at, waitSeconds ?? defaultWaitSeconds) : at
  return {
    wait_until: waits ? begin : null,
    term_at: later(begin, grace * termShare),
    deadline: later(begin, grace),
  }
}

/** The run has come to the place that a stop waited for: its times follow from that, and never become later. */
export function endWait(command: Command, at: string): boolean {
  const { wait_until, deadline } = command
  if (!wait_until || !deadline) return false
  const grace = (Date.parse(deadline) - Date.parse(wait_until)) / 1000
  return hasten(command, {
    wait_until: null,
    term_at: later(at, grace * termShare),
    deadline: later(at, grace),
  })
}

/** Makes times sooner where these are sooner. True where something changed. */
export function hasten(command: Command, times: StopTimes): boolean {
  const before = [command.wait_until, command.term_at, command.deadline]
  for (const name of ['wait_until', 'term_at', 'deadline'] as const) {
    const [held, wished] = [command[name], times[name]]
    if (wished && (!held || Date.parse(wished) < Date.parse(held))) command[name] = wished
  }
  return [command.wait_until, command.term_at, command.deadline].some((time, i) => time !== before[i])
}
