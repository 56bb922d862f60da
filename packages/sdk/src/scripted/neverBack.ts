import { expect } from 'vitest'
import type { Job } from '../protocol'
import { comparePositions } from '../state/jobOrder'

const partsOfJob = [
  ({ raw_status }: Job) => ({ raw_status }),
  ({ progress, latest_metrics }: Job) => ({ progress, latest_metrics }),
  ({ last_checkpoint }: Job) => ({ last_checkpoint }),
  ({ command }: Job) => ({ command }),
]

/**
 * Looks at one job as it is shown, again and again: each part must be as it really was at some moment (`truths`, which
 * may grow), and never as it was before what has been shown of it.
 */
export function neverBack(truths: readonly Job[]): (shown: Job | null) => void {
  let before: Job | null = null
  const earliest = partsOfJob.map(() => 0)
  return (shown) => {
    if (shown === null) {
      expect(before).toBeNull()
      return
    }
    if (before !== null) expect(comparePositions(shown, before)).toBeGreaterThanOrEqual(0)
    before = shown
    for (const [index, part] of partsOfJob.entries()) {
      const text = JSON.stringify(part(shown))
      const since = earliest[index] ?? 0
      const moment = truths.findIndex((truth, at) => at >= since && JSON.stringify(part(truth)) === text)
      expect(moment, `as it was at no moment from ${since} on: ${text}`).toBeGreaterThanOrEqual(0)
      earliest[index] = moment
    }
  }
}
