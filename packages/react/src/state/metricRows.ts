import type { MetricColumns, MetricValue } from '@trainstop/sdk'

/** Metric rows that grow at the end. Columns as on the wire; `length` of each is the number of rows. */
export interface MetricRows {
  attempt: number[]
  step: (number | null)[]
  epoch: (number | null)[]
  elapsed_seconds: number[]
  values: Record<string, (MetricValue | null)[]>
}

export function emptyRows(): MetricRows {
  return { attempt: [], step: [], epoch: [], elapsed_seconds: [], values: {} }
}

/** Appends `more` to `rows` in place. A metric that one of them lacks is null there. */
export function appendRows(rows: MetricRows, more: MetricColumns): void {
  const before = rows.attempt.length
  const added = more.attempt.length
  for (let i = 0; i < added; i++) {
    rows.attempt.push(more.attempt[i] as number)
    rows.step.push(more.step[i] ?? null)
    rows.epoch.push(more.epoch[i] ?? null)
    rows.elapsed_seconds.push(more.elapsed_seconds[i] as number)
  }
  for (const name of Object.keys(more.values)) {
    rows.values[name] ??= new Array(before).fill(null)
  }
  for (const [name, column] of Object.entries(rows.values)) {
    const from = Object.hasOwn(more.values, name) ? more.values[name] : undefined
    for (let i = 0; i < added; i++) column.push(from?.[i] ?? null)
  }
}
