// Numbers, sizes and times for people. Pure; the current time is an argument.

const MIB_UNITS = ['MiB', 'GiB', 'TiB', 'PiB']

export function trim(value: number, digits: number): string {
  const text = value.toFixed(digits)
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

function mebibytes(mib: number): string {
  if (mib === 0) return '0'
  let value = mib
  let unit = 0
  while (Math.abs(value) >= 1024 && unit < MIB_UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return `${trim(value, value >= 100 ? 0 : 1)} ${MIB_UNITS[unit]}`
}

// An amount of a named resource with its unit: `12.5`, `96 GiB`, `1,001`.
export function amount(name: string, value: number): string {
  if (name === 'mem' || name === 'disk') return mebibytes(value)
  return value >= 1000 ? count(Math.round(value)) : trim(value, value >= 100 ? 1 : 2)
}

export function usageText(name: string, used: number, offered: number, total: number): string {
  const text = (value: number) => amount(name, value)
  return `${text(used)} used, ${text(offered)} offered, of ${text(total)}`
}

export function bytes(value: number): string {
  if (value < 1024) return `${value} B`
  if (value < 1024 * 1024) return `${trim(value / 1024, 1)} KiB`
  return mebibytes(value / 1024 / 1024)
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

// `1 task`, `2 tasks`.
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`
}

// Short form for tight places: 0.25, 950, 12.3k, 4.1M.
export function compact(value: number): string {
  const size = Math.abs(value)
  if (size < 1000) return trim(value, size < 1 ? 2 : size < 10 ? 1 : 0)
  if (size < 999_950) return `${trim(value / 1000, size < 100_000 ? 1 : 0)}k`
  if (size < 999_950_000) return `${trim(value / 1e6, size < 1e8 ? 1 : 0)}M`
  return `${trim(value / 1e9, 1)}G`
}

export function percent(fraction: number): string {
  if (!Number.isFinite(fraction)) return '-'
  const value = fraction * 100
  if (value > 0 && value < 0.1) return '<0.1%'
  return `${trim(value, value < 10 ? 1 : 0)}%`
}

export function rate(perSecond: number): string {
  return `${compact(perSecond)}/s`
}

export function duration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '-'
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`
  if (seconds < 60) return `${trim(seconds, seconds < 10 ? 1 : 0)} s`
  const s = Math.floor(seconds)
  if (s < 3600) return `${Math.floor(s / 60)}m ${String(s % 60).padStart(2, '0')}s`
  if (s < 86_400)
    return `${Math.floor(s / 3600)}h ${String(Math.floor((s % 3600) / 60)).padStart(2, '0')}m`
  return `${Math.floor(s / 86_400)}d ${Math.floor((s % 86_400) / 3600)}h`
}

export function ago(thenSeconds: number, nowSeconds: number): string {
  const seconds = Math.max(0, nowSeconds - thenSeconds)
  return seconds < 2 ? 'now' : `${duration(Math.floor(seconds))} ago`
}

const pad = (n: number) => String(n).padStart(2, '0')

export function clock(seconds: number): string {
  const t = new Date(seconds * 1000)
  return `${pad(t.getHours())}:${pad(t.getMinutes())}:${pad(t.getSeconds())}`
}

export function dateTime(seconds: number): string {
  const t = new Date(seconds * 1000)
  return `${t.getFullYear()}-${pad(t.getMonth() + 1)}-${pad(t.getDate())} ${clock(seconds)}`
}

// Ids are long and differ at the end.
export function shortId(id: string, keep = 18): string {
  return id.length <= keep ? id : `\u2026${id.slice(-(keep - 1))}`
}
