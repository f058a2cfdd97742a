// Roles: what each holds beside its fair share, its quota, what of that is left, who is in it.

import { useEffect, useMemo } from 'preact/hooks'
import type { Role } from '../api/types'
import { amount, count, percent, trim } from '../lib/format'
import { parentOf, quotaRows, quotaState, type QuotaRow, type QuotaState } from '../lib/quota'
import { dominantShare, sum, type Share } from '../lib/resources'
import { fairTree } from '../lib/roletree'
import { href, replaceQuery } from '../lib/route'
import type { Tone } from '../lib/states'
import type { Cluster } from '../state/cluster'
import { useCluster, useWindow } from '../state/hooks'
import {
  AsCommand,
  Card,
  Empty,
  Facts,
  Meter,
  PageHead,
  Pill,
  Search,
  Skeleton,
} from '../ui/bits'
import { sortRows, VirtualTable, type Column } from '../ui/table'
import { shareLabel, shareOf } from './shares'

const REFRESH_MS = 2000

const QUOTA: Record<QuotaState, { label: string; tone: Tone } | undefined> = {
  full: { label: 'At its limit', tone: 'bad' },
  owed: { label: 'Below its guarantee', tone: 'wait' },
  within: { label: 'Within its quota', tone: 'run' },
  none: undefined,
}

function useRoles(): Cluster {
  const cluster = useCluster()
  useEffect(() => {
    void cluster.refreshRoles()
    const timer = setInterval(() => void cluster.refreshRoles(), REFRESH_MS)
    return () => clearInterval(timer)
  }, [cluster])
  return cluster
}

// What a role holds; of one with a quota the master says it as the quota counts it.
function consumedBy(cluster: Cluster, name: string) {
  const role = cluster.roles.find((r) => r.name === name)
  return cluster.consumed.get(name) ?? sum(role?.resources)
}

// Of every role that a framework is in, or in a role below it.
function fairOf(cluster: Cluster): Map<string, number> {
  const used = cluster.roles.filter((role) => role.frameworks?.length).map((role) => role.name)
  return fairTree(used, (role) => cluster.weight(role)).of
}

const rowsOf = (cluster: Cluster, name: string): QuotaRow[] =>
  quotaRows(name, cluster.quotas, (role) => consumedBy(cluster, role))

interface Row {
  role: Role
  share: Share
  fair?: number
  quota: QuotaRow[]
}

function QuotaPill({ rows }: { rows: QuotaRow[] }) {
  const state = QUOTA[quotaState(rows)]
  return state ? <Pill tone={state.tone}>{state.label}</Pill> : <span class="muted">No quota</span>
}

function left(name: string, title: string): Column<Row> {
  const of = (r: Row) => r.quota.find((q) => q.resource === name)
  return {
    key: name,
    title,
    width: '150px',
    align: 'right',
    narrow: false,
    sort: (r) => of(r)?.headroom ?? Infinity,
    render: (r) => {
      const row = of(r)
      if (row?.headroom === undefined) return <span class="muted">no limit</span>
      return (
        <span>
          {amount(name, row.headroom)}{' '}
          <small class="muted">
            {row.boundBy ? `by ${row.boundBy}` : `of ${amount(name, row.limit ?? 0)}`}
          </small>
        </span>
      )
    },
  }
}

const COLUMNS: Column<Row>[] = [
  {
    key: 'name',
    title: 'Role',
    width: 'minmax(160px, 1.4fr)',
    sort: (r) => r.role.name,
    render: (r) => <b>{r.role.name}</b>,
  },
  {
    key: 'quota',
    title: 'Quota',
    width: '170px',
    sort: (r) => ['full', 'owed', 'within', 'none'].indexOf(quotaState(r.quota)),
    render: (r) => <QuotaPill rows={r.quota} />,
  },
  {
    key: 'share',
    title: 'Dominant share',
    width: 'minmax(190px, 1.4fr)',
    sort: (r) => r.share.used,
    render: (r) => (
      <span class="res">
        <Meter thin used={r.share.used} mark={r.fair} label={shareLabel(r.share, r.fair)} />
        <small>
          {percent(r.share.used)} {r.share.resource && `of ${r.share.resource}`}
        </small>
      </span>
    ),
  },
  {
    key: 'weight',
    title: 'Weight',
    width: '80px',
    align: 'right',
    narrow: false,
    sort: (r) => r.role.weight ?? 1,
    render: (r) => trim(r.role.weight ?? 1, 3),
  },
  {
    key: 'frameworks',
    title: 'Frameworks',
    width: '100px',
    align: 'right',
    narrow: false,
    sort: (r) => r.role.frameworks?.length ?? 0,
    render: (r) => count(r.role.frameworks?.length ?? 0),
  },
  left('cpus', 'CPU left'),
  left('mem', 'Memory left'),
]

export function RolesPage({ query }: { query: URLSearchParams }) {
  const cluster = useRoles()
  const search = query.get('q') ?? ''
  const sort = { key: query.get('sort') ?? 'name', down: query.get('down') === '1' }
  const rows = useMemo(() => {
    const fair = fairOf(cluster)
    const totals = cluster.totals()
    const all = cluster.roles.map((role) => ({
      role,
      share: dominantShare(sum(role.resources), {}, totals),
      fair: fair.get(role.name),
      quota: rowsOf(cluster, role.name),
    }))
    const wanted = search.toLowerCase()
    const found = all.filter((row) => row.role.name.toLowerCase().includes(wanted))
    return sortRows(found, COLUMNS, sort)
  }, [cluster.roles, cluster.freshAt, search, sort.key, sort.down])
  const onSort = (key: string) =>
    replaceQuery({ sort: key, down: sort.key === key && !sort.down ? '1' : undefined })
  return (
    <div class="page-fill">
      <PageHead
        title="Roles"
        sub={cluster.rolesLoaded ? `${count(rows.length)} shown` : 'Loading\u2026'}
      >
        <Search value={search} placeholder="Role" onInput={(q) => replaceQuery({ q })} />
      </PageHead>
      {!cluster.rolesLoaded ? (
        <Card>
          <Skeleton lines={6} />
        </Card>
      ) : (
        <VirtualTable
          label="Roles"
          columns={COLUMNS}
          rows={rows}
          rowKey={(r) => r.role.name}
          href={(r) => href('roles', [r.role.name])}
          sort={sort}
          onSort={onSort}
          empty={<NoRoles searched={search !== ''} />}
        />
      )}
      <AsCommand command="bourse quota list" />
    </div>
  )
}

function NoRoles({ searched }: { searched: boolean }) {
  return searched ? (
    <Empty title="No role matches">
      <button type="button" onClick={() => replaceQuery({ q: undefined })}>
        Clear the search
      </button>
    </Empty>
  ) : (
    <Empty title="No role is in use">
      A role appears with the first framework, weight, quota or reservation that names it.
    </Empty>
  )
}

export function RolePage({ name }: { name: string }) {
  const cluster = useRoles()
  const role = cluster.roles.find((r) => r.name === name)
  if (!role) {
    return cluster.rolesLoaded ? (
      <Empty title="No such role" tone="bad">
        No framework, weight, quota or reservation names {name}.{' '}
        <a href={href('roles')}>All roles</a>
      </Empty>
    ) : (
      <Card>
        <Skeleton lines={6} />
      </Card>
    )
  }
  const rows = rowsOf(cluster, name)
  const share = dominantShare(sum(role.resources), {}, cluster.totals())
  const fair = fairOf(cluster).get(name)
  const above = parentOf(name)
  const below = cluster.roles.filter((r) => parentOf(r.name) === name)
  return (
    <>
      <PageHead
        title={name}
        sub={
          <>
            <a href={href('roles')}>Roles</a> / <span class="id">{name}</span>
          </>
        }
      >
        <QuotaPill rows={rows} />
      </PageHead>
      <div class="grid two lead">
        <Card title="Quota" class="quota">
          <QuotaTable name={name} rows={rows} />
        </Card>
        <Card title="Share of the cluster">
          <p class="big">
            {percent(share.used)}{' '}
            <small>{share.resource ? `of ${share.resource}, with all roles below it` : ''}</small>
          </p>
          <Meter used={share.used} mark={fair} label={shareLabel(share, fair)} />
          <p class="muted note">
            {fair === undefined
              ? 'No framework is in it.'
              : `The tick is its fair share by weight: ${percent(fair)}.`}
          </p>
          <Facts
            facts={[
              ['Weight', trim(role.weight ?? 1, 3)],
              above !== undefined && ['Above it', <a href={href('roles', [above])}>{above}</a>],
              below.length > 0 && [
                'Below it',
                below.map((r) => (
                  <>
                    <a href={href('roles', [r.name])}>{r.name}</a>{' '}
                  </>
                )),
              ],
            ]}
          />
        </Card>
      </div>
      <Members role={role} />
      <AsCommand command={`bourse quota get ${name}`} />
    </>
  )
}

function QuotaTable({ name, rows }: { name: string; rows: QuotaRow[] }) {
  if (rows.length === 0) {
    return (
      <Empty title="No quota">
        It may take whatever its share gives it. To set one:{' '}
        <code>bourse quota set {name} --guarantee=cpus=1 --limit=cpus=4,mem=1024</code>
      </Empty>
    )
  }
  const text = (row: QuotaRow, value: number | undefined) =>
    value === undefined ? <span class="muted">{'\u2013'}</span> : amount(row.resource, value)
  return (
    <table class="plain numbers" aria-label="Quota">
      <thead>
        <tr>
          <th>Resource</th>
          <th>Guaranteed</th>
          <th>Consumed</th>
          <th>Limit</th>
          <th>Headroom</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.resource}>
            <td>{row.resource}</td>
            <td>
              {text(row, row.guaranteed)}
              {row.consumed < (row.guaranteed ?? 0) && (
                <small>{amount(row.resource, (row.guaranteed ?? 0) - row.consumed)} owed</small>
              )}
            </td>
            <td>{text(row, row.consumed)}</td>
            <td>{text(row, row.limit)}</td>
            <td>
              {text(row, row.headroom)}
              {row.boundBy && (
                <small>
                  limit of <a href={href('roles', [row.boundBy])}>{row.boundBy}</a>
                </small>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Members({ role }: { role: Role }) {
  const cluster = useCluster()
  const totals = cluster.totals()
  const ids = (role.frameworks ?? []).map((id) => id.value).slice(0, 200)
  useWindow('frameworks', ids)
  const found = ids.flatMap((id) => {
    const framework = cluster.frameworks.get(id)
    return framework ? [{ id, framework, share: shareOf(framework, totals) }] : []
  })
  found.sort((a, b) => b.share.used - a.share.used || (a.id < b.id ? -1 : 1))
  return (
    <Card title={`Frameworks in it (${count(role.frameworks?.length ?? 0)})`}>
      {found.length === 0 ? (
        <Empty title="No framework is in it">It may be in a role below.</Empty>
      ) : (
        <ul class="shares columns">
          {found.map(({ id, framework, share }) => (
            <li key={id}>
              <a href={href('frameworks', [id])}>
                <span class="name">{framework.framework_info.name}</span>
                <span class="n">
                  {percent(share.used)} <em>{share.resource}</em>
                </span>
                <Meter thin used={share.used} offered={share.offered} label={shareLabel(share)} />
              </a>
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}
