// Frameworks with their shares, and the roles that weigh them.

import { useMemo, useState } from 'preact/hooks'
import type { Framework } from '../api/types'
import { ago, amount, count, percent } from '../lib/format'
import { sum } from '../lib/resources'
import { fairTree } from '../lib/roletree'
import { href, replaceQuery } from '../lib/route'
import { frameworkState } from '../lib/states'
import type { Cluster } from '../state/cluster'
import { useCluster, useNow, useWindow } from '../state/hooks'
import {
  AsCommand,
  Card,
  Choice,
  Empty,
  IdTail,
  Meter,
  PageHead,
  Pill,
  Search,
  Skeleton,
} from '../ui/bits'
import { sortRows, VirtualTable, type Column } from '../ui/table'
import { UnmetDemands } from './demands'
import { fairShares, rolesOf, shareLabel, shareOf } from './shares'

interface Row {
  id: string
  framework: Framework
  completed: boolean
}

const used = (row: Row, name: string) => sum(row.framework.allocated_resources)[name] ?? 0

function columns(cluster: Cluster, now: number): Column<Row>[] {
  const totals = cluster.totals()
  const fair = fairShares(cluster)
  const number = (name: string, title: string): Column<Row> => ({
    key: name,
    title,
    width: '90px',
    align: 'right',
    narrow: false,
    sort: (r) => used(r, name),
    render: (r) =>
      used(r, name) ? amount(name, used(r, name)) : <span class="muted">{'\u2013'}</span>,
  })
  return [
    {
      key: 'name',
      title: 'Framework',
      width: 'minmax(190px, 1.6fr)',
      sort: (r) => r.framework.framework_info.name,
      render: (r) => (
        <>
          <b>{r.framework.framework_info.name}</b>
          <IdTail id={r.id} />
        </>
      ),
    },
    {
      key: 'state',
      title: 'State',
      width: '125px',
      sort: (r) => frameworkState(r.framework, r.completed).label,
      render: (r) => {
        const state = frameworkState(r.framework, r.completed)
        return <Pill tone={state.tone}>{state.label}</Pill>
      },
    },
    {
      key: 'share',
      title: 'Dominant share',
      width: 'minmax(190px, 1.4fr)',
      sort: (r) => shareOf(r.framework, totals).used,
      render: (r) => {
        const share = shareOf(r.framework, totals)
        const label = shareLabel(share, fair.get(r.id))
        return (
          <span class="res">
            <Meter
              thin
              used={share.used}
              offered={share.offered}
              mark={fair.get(r.id)}
              label={label}
            />
            <small>
              {percent(share.used)} {share.resource && `of ${share.resource}`}
            </small>
          </span>
        )
      },
    },
    {
      key: 'roles',
      title: 'Roles (weight)',
      width: 'minmax(120px, 1fr)',
      narrow: false,
      sort: (r) => rolesOf(r.framework).join(),
      render: (r) =>
        rolesOf(r.framework)
          .map((role) => `${role} (${cluster.weight(role)})`)
          .join(', '),
    },
    {
      key: 'user',
      title: 'User',
      width: '90px',
      narrow: false,
      sort: (r) => r.framework.framework_info.user ?? '',
      render: (r) => <span class="muted">{r.framework.framework_info.user}</span>,
    },
    number('cpus', 'CPU'),
    number('mem', 'Memory'),
    number('gpus', 'GPU'),
    {
      key: 'since',
      title: 'Since',
      width: '100px',
      narrow: false,
      align: 'right',
      sort: (r) => -(r.framework.registered_time?.nanoseconds ?? 0),
      render: (r) => {
        const at = r.framework.registered_time?.nanoseconds
        return <span class="muted">{at ? ago(at / 1e9, now) : '\u2013'}</span>
      },
    },
  ]
}

export function FrameworksPage({ query }: { query: URLSearchParams }) {
  const cluster = useCluster()
  const now = useNow(10_000)
  const [visible, setVisible] = useState<string[]>([])
  const which = query.get('show') === 'completed' ? 'completed' : 'live'
  const search = query.get('q') ?? ''
  const sort = { key: query.get('sort') ?? 'share', down: (query.get('down') ?? '1') === '1' }
  const source = which === 'completed' ? cluster.completed : cluster.frameworks
  const list = columns(cluster, now)
  const rows = useMemo(() => {
    const wanted = search.toLowerCase()
    const all = [...source].map(([id, framework]) => ({
      id,
      framework,
      completed: which === 'completed',
    }))
    const text = (r: Row) =>
      `${r.framework.framework_info.name} ${r.id} ${rolesOf(r.framework).join(' ')}`.toLowerCase()
    return sortRows(wanted ? all.filter((r) => text(r).includes(wanted)) : all, list, sort)
  }, [source.size, cluster.freshAt, search, which, sort.key, sort.down])
  useWindow(
    'frameworks',
    which === 'live' ? [...new Set([...visible, ...rows.slice(0, 60).map((r) => r.id)])] : [],
  )
  const onSort = (key: string) =>
    replaceQuery({ sort: key, down: sort.key === key && sort.down ? '0' : '1' })
  return (
    <div class="page-fill">
      <PageHead
        title="Frameworks"
        sub={cluster.loaded ? `${count(rows.length)} shown` : 'Loading\u2026'}
      >
        <Search
          value={search}
          placeholder="Name, id or role"
          onInput={(q) => replaceQuery({ q })}
        />
        <Choice
          label="Which frameworks"
          value={which}
          onChange={(v) => replaceQuery({ show: v === 'completed' ? v : undefined })}
          options={[
            { key: 'live', label: 'Registered', count: count(cluster.frameworks.size) },
            { key: 'completed', label: 'Completed', count: count(cluster.completed.size) },
          ]}
        />
      </PageHead>
      <Roles />
      <UnmetDemands />
      {!cluster.loaded ? (
        <Card>
          <Skeleton lines={8} />
        </Card>
      ) : (
        <VirtualTable
          label="Frameworks"
          columns={list}
          rows={rows}
          rowKey={(r) => r.id}
          href={(r) => href('frameworks', [r.id])}
          sort={sort}
          onSort={onSort}
          onVisible={(seen) => {
            const ids = seen.map((r) => r.id)
            if (ids.join() !== visible.join()) setVisible(ids)
          }}
          empty={
            search ? (
              <Empty title="No framework matches">
                <button type="button" onClick={() => replaceQuery({ q: undefined })}>
                  Clear the search
                </button>
              </Empty>
            ) : (
              <Empty
                title={
                  which === 'live' ? 'No framework is connected' : 'No framework has ended yet'
                }
              >
                {which === 'live' && (
                  <>
                    Try the example: <code>./dev demo</code>
                  </>
                )}
              </Empty>
            )
          }
        />
      )}
      <AsCommand command="bourse frameworks" />
    </div>
  )
}

// Share of each role that has frameworks, beside what its weight entitles it to.
function Roles() {
  const cluster = useCluster()
  const totals = cluster.totals()
  const active = cluster.roles.filter((role) => (role.frameworks?.length ?? 0) > 0)
  if (active.length < 2) return null
  const used = active.map((role) => role.name)
  const tree = fairTree(used, (role) => cluster.weight(role)).of
  return (
    <Card title="Roles" class="roles" aside={<a href={href('roles')}>All roles</a>}>
      <ul class="shares columns">
        {active.slice(0, 12).map((role) => {
          const amounts = sum(role.resources)
          const part = Math.max(
            0,
            ...Object.keys(totals).map((n) => (totals[n] ? (amounts[n] ?? 0) / totals[n] : 0)),
          )
          const fair = tree.get(role.name) ?? 0
          const text = `${percent(part)} of the cluster, fair share ${percent(fair)}`
          const label = `${role.name}: ${text}`
          return (
            <li key={role.name}>
              <span class="name">
                <a href={href('roles', [role.name])}>{role.name}</a>{' '}
                <em class="muted">weight {role.weight ?? 1}</em>
              </span>
              <span class="n">
                {percent(part)} <em>fair {percent(fair)}</em>
              </span>
              <Meter thin used={part} mark={fair} label={label} />
            </li>
          )
        })}
      </ul>
    </Card>
  )
}
