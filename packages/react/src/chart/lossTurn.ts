import type { PlotSeries } from './plotData'

export interface LossTurn {
  /** Where it was lowest: an index into `values` (and into the plot's `x`). */
  lowestAt: number
  /** How far the newest value lies above the lowest, as a share of it: 0.45 for 45 %. */
  risen: number
}

/** Fewer values since the lowest, or a smaller rise, is what any curve does now and then. */
const valuesSince = 3
const leastRise = 0.02

/**
 * The turn of a held-out loss: where it was lowest, once it has clearly risen since. Null for a loss of training itself, for
 * whatever is no loss, and as long as there is no such turn.
 */
export function lossTurn({ name, values }: PlotSeries): LossTurn | null {
  if (!/loss/i.test(name) || /train/i.test(name)) return null
  let lowest = Number.POSITIVE_INFINITY
  let lowestAt = -1
  let latest = Number.NaN
  let since = 0
  values.forEach((value, index) => {
    if (value === null) return
    latest = value
    since += 1
    if (value >= lowest) return
    lowest = value
    lowestAt = index
    since = 0
  })
  if (!(lowest > 0) || since < valuesSince) return null
  const risen = latest / lowest - 1
  return risen >= leastRise ? { lowestAt, risen } : null
}
