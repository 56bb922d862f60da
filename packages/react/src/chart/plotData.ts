import type { MetricRows } from '@trainstop/react'

export interface PlotSeries {
  name: string
  values: (number | null)[]
  /** Logged far less often than the others, such as once an epoch: drawn with a point at each value. */
  sparse: boolean
}

export interface NotFinite {
  name: string
  value: 'NaN' | 'Infinity' | '-Infinity'
  x: number
}

export interface PlotData {
  /** Ascending, each value once. */
  x: number[]
  xKind: 'step' | 'seconds'
  series: PlotSeries[]
  /** The first value of each metric that can't be drawn. */
  notFinite: NotFinite[]
}

/**
 * Rows as aligned columns for drawing. Steps that a resumed attempt went over again count as the later attempt had
 * them; rows of the same step are one. Where no row has a step, seconds take its place.
 */
export function plotData(rows: MetricRows, length: number, names: readonly string[]): PlotData {
  const xKind = hasSteps(rows, length) ? 'step' : 'seconds'
  const order = keptRows(rows, length, xKind)
  const x: number[] = []
  const columns: (number | null)[][] = names.map(() => [])
  const notFinite = new Map<string, NotFinite>()
  for (const row of order) {
    const at = xOf(rows, row, xKind) as number
    if (x[x.length - 1] !== at) {
      x.push(at)
      for (const column of columns) column.push(null)
    }
    names.forEach((name, index) => {
      const value = rows.values[name]?.[row] ?? null
      if (value === null) return
      if (typeof value === 'number') (columns[index] as (number | null)[])[x.length - 1] = value
      else if (!notFinite.has(name)) notFinite.set(name, { name, value, x: at })
    })
  }
  const series = names.map((name, index) => {
    const values = columns[index] as (number | null)[]
    return { name, values, sparse: isSparse(values) }
  })
  return { x, xKind, series, notFinite: [...notFinite.values()] }
}

function xOf(rows: MetricRows, row: number, kind: 'step' | 'seconds'): number | null {
  return (kind === 'step' ? rows.step[row] : rows.elapsed_seconds[row]) ?? null
}

function hasSteps(rows: MetricRows, length: number): boolean {
  for (let row = 0; row < length; row++) if (rows.step[row] != null) return true
  return length === 0
}

/** Indices of the rows to draw, ascending by x. */
function keptRows(rows: MetricRows, length: number, kind: 'step' | 'seconds'): number[] {
  const kept: number[] = []
  let attempt = Number.POSITIVE_INFINITY
  let limit = Number.POSITIVE_INFINITY
  let lowest = Number.POSITIVE_INFINITY
  let ascending = true
  for (let row = length - 1; row >= 0; row--) {
    const at = xOf(rows, row, kind)
    if (at === null) continue
    if ((rows.attempt[row] as number) < attempt) {
      attempt = rows.attempt[row] as number
      if (kind === 'step') limit = lowest
    }
    if (at >= limit) continue
    if (at > lowest) ascending = false
    lowest = Math.min(lowest, at)
    kept.push(row)
  }
  kept.reverse()
  if (!ascending)
    kept.sort((a, b) => (xOf(rows, a, kind) as number) - (xOf(rows, b, kind) as number) || a - b)
  return kept
}

function isSparse(values: readonly (number | null)[]): boolean {
  let known = 0
  for (const value of values) if (value !== null) known += 1
  return known > 0 && known * 3 <= values.length
}

/** The newest value at or before `index`, with its index; null where there is none. */
export function valueAt(
  values: readonly (number | null)[],
  index: number,
): { value: number; index: number } | null {
  for (let i = Math.min(index, values.length - 1); i >= 0; i--) {
    const value = values[i]
    if (value != null) return { value, index: i }
  }
  return null
}
