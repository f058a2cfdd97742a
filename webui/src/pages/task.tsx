// One task: where it is in its life, why it ended as it did, what it holds, and its files.

import type { ComponentChildren } from 'preact'
import type { Task, TaskStatus } from '../api/types'
import { amount, clock, dateTime, duration } from '../lib/format'
import { orderedNames, portText, sum } from '../lib/resources'
import { href } from '../lib/route'
import { explainReason, isTerminal, reasonLabel, stateLabel, tone } from '../lib/states'
import { sandboxPath } from '../api/files'
import { useCluster, useFollower, useNow } from '../state/hooks'
import { TaskFollower } from '../state/task'
import { AsCommand, Card, Empty, Facts, PageHead, Skeleton, TaskPill } from '../ui/bits'
import { Sandbox } from './sandbox'

export function TaskPage({
  framework,
  id,
  query,
}: {
  framework: string
  id: string
  query: URLSearchParams
}) {
  const cluster = useCluster()
  const follower = useFollower(() => new TaskFollower(framework, id), `${framework}\n${id}`)
  const task = follower.task
  const owner = cluster.frameworks.get(framework) ?? cluster.completed.get(framework)
  const crumbs = (
    <>
      <a href={href('tasks')}>Tasks</a> /{' '}
      <a href={href('frameworks', [framework])}>{owner?.framework_info.name ?? framework}</a> /{' '}
      <span class="id">{id}</span>
    </>
  )
  if (!task) {
    return (
      <>
        <PageHead title={id} sub={crumbs} />
        {follower.error ? (
          <Empty title="The task cannot be read" tone="bad">
            {follower.error}{' '}
            <button type="button" onClick={() => void follower.load()}>
              Try again
            </button>
          </Empty>
        ) : follower.missing ? (
          <Empty title="The master does not know this task" tone="bad">
            It may have ended so long ago that it was forgotten, or was never launched.
          </Empty>
        ) : (
          <Card>
            <Skeleton lines={6} />
          </Card>
        )}
      </>
    )
  }
  const statuses = task.statuses ?? []
  return (
    <>
      <PageHead title={task.name || id} sub={crumbs}>
        <TaskPill state={task.state} />
      </PageHead>
      <Why task={task} />
      <div class="grid two lead">
        <Card title="Timeline">
          <Timeline task={task} />
          <History statuses={statuses} />
        </Card>
        <Card title="About">
          <TaskFacts task={task} />
        </Card>
      </div>
      <Card title="Sandbox" class="flush">
        <Sandbox base={sandboxOf(task)} file={query.get('file') ?? 'stdout'} />
      </Card>
      <AsCommand command={`bourse logs -f ${id} --framework ${framework}`} />
    </>
  )
}

function sandboxOf(task: Task): string {
  const statuses = task.statuses ?? []
  const executor =
    task.executor_id?.value ||
    statuses.map((s) => s.executor_id?.value).find(Boolean) ||
    task.task_id.value
  const container =
    statuses
      .map((s) => s.container_status?.container_id?.value)
      .filter(Boolean)
      .pop() ?? 'latest'
  return sandboxPath(task.agent_id.value, task.framework_id.value, executor, container)
}

// Every bad end says why and what to do.
function Why({ task }: { task: Task }) {
  const last = task.statuses?.[task.statuses.length - 1]
  const kind = tone(task.state)
  if (!last || (kind !== 'bad' && kind !== 'lost' && !(kind === 'stop' && last.reason))) return null
  return (
    <div class={`why tone-${kind}`} role="note">
      <strong>{last.reason ? reasonLabel(last.reason) : stateLabel(task.state)}</strong>
      {explainReason(last.reason) && <p>{explainReason(last.reason)}</p>}
      {last.message && <p class="message">{last.message}</p>}
    </div>
  )
}

interface Phase {
  state: string
  from: number
  to: number
}

export function phases(statuses: TaskStatus[], now: number): Phase[] {
  const list: Phase[] = []
  for (const status of statuses) {
    if (status.timestamp === undefined) continue
    const last = list[list.length - 1]
    if (last && last.state === status.state) continue
    if (last) last.to = status.timestamp
    list.push({ state: status.state, from: status.timestamp, to: status.timestamp })
  }
  const last = list[list.length - 1]
  if (last && !isTerminal(last.state)) last.to = now
  return list
}

function Timeline({ task }: { task: Task }) {
  const now = useNow(1000)
  const list = phases(task.statuses ?? [], now)
  const first = list[0]
  const last = list[list.length - 1]
  if (!first || !last) {
    return <p class="muted">Sent to its agent; no status has come back yet.</p>
  }
  const whole = Math.max(1e-6, last.to - first.from)
  return (
    <div class="timeline">
      <div
        class="lane"
        role="img"
        aria-label={list
          .map((p) => `${stateLabel(p.state)} for ${duration(p.to - p.from)}`)
          .join(', ')}
      >
        {list.map((p, i) => {
          const end = i === list.length - 1 && isTerminal(p.state)
          const part = (p.to - p.from) / whole
          const look = end ? 'end' : part < 0.12 ? 'slim' : ''
          const title = end
            ? stateLabel(p.state)
            : `${stateLabel(p.state)} for ${duration(p.to - p.from)}`
          return (
            <span
              key={p.state + p.from}
              class={`phase f-${tone(p.state)} ${look}`}
              title={title}
              style={{ flexGrow: end ? 0 : Math.max(0.001, part) }}
            >
              <b>{stateLabel(p.state)}</b>
              {!end && <small>{duration(p.to - p.from)}</small>}
            </span>
          )
        })}
      </div>
      <div class="scale">
        <time>{dateTime(first.from)}</time>
        <time>{isTerminal(last.state) ? dateTime(last.from) : 'now'}</time>
      </div>
    </div>
  )
}

function History({ statuses }: { statuses: TaskStatus[] }) {
  return (
    <table class="plain">
      <thead>
        <tr>
          <th>Time</th>
          <th>State</th>
          <th>After</th>
          <th class="said-by">Said by</th>
          <th>What it said</th>
        </tr>
      </thead>
      <tbody>
        {statuses
          .map((s, i) => ({ s, before: statuses[i - 1]?.timestamp }))
          .reverse()
          .slice(0, 50)
          .map(({ s, before }, i) => (
            <tr key={i}>
              <td>
                <time>{s.timestamp ? clock(s.timestamp) : '\u2013'}</time>
              </td>
              <td>
                <TaskPill state={s.state} />
              </td>
              <td class="muted">{before && s.timestamp ? duration(s.timestamp - before) : ''}</td>
              <td class="muted said-by">{(s.source ?? '').replace('SOURCE_', '').toLowerCase()}</td>
              <td>{said(s)}</td>
            </tr>
          ))}
      </tbody>
    </table>
  )
}

function said(status: TaskStatus): ComponentChildren {
  const parts: string[] = []
  if (status.reason) parts.push(reasonLabel(status.reason))
  if (status.healthy !== undefined) parts.push(status.healthy ? 'healthy' : 'unhealthy')
  if (status.message) parts.push(status.message)
  return parts.join(' \u00b7 ') || <span class="muted">{'\u2013'}</span>
}

function TaskFacts({ task }: { task: Task }) {
  const cluster = useCluster()
  const amounts = sum(task.resources)
  const ports = (task.resources ?? []).filter((r) => r.name === 'ports')
  const container = (task.statuses ?? [])
    .map((s) => s.container_status)
    .filter(Boolean)
    .pop()
  const addresses = container?.network_infos
    ?.flatMap((n) => n.ip_addresses ?? [])
    .map((a) => a.ip_address)
  const labels = task.labels?.labels ?? []
  const named = task.discovery?.ports?.ports ?? []
  return (
    <Facts
      facts={[
        [
          'Agent',
          <a href={href('agents', [task.agent_id.value])}>
            {cluster.agentName(task.agent_id.value)}
          </a>,
        ],
        [
          'Resources',
          orderedNames(amounts)
            .filter((n) => n !== 'ports')
            .map((n) => `${amount(n, amounts[n] ?? 0)} ${n}`)
            .join(', ') || '\u2013',
        ],
        ports.length > 0 && ['Ports', ports.map((p) => portText(p.ranges?.range)).join(', ')],
        named.length > 0 && [
          'Named ports',
          named.map((p) => `${p.name ?? '?'} ${p.number}/${p.protocol ?? 'tcp'}`).join(', '),
        ],
        !!task.executor_id?.value && ['Executor', task.executor_id.value],
        !!container?.container_id?.value && [
          'Container',
          <span class="id">{container.container_id.value}</span>,
        ],
        !!container?.executor_pid && ['Process id', String(container.executor_pid)],
        !!addresses?.length && ['Address', addresses.join(', ')],
        !!task.user && ['User', task.user],
        !!task.health_check && ['Health check', (task.health_check.type ?? 'set').toLowerCase()],
        labels.length > 0 && [
          'Labels',
          labels.map((l) => (l.value ? `${l.key}=${l.value}` : l.key)).join(', '),
        ],
      ]}
    />
  )
}
