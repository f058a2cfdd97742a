// Time charts on uPlot: areas and lines over a common axis, colours from the style sheet's tokens,
// so that light and dark are one definition. The legend is HTML above the plot and follows the
// cursor.

import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { clock } from '../lib/format'
import { useMedia } from '../state/hooks'

export interface Series {
  label: string
  color: string // name of a style token: `used` reads --used
  values: (number | null)[]
  area?: boolean
  dashed?: boolean
}

interface Props {
  label: string
  times: number[]
  series: Series[]
  height: number
  format: (value: number) => string
  max?: number
  stacked?: boolean
  axes?: boolean
  whole?: boolean // counts of things: no lines between whole numbers
  legend?: boolean
}

const MIN_SPAN_S = 60
const WHOLE_STEPS = [1, 2, 5].flatMap((n) => [0, 1, 2, 3, 4, 5, 6].map((e) => n * 10 ** e))
WHOLE_STEPS.sort((a, b) => a - b)

// What the time axis covers: a young history does not fill the chart at once.
function span(times: ArrayLike<number>): [number, number] {
  const last = times[times.length - 1] ?? Date.now() / 1000
  return [Math.min(times[0] ?? last, last - MIN_SPAN_S), last]
}

const token = (name: string) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()

// Sums from the first series up, the highest first: each is drawn over the one above it.
function stack(series: Series[]): (number | null)[][] {
  const columns: (number | null)[][] = []
  for (const one of series) {
    const below = columns[columns.length - 1]
    columns.push(one.values.map((v, i) => (v === null ? null : v + (below?.[i] ?? 0))))
  }
  return columns.reverse()
}

function options(
  props: Props,
  width: number,
  onCursor: (index: number | null) => void,
): uPlot.Options {
  const grid = { stroke: token('grid'), width: 1 }
  const font = `11px ${token('font')}`
  const axis = { stroke: token('muted'), grid, ticks: { show: false }, font }
  return {
    width,
    height: props.height,
    padding: props.axes ? [8, 26, 0, 0] : [2, 0, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    // An area of a stack is filled down to the one below it, so colours do not mix.
    bands: props.stacked ? props.series.slice(1).map((_s, i) => ({ series: [i + 1, i + 2] })) : [],
    scales: {
      x: { time: true, range: (u) => span(u.data[0]) },
      y: { range: (_u, _min, max) => [0, props.max ?? Math.max(max * 1.15, 1)] },
    },
    axes: props.axes
      ? [
          {
            ...axis,
            size: 24,
            space: 70,
            values: (u, splits) => {
              const [from, to] = span(u.data[0])
              return splits.map((s) => (to - from < 600 ? clock(s) : clock(s).slice(0, 5)))
            },
          },
          {
            ...axis,
            size: 44,
            gap: 4,
            space: 28,
            ...(props.whole ? { incrs: WHOLE_STEPS } : {}),
            values: (_u, splits) => splits.map(props.format),
          },
        ]
      : [{ show: false }, { show: false }],
    series: [
      {},
      ...(props.stacked ? [...props.series].reverse() : props.series).map((s) => ({
        label: s.label,
        stroke: token(s.color),
        width: s.dashed ? 1 : 1.5,
        dash: s.dashed ? [4, 4] : undefined,
        fill: s.area ? token(`${s.color}-area`) : undefined,
        points: { show: false },
        spanGaps: false,
      })),
    ],
    hooks: { setCursor: [(u) => onCursor(u.cursor.idx ?? null)] },
  }
}

export function TimeChart(props: Props) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const dark = useMedia('(prefers-color-scheme: dark)')
  const [at, setAt] = useState<number | null>(null)
  const shape = props.series.map((s) => s.label + s.color).join() + props.height + dark
  const columns = props.stacked ? stack(props.series) : props.series.map((s) => s.values)
  const data = [props.times, ...columns] as uPlot.AlignedData

  useEffect(() => {
    const element = box.current
    if (!element) return
    const made = new uPlot(options(props, element.clientWidth || 300, setAt), data, element)
    plot.current = made
    const observer = new ResizeObserver(() => {
      const width = element.clientWidth
      if (width > 0 && width !== made.width) made.setSize({ width, height: props.height })
    })
    observer.observe(element)
    return () => {
      observer.disconnect()
      made.destroy()
      plot.current = null
    }
  }, [shape])
  useEffect(
    () => plot.current?.setData(data),
    [props.times, props.times[props.times.length - 1], shape],
  )

  const index = at ?? props.times.length - 1
  const shown = props.series.map((s) => ({ ...s, value: s.values[index] }))
  const text = shown
    .map((s) => `${s.label} ${s.value == null ? 'unknown' : props.format(s.value)}`)
    .join(', ')
  return (
    <figure class="chart">
      {props.legend !== false && (
        <figcaption>
          {shown.map((s) => (
            <span key={s.label}>
              <i class={`swatch c-${s.color}`} />
              {s.label} <b>{s.value == null ? '\u2013' : props.format(s.value)}</b>
            </span>
          ))}
          <span class="when">{at === null ? '' : clock(props.times[at] ?? 0)}</span>
        </figcaption>
      )}
      <div ref={box} class="plot" role="img" aria-label={`${props.label}: ${text}`} />
    </figure>
  )
}

// A trend without axes, small enough for a table cell or a stage card.
export function Spark(props: { values: (number | null)[]; color: string; label: string }) {
  const values = props.values.slice(-90).map((v) => v ?? 0)
  const max = Math.max(1e-9, ...values)
  const step = values.length > 1 ? 100 / (values.length - 1) : 0
  const points = values
    .map((v, i) => `${(i * step).toFixed(1)},${(23 - (v / max) * 21).toFixed(1)}`)
    .join(' ')
  return (
    <svg
      class={`spark s-${props.color}`}
      viewBox="0 0 100 24"
      preserveAspectRatio="none"
      role="img"
      aria-label={props.label}
    >
      {values.length > 1 && (
        <>
          <polygon points={`0,24 ${points} 100,24`} />
          <polyline points={points} vector-effect="non-scaling-stroke" />
        </>
      )}
    </svg>
  )
}
