// A table that draws only the rows on the screen, so that 100,000 rows cost what 50 do. Rows have
// a fixed height; rows not loaded yet are drawn as placeholders. Keyboard: j/k or arrows, Page
// Up/Down, Home/End, Enter opens. On a narrow screen the first column stands above the others.

import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { go } from '../lib/route'
import { useNarrow } from '../state/hooks'

export interface Column<T> {
  key: string
  title: string
  width: string // a grid track
  render: (row: T) => ComponentChildren
  sort?: (row: T) => number | string
  align?: 'right'
  narrow?: false // hidden on narrow screens
}

interface Props<T> {
  label: string
  columns: Column<T>[]
  rows: T[]
  length?: number // rows there are, loaded or not
  rowKey: (row: T) => string
  href: (row: T) => string
  sort?: { key: string; down: boolean }
  onSort?: (key: string) => void
  onNeed?: (count: number) => void // rows up to here are wanted
  onScrolled?: (away: boolean) => void
  onVisible?: (rows: T[]) => void
  dim?: (row: T) => boolean
  empty: ComponentChildren
  fit?: boolean // as high as its rows, for short lists inside a page
}

const ROW_PX = 36
const NARROW_ROW_PX = 58
const HEAD_PX = 32
const OVERSCAN = 8

export function sortRows<T>(
  rows: T[],
  columns: Column<T>[],
  sort: { key: string; down: boolean },
): T[] {
  const by = columns.find((c) => c.key === sort.key)?.sort
  if (!by) return rows
  const sign = sort.down ? -1 : 1
  const keyed = rows.map((row) => ({ row, value: by(row) }))
  keyed.sort((a, b) => (a.value < b.value ? -sign : a.value > b.value ? sign : 0))
  return keyed.map((k) => k.row)
}

export function VirtualTable<T>(props: Props<T>) {
  const narrow = useNarrow()
  const box = useRef<HTMLDivElement>(null)
  const [top, setTop] = useState(0)
  const [height, setHeight] = useState(600)
  const [cursor, setCursor] = useState(-1)
  const rowPx = narrow ? NARROW_ROW_PX : ROW_PX
  const headPx = narrow ? 0 : HEAD_PX
  const length = props.length ?? props.rows.length

  useEffect(() => {
    const element = box.current
    if (!element) return
    const observer = new ResizeObserver(() => setHeight(element.clientHeight))
    observer.observe(element)
    return () => observer.disconnect()
  }, [length === 0])

  const first = Math.max(0, Math.floor(top / rowPx) - OVERSCAN)
  const last = Math.min(length, Math.ceil((top + height) / rowPx) + OVERSCAN)
  useEffect(() => props.onNeed?.(last + 50), [last, length])
  useEffect(() => props.onScrolled?.(top > rowPx), [top > rowPx])
  useEffect(() => props.onVisible?.(props.rows.slice(first, last)), [first, last, props.rows])

  const move = (to: number) => {
    const next = Math.max(0, Math.min(length - 1, to))
    setCursor(next)
    const element = box.current
    if (!element) return
    const y = next * rowPx
    if (y < element.scrollTop) element.scrollTop = y
    const bottom = y + rowPx + headPx - element.clientHeight
    if (bottom > element.scrollTop) element.scrollTop = bottom
  }
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const page = Math.max(1, Math.floor((height - headPx) / rowPx) - 1)
    const steps: Record<string, number> = {
      j: cursor + 1,
      ArrowDown: cursor + 1,
      k: cursor - 1,
      ArrowUp: cursor - 1,
      PageDown: cursor + page,
      PageUp: cursor - page,
      Home: 0,
      End: length - 1,
    }
    const row = props.rows[cursor]
    if (event.key === 'Enter' && row && event.target === box.current) go(props.href(row))
    else if (steps[event.key] !== undefined) move(steps[event.key] as number)
    else return
    event.preventDefault()
  }

  if (length === 0) return <div class="table-empty">{props.empty}</div>
  const columns = props.columns.filter((c) => !narrow || c.narrow !== false)
  const tracks = columns.map((c) => c.width).join(' ')
  const indexes = Array.from({ length: last - first }, (_, i) => first + i)
  const px = headPx + length * rowPx
  return (
    <div
      class={`table ${narrow ? 'narrow' : ''} ${props.fit ? 'fit' : ''}`}
      ref={box}
      role="table"
      aria-label={props.label}
      aria-rowcount={length + 1}
      tabIndex={0}
      data-keylist
      style={{ height: `${props.fit ? Math.min(px, 560) : px + 2}px` }}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      onKeyDown={onKey}
    >
      {!narrow && <Head {...props} columns={columns} tracks={tracks} />}
      <div class="rows" role="rowgroup" style={{ height: `${length * rowPx}px` }}>
        {indexes.map((i) => {
          const row = props.rows[i]
          const at = {
            transform: `translateY(${i * rowPx}px)`,
            height: `${rowPx}px`,
            gridTemplateColumns: tracks,
          }
          if (!row)
            return (
              <div class="row ghost" key={`ghost${i}`} style={at} aria-hidden="true">
                <span />
              </div>
            )
          const look = `row ${i === cursor ? 'at' : ''} ${props.dim?.(row) ? 'dim' : ''}`
          return (
            <a
              class={look}
              key={props.rowKey(row)}
              role="row"
              aria-rowindex={i + 2}
              tabIndex={-1}
              style={at}
              href={props.href(row)}
              onClick={() => setCursor(i)}
            >
              {columns.map((c) => (
                <span key={c.key} role="cell" class={`cell ${c.align ?? ''} col-${c.key}`}>
                  {c.render(row)}
                </span>
              ))}
            </a>
          )
        })}
      </div>
    </div>
  )
}

function Head<T>(props: Props<T> & { tracks: string }) {
  return (
    <div class="thead" role="row" style={{ gridTemplateColumns: props.tracks }}>
      {props.columns.map((c) => {
        const on = props.sort?.key === c.key
        const order = on ? (props.sort?.down ? 'descending' : 'ascending') : undefined
        return (
          <span key={c.key} role="columnheader" aria-sort={order} class={`cell ${c.align ?? ''}`}>
            {c.sort && props.onSort ? (
              <button type="button" class="sort" onClick={() => props.onSort?.(c.key)}>
                {c.title}
                <i aria-hidden="true">{on ? (props.sort?.down ? '\u2193' : '\u2191') : ''}</i>
              </button>
            ) : (
              c.title
            )}
          </span>
        )
      })}
    </div>
  )
}
