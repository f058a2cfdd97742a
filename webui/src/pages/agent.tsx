// One agent: its resources, what it is, and the tasks on it.

import { amount, dateTime, percent, usageText } from '../lib/format'
import { amountOf, orderedNames, portText, sum } from '../lib/resources'
import { href } from '../lib/route'
import { agentState, isTerminal } from '../lib/states'
import { useCluster, useFollower, useWindow } from '../state/hooks'
import { TaskWindow } from '../state/tasks'
import type { Agent, Attribute } from '../api/types'
import { AsCommand, Card, Empty, Facts, Meter, PageHead, Pill, Skeleton } from '../ui/bits'
import { GoingAway } from './maintenance'
import { TaskTable } from './tasktable'
import { zoneText } from './agents'

export function attributeText(attribute: Attribute): string {
  if (attribute.text) return attribute.text.value
  if (attribute.scalar) return String(attribute.scalar.value)
  if (attribute.ranges) return portText(attribute.ranges.range)
  return (attribute.set?.item ?? []).join(', ')
}

export function ResourceBars(props: {
  total: Record<string, number>
  used: Record<string, number>
  offered: Record<string, number>
}) {
  return (
    <ul class="resource-bars">
      {orderedNames(props.total).map((name) => {
        const total = props.total[name] ?? 0
        const used = props.used[name] ?? 0
        const offered = props.offered[name] ?? 0
        const text = usageText(name, used, offered, total)
        return (
          <li key={name}>
            <span class="name">{name}</span>
            <Meter
              used={total ? used / total : 0}
              offered={total ? offered / total : 0}
              label={`${name}: ${text}`}
            />
            <span class="n">
              <b>{amount(name, used)}</b> of {amount(name, total)}
            </span>
            <span class="muted">
              {offered > 0 ? `${amount(name, offered)} offered` : percent(total ? used / total : 0)}
            </span>
          </li>
        )
      })}
    </ul>
  )
}

export function AgentPage({ id }: { id: string }) {
  const cluster = useCluster()
  const agent = cluster.agents.get(id)
  const tasks = useFollower(() => new TaskWindow({ agent: id }), id)
  useWindow('agents', agent ? [id] : [])
  if (!agent) {
    return cluster.loaded ? (
      <Empty title="No such agent in the cluster" tone="bad">
        {id} is not registered. It may have been removed. <a href={href('agents')}>All agents</a>
      </Empty>
    ) : (
      <Card>
        <Skeleton lines={6} />
      </Card>
    )
  }
  const state = agentState(agent)
  return (
    <>
      <PageHead
        title={cluster.agentName(id)}
        sub={
          <>
            <a href={href('agents')}>Agents</a> / <span class="id">{id}</span>
          </>
        }
      >
        <Pill tone={state.tone}>{state.label}</Pill>
      </PageHead>
      <GoingAway id={id} agent={agent} />
      <div class="grid two lead">
        <Card title="Resources" aside={<Legend />}>
          <ResourceBars
            total={sum(agent.total_resources)}
            used={sum(agent.allocated_resources)}
            offered={sum(agent.offered_resources)}
          />
          <Reserved agent={agent} />
          <Packing agent={agent} tasks={tasks} />
        </Card>
        <Card title="Machine">
          <AgentFacts agent={agent} />
        </Card>
      </div>
      <Card title="Tasks on this agent" class="flush">
        <TaskTable
          window={tasks}
          hide={['agent']}
          fit
          empty={
            <Empty title="No task has run here">Tasks appear as frameworks launch them.</Empty>
          }
        />
      </Card>
      <AsCommand command={`bourse tasks --agent ${id}`} />
    </>
  )
}

export function Legend() {
  return (
    <span class="legend inline">
      <span>
        <i class="swatch c-used" />
        Used
      </span>
      <span>
        <i class="swatch c-offered" />
        Offered
      </span>
      <span>
        <i class="swatch c-free" />
        Free
      </span>
    </span>
  )
}

function AgentFacts({ agent }: { agent: Agent }) {
  const ports = (agent.total_resources ?? []).filter((r) => r.name === 'ports')
  const time = agent.registered_time?.nanoseconds
  const again = agent.reregistered_time?.nanoseconds
  return (
    <Facts
      facts={[
        ['Address', `${agent.agent_info.hostname}:${agent.agent_info.port ?? ''}`],
        zoneText(agent) !== '' && ['Region / zone', zoneText(agent)],
        ['Version', agent.version ?? '\u2013'],
        !!time && ['Registered', dateTime(time / 1e9)],
        !!again && ['Registered again', dateTime(again / 1e9)],
        ports.length > 0 && ['Ports', ports.map((p) => portText(p.ranges?.range)).join(', ')],
        ...(agent.agent_info.attributes ?? []).map(
          (a) => [a.name, attributeText(a)] as [string, string],
        ),
      ]}
    />
  )
}

// The tasks as they share the machine's cpus, widest first; a shade per framework.
function Packing({ agent, tasks }: { agent: Agent; tasks: TaskWindow }) {
  const total = sum(agent.total_resources).cpus ?? 0
  const live = tasks.rows.filter((row) => !isTerminal(row.state) && row.cpus > 0)
  if (total <= 0 || live.length === 0) return null
  const thin = (row: { cpus: number }) => row.cpus / total < 0.06
  const frameworks = [...new Set(live.map((row) => row.framework))]
  const sorted = [...live].sort((a, b) => b.cpus - a.cpus).slice(0, 200)
  return (
    <>
      <h2>Tasks on its cpus</h2>
      <div class="packing">
        {sorted.map((row) => (
          <a
            key={row.key}
            href={href('tasks', [row.framework, row.id])}
            style={{ width: `${(row.cpus / total) * 100}%` }}
            class={`shade-${frameworks.indexOf(row.framework) % 3} ${thin(row) ? 'thin' : ''}`}
            title={`${row.name}: ${amount('cpus', row.cpus)} cpus, ${amount('mem', row.mem)} mem`}
          >
            {thin(row) ? '' : row.name}
          </a>
        ))}
      </div>
    </>
  )
}

function Reserved({ agent }: { agent: Agent }) {
  const reserved = (agent.total_resources ?? []).filter(
    (r) => (r.role && r.role !== '*') || r.reservations?.length,
  )
  if (reserved.length === 0) return null
  return (
    <p class="muted note">
      Reserved:{' '}
      {reserved
        .map((r) => {
          const role = r.reservations?.[r.reservations.length - 1]?.role ?? r.role
          return `${amount(r.name, amountOf(r))} ${r.name} for ${role}`
        })
        .join(', ')}
    </p>
  )
}
