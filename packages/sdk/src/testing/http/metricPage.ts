import type { MetricColumns, MetricValue } from '../../protocol'

/** Batches one after the other; null where a batch lacks a metric that another has. */
export function joinedColumns(batches: readonly MetricColumns[]): MetricColumns {
  const names = [...new Set(batches.flatMap(({ values }) => Object.keys(values)))]
  const column = (name: string) =>
    batches.flatMap(({ values, step }): (MetricValue | null)[] => values[name] ?? step.map(() => null))
  return {
    attempt: batches.flatMap(({ attempt }) => attempt),
    step: batches.flatMap(({ step }) => step),
    epoch: batches.flatMap(({ epoch }) => epoch),
    elapsed_seconds: batches.flatMap(({ elapsed_seconds }) => elapsed_seconds),
    values: Object.fromEntries(names.map((name) => [name, column(name)])),
  }
}

/** About so many rows, in their order, the first and the last among them. */
export function thinned(columns: MetricColumns, maxPoints: number): MetricColumns {
  const rows = columns.step.length
  if (rows <= maxPoints) return columns
  const kept = Array.from({ length: maxPoints }, (_, i) => Math.round((i * (rows - 1)) / (maxPoints - 1)))
  const pick = <Value>(column: Value[]): Value[] => kept.map((row) => column[row] as Value)
  const { attempt, step, epoch, elapsed_seconds, values } = columns
  return {
    ...{ attempt: pick(attempt), step: pick(step), epoch: pick(epoch) },
    elapsed_seconds: pick(elapsed_seconds),
    values: Object.fromEntries(Object.entries(values).map(([name, column]) => [name, pick(column)])),
  }
}
