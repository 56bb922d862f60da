import type { MetricRows } from '@trainstop/react'
import type { Command } from '@trainstop/sdk'
import type { PlotData } from './plotData'

/** What is known of a job that tells when its stop was asked for. */
export interface StopContext {
  attempt: number | undefined
  /** When the current attempt's process started. */
  startedAt: string | null | undefined
  command: Command | null | undefined
  last: Command | null | undefined
  /** All of them, newest first: the newest of all may be the resume that followed the stop. */
  earlier?: readonly Command[] | undefined
}

/** Where on the x axis the run was when its stop was asked for; null where none was, or where that can't be told. */
export function stopPosition(
  { attempt, startedAt, command, last, earlier = [] }: StopContext,
  rows: MetricRows,
  length: number,
  xKind: PlotData['xKind'],
): number | null {
  const asked = [command, last, ...earlier].find(isStop)
  if (!asked || !startedAt) return null
  const elapsed = (Date.parse(asked.created_at) - Date.parse(startedAt)) / 1000
  if (xKind === 'seconds') return elapsed
  let step: number | null = null
  for (let row = length - 1; row >= 0 && rows.attempt[row] === attempt; row--) {
    const at = rows.step[row]
    if (at == null) continue
    step = at
    if ((rows.elapsed_seconds[row] as number) <= elapsed) break
  }
  return step
}

function isStop(command: Command | null | undefined): command is Command {
  return command?.action === 'cancel' && command.status !== 'superseded'
}
