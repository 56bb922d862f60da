import { expect, it } from 'vitest'
import type { MetricRows } from '../state/metricRows'
import { chosenMetrics } from './chosenMetrics'
import { plotData, valueAt } from './plotData'

type Row = [attempt: number, step: number | null, values: Record<string, number | 'NaN' | null>]
function rowsOf(rows: Row[]): MetricRows {
  const names = [...new Set(rows.flatMap(([, , values]) => Object.keys(values)))]
  return {
    attempt: rows.map(([attempt]) => attempt),
    step: rows.map(([, step]) => step),
    epoch: rows.map(() => 1),
    elapsed_seconds: rows.map((_, i) => i / 2),
    values: Object.fromEntries(names.map((name) => [name, rows.map(([, , values]) => values[name] ?? null)])),
  }
}
const plot = (rows: Row[], names: string[]) => plotData(rowsOf(rows), rows.length, names)

it('makes one point of the rows of one step', () => {
  const { x, series } = plot(
    [
      [1, 1, { a: 3 }],
      [1, 2, { a: 2 }],
      [1, 2, { b: 9 }],
    ],
    ['a', 'b'],
  )
  expect(x).toEqual([1, 2])
  expect(series.map(({ values }) => values)).toEqual([
    [3, 2],
    [null, 9],
  ])
})

it('shows steps that a resumed attempt went over again as the later attempt had them', () => {
  const rows: Row[] = [
    [1, 1, { a: 1 }],
    [1, 2, { a: 2 }],
    [1, 3, { a: 3 }],
    [2, 2, { a: 20 }],
    [2, 4, { a: 40 }],
  ]
  const { x, series } = plot(rows, ['a'])
  expect(x).toEqual([1, 2, 4])
  expect(series[0]?.values).toEqual([1, 20, 40])
})

it('puts rows that came out of order into order', () => {
  expect(
    plot(
      [
        [1, 2, { a: 2 }],
        [1, 1, { a: 1 }],
      ],
      ['a'],
    ).x,
  ).toEqual([1, 2])
})

it('draws over seconds where a run counts no steps', () => {
  const { x, xKind } = plot(
    [
      [1, null, { a: 2 }],
      [1, null, { a: 1 }],
    ],
    ['a'],
  )
  expect([xKind, x]).toEqual(['seconds', [0, 0.5]])
})

it('leaves out what cannot be drawn, and tells of its first time', () => {
  const { series, notFinite } = plot(
    [
      [1, 1, { a: 1 }],
      [1, 2, { a: 'NaN' }],
      [1, 3, { a: 'NaN' }],
    ],
    ['a'],
  )
  expect(series[0]?.values).toEqual([1, null, null])
  expect(notFinite).toEqual([{ name: 'a', value: 'NaN', x: 2 }])
})

it('knows a metric that is logged far less often than steps', () => {
  const rows: Row[] = Array.from({ length: 9 }, (_, i) => [1, i, { train: i, eval: i % 4 === 0 ? i : null }])
  expect(plot(rows, ['train', 'eval']).series.map(({ sparse }) => sparse)).toEqual([false, true])
})

it('takes as many rows as it is told, while the arrays grow', () => {
  const rows = rowsOf([
    [1, 1, { a: 1 }],
    [1, 2, { a: 2 }],
  ])
  expect(plotData(rows, 1, ['a']).x).toEqual([1])
})

it('reads off the newest value at or before a place', () => {
  expect(valueAt([1, null, 3, null], 1)).toEqual({ value: 1, index: 0 })
  expect(valueAt([null, null], 1)).toBeNull()
})

it('chooses the losses by itself, train first, or else the first two', () => {
  expect(chosenMetrics(['lr', 'eval_loss', 'train_loss'])).toEqual(['train_loss', 'eval_loss'])
  expect(chosenMetrics(['acc', 'lr', 'norm'])).toEqual(['acc', 'lr'])
})
