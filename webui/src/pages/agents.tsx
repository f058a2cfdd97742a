// All agents, as a table or as a grid of loads.

import { useMemo, useState } from 'preact/hooks'
import type { Agent } from '../api/types'
import { ago, amount, count, percent, usageText } from '../lib/format'
import { sum } from '../lib/resources'
import { replaceQuery } from '../lib/route'
import { href } from '../lib/route'
import { agentState } from '../lib/states'
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
import { AgentGrid } from './agentgrid'
import { Maintenance } from './maintenance'

const ms = (agent: Agent) => (agent.reregistered_time ?? agent.registered_time)?.nanoseconds ?? 0

function fraction(agent: Agent, name: string): number {
  const total = sum(agent.total_resources)[name] ?? 0
  return total > 0 ? (sum(agent.allocated_resources)[name] ?? 0) / total : 0
}

function ResourceCell({ agent, name }: { agent: Agent; name: string }) {
  const total = sum(agent.total_resources)[name] ?? 0
  if (total === 0) return <span class="muted">{'\u2013'}</span>
  const used = sum(agent.allocated_resources)[name] ?? 0
  const offered = sum(agent.offered_resources)[name] ?? 0
  const label = `${name}: ${usageText(name, used, offered, total)}`
  return (
    <span class="res">
      <Meter thin used={used / total} offered={offered / total} label={label} />
      <small>
        {percent(used / total)} of {amount(name, total)}
      </small>
    </span>
  )
}

export function zoneText(agent: Agent): string {
  const fault = agent.agent_info.domain?.fault_domain
  return [fault?.region?.name, fault?.zone?.name].filter(Boolean).join(' / ')
}

function columns(now: number, nameOf: (agent: Agent) => string): Column<Agent>[] {
  return [
    {
      key: 'host',
      title: 'Agent',
      width: 'minmax(180px, 2fr)',
      sort: nameOf,
      render: (a) => (
        <>
          <b>{nameOf(a)}</b>
          <IdTail id={a.agent_info.id.value} />
        </>
      ),
    },
    {
      key: 'state',
      title: 'State',
      width: '120px',
      sort: (a) => agentState(a).label,
      render: (a) => <Pill tone={agentState(a).tone}>{agentState(a).label}</Pill>,
    },
    {
      key: 'cpus',
      title: 'CPU',
      width: 'minmax(120px, 1fr)',
      sort: (a) => fraction(a, 'cpus'),
      render: (a) => <ResourceCell agent={a} name="cpus" />,
    },
    {
      key: 'mem',
      title: 'Memory',
      width: 'minmax(120px, 1fr)',
      sort: (a) => fraction(a, 'mem'),
      render: (a) => <ResourceCell agent={a} name="mem" />,
    },
    {
      key: 'disk',
      title: 'Disk',
      width: 'minmax(120px, 1fr)',
      sort: (a) => fraction(a, 'disk'),
      narrow: false,
      render: (a) => <ResourceCell agent={a} name="disk" />,
    },
    {
      key: 'gpus',
      title: 'GPU',
      width: '110px',
      sort: (a) => fraction(a, 'gpus'),
      narrow: false,
      render: (a) => <ResourceCell agent={a} name="gpus" />,
    },
    {
      key: 'zone',
      title: 'Region / zone',
      width: '130px',
      sort: zoneText,
      narrow: false,
      render: (a) => <span class="muted">{zoneText(a) || '\u2013'}</span>,
    },
    {
      key: 'since',
      title: 'Registered',
      width: '110px',
      sort: (a) => -ms(a),
      narrow: false,
      align: 'right',
      render: (a) => <span class="muted">{ms(a) ? ago(ms(a) / 1e9, now) : '\u2013'}</span>,
    },
  ]
}

export function AgentsPage({ query }: { query: URLSearchParams }) {
  const cluster = useCluster()
  const now = useNow(10_000)
  const [visible, setVisible] = useState<string[]>([])
  const search = query.get('q') ?? ''
  const view = query.get('view') === 'grid' ? 'grid' : 'table'
  const sort = { key: query.get('sort') ?? 'host', down: query.get('down') === '1' }
  const all = [...cluster.agents.values()]
  const nameOf = (a: Agent) => cluster.agentName(a.agent_info.id.value)
  const list = useMemo(() => columns(now, nameOf), [now])
  const wanted = search.toLowerCase()
  const text = (a: Agent) =>
    `${nameOf(a)} ${a.agent_info.id.value} ${zoneText(a)}`.toLowerCase()
  const found = wanted ? all.filter((a) => text(a).includes(wanted)) : all
  const rows = sortRows(found, list, sort)
  useWindow(
    'agents',
    view === 'grid' ? rows.slice(0, 400).map((a) => a.agent_info.id.value) : visible,
  )
  const onSort = (key: string) =>
    replaceQuery({ sort: key, down: sort.key === key && !sort.down ? '1' : undefined })
  const none = <NoAgents searched={search !== ''} />
  return (
    <div class="page-fill">
      <PageHead
        title="Agents"
        sub={cluster.loaded ? `${count(found.length)} of ${count(all.length)}` : 'Loading\u2026'}
      >
        <Search
          value={search}
          placeholder="Host, id or zone"
          onInput={(q) => replaceQuery({ q })}
        />
        <Choice
          label="View"
          value={view}
          onChange={(v) => replaceQuery({ view: v === 'grid' ? v : undefined })}
          options={[
            { key: 'table', label: 'Table' },
            { key: 'grid', label: 'Grid' },
          ]}
        />
      </PageHead>
      <Maintenance />
      {!cluster.loaded ? (
        <Card>
          <Skeleton lines={8} />
        </Card>
      ) : view === 'grid' && rows.length > 0 ? (
        <Card>
          <AgentGrid large agents={rows.slice(0, 2000)} more={rows.length - 2000} />
        </Card>
      ) : (
        <VirtualTable
          label="Agents"
          columns={list}
          rows={rows}
          rowKey={(a) => a.agent_info.id.value}
          href={(a) => href('agents', [a.agent_info.id.value])}
          sort={sort}
          onSort={onSort}
          onVisible={(seen) => {
            const ids = seen.map((a) => a.agent_info.id.value)
            if (ids.join() !== visible.join()) setVisible(ids)
          }}
          empty={none}
        />
      )}
      <AsCommand command="bourse agents" />
    </div>
  )
}

function NoAgents({ searched }: { searched: boolean }) {
  return searched ? (
    <Empty title="No agent matches">
      <button type="button" onClick={() => replaceQuery({ q: undefined })}>
        Clear the search
      </button>
    </Empty>
  ) : (
    <Empty title="No agent has joined yet">
      Start one on each machine: <code>bourse-agent --master=HOST:PORT</code>
    </Empty>
  )
}
