import { useCheckpoints, useCommands, useJobMetrics, useMessages, useTrainingJob } from '@trainstop/react'
import { type CSSProperties, useMemo, useState } from 'react'
import { formatCount } from '../format/count'
import { formatMetric } from '../format/metric'
import { formatShare } from '../format/share'
import { chosenMetrics } from './chosenMetrics'
import { lossTurn } from './lossTurn'
import { Plot } from './Plot'
import { type PlotData, plotData, valueAt } from './plotData'
import { stopPosition } from './stopPosition'
import { ValuesTable } from './ValuesTable'

export interface MetricChartProps {
  jobId: string
  /** Names of the metrics to draw. Default: every loss, or else the first two metrics. */
  metrics?: readonly string[] | undefined
  className?: string | undefined
}

/**
 * Metrics over steps, live: train and eval together, the values under the pointer, a mark for each checkpoint and for
 * the stop. Its height is `--trainstop-chart-height`.
 */
export function MetricChart({ jobId, metrics, className }: MetricChartProps) {
  const messages = useMessages()
  const { chart: words, locale } = messages
  const { rows, length, names, error } = useJobMetrics(jobId)
  const { checkpoints } = useCheckpoints(jobId)
  const { commands } = useCommands(jobId)
  const about = useTrainingJob(jobId, {
    select: ({ job }) => ({
      attempt: job?.attempt,
      startedAt: job?.progress.started_at,
      command: job?.command,
      last: job?.last_command,
    }),
  })
  const [hovered, setHovered] = useState<number | null>(null)
  const wanted = (metrics ?? chosenMetrics(names)).join('\n')
  const data = useMemo(
    () => plotData(rows, length, wanted === '' ? [] : wanted.split('\n')),
    [rows, length, wanted],
  )
  const turns = useMemo(() => data.series.map(lossTurn), [data])
  const stop = stopPosition({ ...about, earlier: commands }, rows, length, data.xKind)
  const steps = useMemo(
    () =>
      data.xKind === 'step'
        ? (checkpoints ?? []).flatMap(({ step, verified }) => (verified && step !== null ? [step] : []))
        : [],
    [checkpoints, data.xKind],
  )
  const isEmpty = data.x.length === 0
  const last = data.x.length - 1
  const index = hovered === null ? last : Math.min(hovered, last)
  const xWord = data.xKind === 'step' ? words.step : words.seconds
  const xAt = (i: number) => `${xWord} ${formatCount(data.x[i] ?? 0, locale, data.xKind === 'step' ? 0 : 1)}`
  return (
    <figure
      className={['trainstop-root trainstop-chart', className].filter(Boolean).join(' ')}
      aria-label={words.label}
      data-empty={isEmpty || undefined}
      data-points={data.x.length}
    >
      <div className="trainstop-chart-legend">
        {data.series.map(({ name, values, sparse }, i) => (
          <span
            key={name}
            className="trainstop-chart-series"
            data-metric={name}
            data-sparse={sparse || undefined}
            style={{ '--_color': `var(--_series-${(i % 4) + 1})` } as CSSProperties}
          >
            <span className="trainstop-chart-key" aria-hidden="true" />
            <span className="trainstop-chart-name">{name}</span>{' '}
            <span className="trainstop-chart-value">
              {formatMetric(valueAt(values, index)?.value, locale)}
            </span>
            {turns[i] && (
              <span className="trainstop-chart-turn">
                {words.risen(formatShare(turns[i].risen, locale), xAt(turns[i].lowestAt))}
              </span>
            )}
          </span>
        ))}
        {!isEmpty && (
          <span className="trainstop-chart-at">
            {hovered === null ? `${xAt(last)}, ${words.latest}` : xAt(index)}
          </span>
        )}
      </div>
      <div className="trainstop-chart-stage">
        {isEmpty ? (
          <p className="trainstop-chart-empty">{error ? error.message : words.empty}</p>
        ) : (
          <Plot
            data={data}
            checkpoints={steps}
            stop={stop}
            lowest={turns.map((turn) => turn?.lowestAt ?? null)}
            label={summary(data)}
            locale={locale}
            onHover={setHovered}
          />
        )}
      </div>
      <div className="trainstop-chart-marks">
        {steps.length > 0 && (
          <span className="trainstop-chart-mark">
            <span className="trainstop-chart-mark-key" data-mark="checkpoint" aria-hidden="true" />
            {words.checkpoint}
          </span>
        )}
        {stop !== null && (
          <span className="trainstop-chart-mark">
            <span className="trainstop-chart-mark-key" data-mark="stop" aria-hidden="true" />
            {words.stop}
          </span>
        )}
        {!isEmpty && <ValuesTable data={data} xWord={xWord} />}
      </div>
      {data.notFinite.map(({ name, value, x }) => (
        <p key={name} className="trainstop-chart-note" role="status">
          {words.notFinite(name, value, formatCount(x, locale))}
        </p>
      ))}
    </figure>
  )

  function summary({ x, series }: PlotData): string {
    return series
      .flatMap(({ name, values }) => {
        const latest = valueAt(values, x.length - 1)
        if (!latest) return []
        let lowest = latest
        values.forEach((value, i) => {
          if (value !== null && value < lowest.value) lowest = { value, index: i }
        })
        return words.summary({
          name,
          latest: formatMetric(latest.value, locale),
          at: xAt(latest.index),
          lowest: formatMetric(lowest.value, locale),
          lowestAt: xAt(lowest.index),
        })
      })
      .join(' ')
  }
}
