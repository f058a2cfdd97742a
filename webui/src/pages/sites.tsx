// Every site of a crawl: a grid coloured by pace, or a table.

import { useState } from 'preact/hooks'
import { count, trim } from '../lib/format'
import { replaceQuery } from '../lib/route'
import type { Tone } from '../lib/states'
import { pace, type Site } from '../state/crawler'
import { Card, Choice, Empty, Meter, Pill, Search } from '../ui/bits'
import { sortRows, VirtualTable, type Column } from '../ui/table'

const STATE_TONE: Record<string, Tone> = {
  active: 'run',
  paused: 'stop',
  draining: 'stop',
  done: 'done',
}
export const stateOf = (site: Site) => site.state ?? 'active'
export const paceText = (site: Site) =>
  `${trim(site.rate_per_s ?? 0, 1)} of ${trim(site.allowed_per_s ?? 0, 1)}/s`
export const ratio = (site: Site) =>
  (site.allowed_per_s ?? 0) > 0 ? (site.rate_per_s ?? 0) / (site.allowed_per_s ?? 1) : 0

const COLUMNS: Column<Site>[] = [
  {
    key: 'host',
    title: 'Site',
    width: 'minmax(160px, 2fr)',
    sort: (s) => s.host,
    render: (s) => <b>{s.host}</b>,
  },
  {
    key: 'state',
    title: 'State',
    width: '110px',
    sort: stateOf,
    render: (s) => <Pill tone={STATE_TONE[stateOf(s)] ?? 'wait'}>{stateOf(s)}</Pill>,
  },
  {
    key: 'pace',
    title: 'Pace',
    width: 'minmax(130px, 1.2fr)',
    sort: ratio,
    render: (s) => (
      <span class={`res pace-${pace(s)}`}>
        <Meter
          thin
          used={ratio(s)}
          label={`${trim(s.rate_per_s ?? 0, 1)} of ${trim(s.allowed_per_s ?? 0, 1)} per second`}
        />
        <small>
          {trim(s.rate_per_s ?? 0, 1)} of {trim(s.allowed_per_s ?? 0, 1)}/s
        </small>
      </span>
    ),
  },
  {
    key: 'queue',
    title: 'Waiting',
    width: '85px',
    align: 'right',
    sort: (s) => s.queue ?? 0,
    narrow: false,
    render: (s) => count(s.queue ?? 0),
  },
  {
    key: 'flight',
    title: 'In flight',
    width: '85px',
    align: 'right',
    sort: (s) => s.in_flight ?? 0,
    narrow: false,
    render: (s) => count(s.in_flight ?? 0),
  },
  {
    key: 'done',
    title: 'Pages',
    width: '85px',
    align: 'right',
    sort: (s) => s.done ?? 0,
    narrow: false,
    render: (s) => count(s.done ?? 0),
  },
  {
    key: 'items',
    title: 'Items',
    width: '85px',
    align: 'right',
    sort: (s) => s.items ?? 0,
    render: (s) => count(s.items ?? 0),
  },
  {
    key: 'errors',
    title: 'Errors',
    width: '85px',
    align: 'right',
    sort: (s) => s.errors ?? 0,
    narrow: false,
    render: (s) => <span class={s.errors ? 'tone-bad' : 'muted'}>{count(s.errors ?? 0)}</span>,
  },
]

export function Sites({ sites, query }: { sites: Site[]; query: URLSearchParams }) {
  const view = query.get('view') === 'table' ? 'table' : 'grid'
  const search = (query.get('q') ?? '').toLowerCase()
  const chosen = query.get('site') ?? undefined
  const sort = { key: query.get('sort') ?? 'host', down: query.get('down') === '1' }
  const found = search ? sites.filter((s) => s.host.toLowerCase().includes(search)) : sites
  const onSort = (key: string) =>
    replaceQuery({ sort: key, down: sort.key === key && !sort.down ? '1' : undefined })
  const choose = (host: string) => replaceQuery({ site: host })
  return (
    <Card
      title={`Sites (${count(sites.length)})`}
      class="sites"
      aside={
        <>
          <Search
            value={query.get('q') ?? ''}
            placeholder="Find a site"
            onInput={(q) => replaceQuery({ q })}
          />
          <Choice
            label="View"
            value={view}
            onChange={(v) => replaceQuery({ view: v === 'table' ? v : undefined })}
            options={[
              { key: 'grid', label: 'Grid' },
              { key: 'table', label: 'Table' },
            ]}
          />
        </>
      }
    >
      {found.length === 0 ? (
        <Empty title={search ? 'No site matches' : 'No site yet'} />
      ) : view === 'grid' ? (
        <SiteGrid sites={found} chosen={chosen} onChoose={choose} />
      ) : (
        <VirtualTable
          label="Sites"
          columns={COLUMNS}
          rows={sortRows(found, COLUMNS, sort)}
          rowKey={(s) => s.host}
          href={(s) => siteHref(s.host)}
          sort={sort}
          onSort={onSort}
          fit
          empty={null}
        />
      )}
      {view === 'table' && chosen && <SiteDetail site={sites.find((s) => s.host === chosen)} />}
    </Card>
  )
}

function siteHref(host: string): string {
  const [path = '', query = ''] = location.hash.split('?', 2)
  const params = new URLSearchParams(query)
  params.set('site', host)
  return `${path}?${params}`
}

function SiteGrid(props: { sites: Site[]; chosen?: string; onChoose: (host: string) => void }) {
  const [seen, setSeen] = useState<string>()
  const shown = props.sites.find((s) => s.host === (seen ?? props.chosen))
  return (
    <>
      <div class="site-grid" onMouseLeave={() => setSeen(undefined)}>
        {props.sites.slice(0, 3000).map((site) => (
          <button
            key={site.host}
            type="button"
            class={`site pace-${pace(site)} is-${stateOf(site)} ${site.errors ? 'errs' : ''}`}
            aria-pressed={site.host === props.chosen}
            aria-label={`${site.host}, ${stateOf(site)}, ${paceText(site)}`}
            onMouseEnter={() => setSeen(site.host)}
            onFocus={() => setSeen(site.host)}
            onClick={() => props.onChoose(site.host)}
          >
            <span style={{ height: `${Math.min(1, ratio(site)) * 100}%` }} />
          </button>
        ))}
      </div>
      {shown ? <SiteDetail site={shown} /> : <GridLegend />}
    </>
  )
}

function GridLegend() {
  return (
    <p class="legend inline grid-legend">
      <span>
        <i class="swatch site pace-part" />
        below its allowance
      </span>
      <span>
        <i class="swatch site pace-full" />
        near its allowance
      </span>
      <span>
        <i class="swatch site pace-over" />
        above it
      </span>
      <span>
        <i class="swatch site pace-idle" />
        idle
      </span>
      <span>
        <i class="swatch site is-paused" />
        paused or draining
      </span>
      <span>
        <i class="swatch site is-done" />
        done
      </span>
      <span>
        <i class="swatch site errs" />
        had errors
      </span>
    </p>
  )
}

function SiteDetail({ site }: { site?: Site }) {
  if (!site) return null
  const facts: [string, string][] = [
    ['State', stateOf(site)],
    ['Pace', paceText(site)],
    ['Waiting', count(site.queue ?? 0)],
    ['In flight', count(site.in_flight ?? 0)],
    ['Pages', count(site.done ?? 0)],
    ['Items', count(site.items ?? 0)],
    ['Errors', count(site.errors ?? 0)],
  ]
  return (
    <div class="site-detail" aria-live="polite">
      <b>{site.host}</b>
      {facts.map(([name, value]) => (
        <span key={name}>
          <em>{name}</em> {value}
        </span>
      ))}
    </div>
  )
}
