import { useMessages } from '@trainstop/react'
import { useState } from 'react'
import { formatCount } from '../format/count'
import { formatMetric } from '../format/metric'
import type { PlotData } from './plotData'

/** More rows say no more to someone who reads them one by one. */
const rowsShown = 25

/** The chart's values in words, for those who can't see it, or want to read them off. */
export function ValuesTable({ data, xWord }: { data: PlotData; xWord: string }) {
  const { chart: words, locale } = useMessages()
  const [isOpen, setIsOpen] = useState(false)
  return (
    <details
      className="trainstop-chart-values"
      onToggle={({ currentTarget }) => setIsOpen(currentTarget.open)}
    >
      <summary className="trainstop-chart-summary">{words.table}</summary>
      {isOpen && (
        <div className="trainstop-chart-scroll">
          <table className="trainstop-chart-table">
            <thead>
              <tr>
                <th scope="col">{xWord}</th>
                {data.series.map(({ name }) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {sampledRows(data).map((row) => (
                <tr key={row}>
                  <th scope="row">{formatCount(data.x[row] as number, locale, 1)}</th>
                  {data.series.map(({ name, values }) => (
                    <td key={name}>{formatMetric(values[row], locale)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  )
}

/** Rows spread evenly, the newest first; rows in which every metric has a value are preferred where there are enough. */
export function sampledRows({ x, series }: PlotData): number[] {
  const all = x.map((_, row) => row)
  const full = all.filter((row) => series.every(({ values }) => values[row] !== null))
  const from = full.length >= Math.min(rowsShown, 8) ? full : all
  const step = Math.max(1, (from.length - 1) / (rowsShown - 1))
  const rows = new Set<number>()
  for (let i = from.length - 1; i >= 0; i -= step) rows.add(from[Math.round(i)] as number)
  return [...rows]
}
