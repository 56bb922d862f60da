import { type RefObject, useEffect, useLayoutEffect, useRef } from 'react'
import type uPlot from 'uplot'
import type { PlotData } from './plotData'

export interface PlotProps {
  /** At least one row. */
  data: PlotData
  /** Where on the x axis to mark a checkpoint, and the stop. */
  checkpoints: readonly number[]
  stop: number | null
  /** For each series, the index of the value to ring, since it has turned there; null for none. */
  lowest: readonly (number | null)[]
  /** What a screen reader says instead of the picture. */
  label: string
  locale: string | undefined
  /** The index into `data.x` under the pointer; null when it leaves. */
  onHover: (index: number | null) => void
}

/** Colours as the stylesheet resolves them, by the names of the probes below. */
const colorNames = [
  'text',
  'muted',
  'line',
  'ok',
  'danger-text',
  'series-1',
  'series-2',
  'series-3',
  'series-4',
] as const
type Colors = Record<(typeof colorNames)[number], string>

/** The canvas. It is made once for a set of series, then only given new data, marks, sizes and colours. */
export function Plot({ data, checkpoints, stop, lowest, label, locale, onHover }: PlotProps) {
  const box = useRef<HTMLDivElement>(null)
  const probes = useRef<HTMLSpanElement>(null)
  const plot = useRef<uPlot | null>(null)
  const shown = useRef({ data, checkpoints, stop, lowest, locale, onHover })
  useLayoutEffect(() => {
    shown.current = { data, checkpoints, stop, lowest, locale, onHover }
  })
  // What a plot can't change afterwards; with another of these a new one is made.
  const shape = JSON.stringify(data.series.map(({ name, sparse }) => [name, sparse]))

  useEffect(() => {
    const element = box.current
    // Where nothing is laid out (a test without a browser), there is nothing to draw.
    if (!element || typeof ResizeObserver === 'undefined') return
    const sparse = (JSON.parse(shape) as [string, boolean][]).map(([, isSparse]) => isSparse)
    let sizes: ResizeObserver | undefined
    let isGone = false
    // Not with the page: it looks for a screen as soon as it is loaded.
    void import('uplot').then(({ default: Draw }) => {
      if (isGone) return
      const made = makePlot(Draw, element, sparse, shown, () => readColors(probes.current))
      plot.current = made
      sizes = new ResizeObserver(() => {
        if (element.clientWidth > 0)
          made.setSize({ width: element.clientWidth, height: element.clientHeight })
      })
      sizes.observe(element)
    })
    return () => {
      isGone = true
      sizes?.disconnect()
      plot.current?.destroy()
      plot.current = null
    }
  }, [shape])

  useEffect(() => {
    plot.current?.setData(aligned(data))
  }, [data])

  // biome-ignore lint/correctness/useExhaustiveDependencies: drawn from `shown`, whenever one of them changes
  useEffect(() => {
    plot.current?.setData(aligned(shown.current.data))
  }, [checkpoints, stop])

  useEffect(() => {
    // Whatever changed a colour (the system, a class, an attribute far above), its probe has a transition to tell.
    const element = probes.current
    const repaint = () => plot.current?.redraw(false)
    element?.addEventListener('transitionend', repaint)
    return () => element?.removeEventListener('transitionend', repaint)
  }, [])

  return (
    <>
      <div ref={box} className="trainstop-chart-plot" role="img" aria-label={label} />
      <span ref={probes} aria-hidden="true">
        {colorNames.map((name) => (
          <span
            key={name}
            className="trainstop-chart-probe"
            style={{ color: `var(--_${name})` }}
            data-color={name}
          />
        ))}
      </span>
    </>
  )
}

function aligned({ x, series }: PlotData): uPlot.AlignedData {
  return [x, ...series.map(({ values }) => values)]
}

function readColors(probes: HTMLElement | null): Colors {
  const colors = {} as Colors
  for (const probe of probes?.querySelectorAll<HTMLElement>('[data-color]') ?? []) {
    colors[probe.dataset.color as keyof Colors] = getComputedStyle(probe).color
  }
  return colors
}

type Shown = RefObject<Omit<PlotProps, 'label'>>

function makePlot(
  Draw: typeof uPlot,
  element: HTMLElement,
  sparse: boolean[],
  shown: Shown,
  colorsNow: () => Colors,
): uPlot {
  let colors = colorsNow()
  const style = getComputedStyle(element)
  // Whole pixels: uPlot scales them for the screen by their digits.
  const font = `${Math.max(11, Math.round(Number.parseFloat(style.fontSize) * 0.84))}px ${style.fontFamily}`
  const color = (name: keyof Colors) => () => colors[name]
  const seriesColor = (index: number) => color(`series-${(index % 4) + 1}` as keyof Colors)
  const axis = (side: 'x' | 'y'): uPlot.Axis => ({
    font,
    stroke: color('muted'),
    grid: { stroke: color('line'), width: 1, show: side === 'y' },
    ticks: { stroke: color('line'), width: 1, size: side === 'x' ? 5 : 0 },
    border: { show: side === 'x', stroke: color('line'), width: 1 },
    gap: 5,
    values: (_plot, splits) => {
      const format = new Intl.NumberFormat(shown.current.locale, { maximumSignificantDigits: 6 })
      return splits.map((value) => (value === null ? '' : format.format(value)))
    },
  })
  return new Draw(
    {
      width: element.clientWidth || 300,
      height: element.clientHeight || 200,
      // Room for half of the last label.
      padding: [10, 20, 0, 0],
      legend: { show: false },
      scales: { x: { time: false, range: (_plot, min, max) => withMarks(min, max, shown.current) } },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 8, width: 2, fill: color('text') } },
      axes: [
        { ...axis('x'), size: 28, space: 48 },
        { ...axis('y'), size: widthOfLabels, space: 36 },
      ],
      series: [
        {},
        ...sparse.map((isSparse, index) => ({
          stroke: seriesColor(index),
          width: isSparse ? 2 : 1.5,
          spanGaps: true,
          points: { show: isSparse, size: 5, fill: seriesColor(index), stroke: seriesColor(index) },
        })),
      ],
      hooks: {
        drawClear: [
          () => {
            colors = colorsNow()
          },
        ],
        draw: [(plot) => drawMarks(plot, shown.current, colors)],
        setCursor: [(plot) => shown.current.onHover(plot.cursor.idx ?? null)],
      },
    },
    aligned(shown.current.data),
    element,
  )
}

/** A checkpoint is often saved, and a stop asked for, after the last row was logged. */
function withMarks(
  min: number,
  max: number,
  { checkpoints, stop }: Pick<PlotProps, 'checkpoints' | 'stop'>,
): [number, number] {
  const end = checkpoints.reduce((a, b) => Math.max(a, b), Math.max(max, stop ?? max))
  return end > min ? [min, end] : [min - 1, end + 1]
}

/** As wide as the longest label: no empty margin, and none cut off. */
function widthOfLabels(plot: uPlot, values: string[] | null): number {
  const longest = (values ?? []).reduce((a, b) => (b.length > a.length ? b : a), '')
  plot.ctx.save()
  plot.ctx.font = plot.axes[1]?.font?.[0] ?? plot.ctx.font
  const width = plot.ctx.measureText(longest).width / devicePixelRatio
  plot.ctx.restore()
  return Math.ceil(width) + 12
}

function drawMarks(
  plot: uPlot,
  { data, checkpoints, stop, lowest }: Pick<PlotProps, 'data' | 'checkpoints' | 'stop' | 'lowest'>,
  colors: Colors,
): void {
  const { ctx } = plot
  const { left, top, width, height } = plot.bbox
  const scale = devicePixelRatio
  const inside = (x: number) => x >= left - 1 && x <= left + width + 1
  ctx.save()
  ctx.fillStyle = colors.ok
  for (const step of checkpoints) {
    const x = plot.valToPos(step, 'x', true)
    if (!inside(x)) continue
    ctx.beginPath()
    ctx.moveTo(x, top + height - 8 * scale)
    ctx.lineTo(x + 4 * scale, top + height)
    ctx.lineTo(x - 4 * scale, top + height)
    ctx.fill()
  }
  lowest.forEach((index, series) => {
    const value = index === null ? null : data.series[series]?.values[index]
    if (index === null || value == null) return
    ctx.strokeStyle = colors[`series-${(series % 4) + 1}` as keyof Colors]
    ctx.lineWidth = 2 * scale
    ctx.beginPath()
    ctx.arc(
      plot.valToPos(data.x[index] as number, 'x', true),
      plot.valToPos(value, 'y', true),
      6 * scale,
      0,
      7,
    )
    ctx.stroke()
  })
  if (stop !== null) {
    const x = plot.valToPos(stop, 'x', true)
    if (inside(x)) {
      ctx.strokeStyle = colors['danger-text']
      ctx.fillStyle = colors['danger-text']
      ctx.lineWidth = 1.5 * scale
      ctx.setLineDash([4 * scale, 3 * scale])
      ctx.beginPath()
      ctx.moveTo(x, top)
      ctx.lineTo(x, top + height)
      ctx.stroke()
      ctx.fillRect(x - 4 * scale, top - 4 * scale, 8 * scale, 8 * scale)
    }
  }
  ctx.restore()
}
