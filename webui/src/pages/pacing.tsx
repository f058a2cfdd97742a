// How well the pacing of a crawl holds, and its errors by kind.

import { compact, count, percent, rate } from '../lib/format'
import { pace, type Site } from '../state/crawler'
import { Card, Empty, Pill } from '../ui/bits'
import { paceText, ratio, stateOf } from './sites'

// How the sites spread over their allowance: a healthy crawl leans right and stays on the scale.
export function PacePanel({ sites }: { sites: Site[] }) {
  const live = sites.filter((s) => stateOf(s) === 'active')
  const over = sites.filter((s) => pace(s) === 'over')
  const buckets = new Array<number>(10).fill(0)
  for (const site of live) {
    const at = Math.min(9, Math.floor(ratio(site) * 10))
    buckets[at] = (buckets[at] ?? 0) + 1
  }
  const most = Math.max(1, ...buckets)
  const sent = live.reduce((n, s) => n + (s.rate_per_s ?? 0), 0)
  const allowed = live.reduce((n, s) => n + (s.allowed_per_s ?? 0), 0)
  const sentText = `${rate(sent)} to active sites`
  return (
    <Card
      title="Pacing"
      aside={
        over.length === 0 ? (
          <Pill tone="run">Held everywhere</Pill>
        ) : (
          <Pill tone="bad">{count(over.length)} above their allowance</Pill>
        )
      }
    >
      <p class="muted note">
        {live.length === 0
          ? 'No site is active.'
          : allowed > 0
            ? `${sentText}, ${percent(sent / allowed)} of the ${rate(allowed)} they allow.`
            : `${sentText}.`}
      </p>
      <div
        class="histogram"
        role="img"
        aria-label={`Active sites by part of their allowance, in tenths: ${buckets.join(', ')}`}
      >
        {buckets.map((n, i) => (
          <span key={i} title={`${count(n)} sites at ${i * 10} to ${(i + 1) * 10}%`}>
            <i style={{ height: `${(n / most) * 100}%` }} />
          </span>
        ))}
      </div>
      <div class="histogram-scale">
        <small>0%</small>
        <small>of the allowance</small>
        <small>100%</small>
      </div>
      {over.slice(0, 5).map((s) => (
        <p key={s.host} class="tone-bad note">
          {s.host}: {paceText(s)}
        </p>
      ))}
    </Card>
  )
}

const MEANING: Record<string, string> = {
  timeout: 'no answer in time; tried again later',
  dns: 'the name did not resolve',
  connect: 'no connection',
  tls: 'no secure connection',
  http_404: 'the page is gone',
  http_429: 'the site asks to slow down; its pace is lowered',
  http_5xx: 'the site is in trouble; tried again with growing pauses',
  http_4xx: 'the site refuses the page',
  truncated: 'cut off before its end; tried again later',
  too_slow: 'took longer than a page may; given up',
  redirect_loop: 'sent on and on; not followed',
  too_large: 'longer than a page may be; cut off',
  trap: 'endless addresses; not followed',
  robots: 'forbidden by robots.txt; not fetched',
  decode: 'broken text',
}

export function ErrorClasses({ errors }: { errors: Record<string, number> }) {
  const rows = Object.entries(errors)
    .filter(([, n]) => n > 0)
    .sort((a, b) => b[1] - a[1])
  const most = Math.max(1, ...rows.map(([, n]) => n))
  return (
    <Card title="Errors by kind">
      {rows.length === 0 ? (
        <Empty title="No errors so far" />
      ) : (
        <ul class="bars wide">
          {rows.map(([name, n]) => (
            <li key={name}>
              <span class="name">{name.replaceAll('_', ' ')}</span>
              <span class="track">
                <span class="fill f-bad" style={{ width: `${(n / most) * 100}%` }} />
              </span>
              <b>{compact(n)}</b>
              <span class="muted">{MEANING[name] ?? ''}</span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}
