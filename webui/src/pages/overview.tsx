// The cluster at a glance: what there is, what is used and offered, how it has been moving, and
// what went wrong lately.

import { amount, compact, count, duration, percent, rate } from '../lib/format'
import { href } from '../lib/route'
import { STATES } from '../lib/states'
import type { Cluster, Gauge } from '../state/cluster'
import { useCluster, useNow, useWindow } from '../state/hooks'
import { AsCommand, Card, Empty, Meter, PageHead, Skeleton } from '../ui/bits'
import { TimeChart } from '../ui/chart'
import { AgentGrid } from './agentgrid'
import { Failures, Feed } from './lately'
import { ShareList } from './shares'

const TILED_AGENTS = 6
const NAMES: Record<string, string> = { cpus: 'CPU', mem: 'Memory', disk: 'Disk', gpus: 'GPU' }

export function Overview() {
  const cluster = useCluster()
  const m = cluster.metrics
  if (!m && !cluster.loaded) {
    return (
      <>
        <PageHead title="Overview" />
        {cluster.metricsError ? (
          <Empty title="No answer from the master yet" tone="bad">
            {cluster.metricsError}
          </Empty>
        ) : (
          <div class="gauges">
            {['cpus', 'mem', 'disk'].map((name) => (
              <Card key={name} title={NAMES[name]}>
                <Skeleton />
              </Card>
            ))}
          </div>
        )}
      </>
    )
  }
  return (
    <>
      <PageHead title="Overview">
        <Headline />
      </PageHead>
      <div class="gauges">
        {gaugesOf(cluster).map((name) => (
          <GaugeCard key={name} name={name} gauge={cluster.gauge(name)} />
        ))}
      </div>
      <div class="grid two">
        <TasksChart />
        <OffersChart />
      </div>
      <div class="grid three">
        <TasksByState />
        <AgentsCard />
        <Card title="Frameworks by share" aside={<a href={href('frameworks')}>All</a>}>
          <ShareList limit={7} />
        </Card>
      </div>
      <div class="grid two">
        <Failures />
        <Feed />
      </div>
      <AsCommand command="bourse state" />
    </>
  )
}

// A cluster without GPUs has no gauge for them.
function gaugesOf(cluster: Cluster): string[] {
  return Object.keys(NAMES).filter((name) => name !== 'gpus' || cluster.gauge(name)?.total)
}

function Headline() {
  const cluster = useCluster()
  const now = useNow()
  const m = cluster.metrics ?? {}
  const since = cluster.electedTime ?? cluster.startTime
  const figures: [string, string][] = [
    ['Agents', count(m['master/slaves_active'] ?? cluster.agents.size)],
    ['Frameworks', count(m['master/frameworks_active'] ?? cluster.frameworks.size)],
    ['Running tasks', count(m['master/tasks_running'] ?? 0)],
    ['Open offers', count(m['master/outstanding_offers'] ?? 0)],
    ['Leading for', since ? duration(now - since) : duration(m['master/uptime_secs'] ?? NaN)],
  ]
  return (
    <dl class="headline">
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function GaugeCard({ name, gauge }: { name: string; gauge?: Gauge }) {
  const { history, agents } = useCluster()
  const empty = agents.size === 0
  const title = NAMES[name] as string
  if (!gauge || gauge.total === 0) {
    return (
      <Card title={title} class="gauge none">
        <p class="big">{'\u2013'}</p>
        <p class="muted">
          {!gauge || empty ? 'No agent has joined yet.' : `No ${title} in this cluster.`}
        </p>
      </Card>
    )
  }
  const { total, used, offered } = gauge
  const text = (value: number) => amount(name, value)
  const label = `${title}: ${text(used)} used, ${text(offered)} offered, of ${text(total)}`
  const free = Math.max(0, total - used - offered)
  return (
    <Card title={title} aside={<span class="muted">{text(total)}</span>} class="gauge">
      <p class="big">
        {percent(used / total)} <small>used</small>
      </p>
      <Meter used={used / total} offered={offered / total} label={label} />
      <ul class="legend">
        <li>
          <i class="swatch c-used" />
          Used <b>{text(used)}</b>
        </li>
        <li>
          <i class="swatch c-offered" />
          Offered <b>{text(offered)}</b>
        </li>
        <li>
          <i class="swatch c-free" />
          Free <b>{text(free)}</b>
        </li>
      </ul>
      <TimeChart
        label={`${title} over time`}
        times={history.times}
        height={56}
        max={total}
        stacked
        legend={false}
        format={text}
        series={[
          { label: 'Used', color: 'used', values: history.get(`${name}/used`), area: true },
          {
            label: 'Used and offered',
            color: 'offered',
            values: history.get(`${name}/offered`),
            area: true,
          },
        ]}
      />
    </Card>
  )
}

function TasksChart() {
  const { history } = useCluster()
  return (
    <Card title="Tasks">
      <TimeChart
        label="Tasks over time"
        times={history.times}
        height={150}
        axes
        whole
        format={compact}
        series={[
          { label: 'Running', color: 'run', values: history.get('tasks/running'), area: true },
          { label: 'Staging', color: 'wait', values: history.get('tasks/waiting') },
        ]}
      />
    </Card>
  )
}

function OffersChart() {
  const { history } = useCluster()
  return (
    <Card title="Turnover">
      <TimeChart
        label="Tasks ending and offers over time"
        times={history.times}
        height={150}
        axes
        format={(value) => compact(value)}
        series={[
          {
            label: 'Finished per s',
            color: 'done',
            values: history.rate('tasks/finished'),
            area: true,
          },
          { label: 'Failed per s', color: 'bad', values: history.rate('tasks/failed') },
          { label: 'Open offers', color: 'offered', values: history.get('offers'), dashed: true },
        ]}
      />
    </Card>
  )
}

function TasksByState() {
  const cluster = useCluster()
  const m = cluster.metrics ?? {}
  const rows = Object.entries(STATES)
    .filter(([, s]) => s.metric)
    .map(([state, s]) => ({ state, ...s, n: m[`master/tasks_${s.metric}`] ?? 0 }))
  const finishRate = cluster.history.rate('tasks/finished').slice(-1)[0]
  const shown = rows.filter(
    (r) =>
      r.n > 0 || ['TASK_STAGING', 'TASK_RUNNING', 'TASK_FINISHED', 'TASK_FAILED'].includes(r.state),
  )
  const most = Math.max(1, ...shown.map((r) => r.n))
  return (
    <Card
      title="Tasks by state"
      aside={<span class="muted">{finishRate ? `${rate(finishRate)} finishing` : ''}</span>}
    >
      <ul class="bars">
        {shown.map((r) => (
          <li key={r.state}>
            <a href={href('tasks', [], { state: r.state })}>
              <span class={`name tone-${r.tone}`}>
                <i class="dot" />
                {r.label}
              </span>
              <span class="track">
                <span class={`fill f-${r.tone}`} style={{ width: `${barWidth(r.n, most)}%` }} />
              </span>
              <b>{count(r.n)}</b>
            </a>
          </li>
        ))}
      </ul>
      <p class="muted note">
        Ended states count since this master started. Bars grow with the logarithm.
      </p>
    </Card>
  )
}

// Counts of states differ by orders of magnitude: a linear bar would hide the few failures.
function barWidth(n: number, most: number): number {
  return n === 0 ? 0 : 4 + (96 * Math.log1p(n)) / Math.log1p(most)
}

function AgentsCard() {
  const cluster = useCluster()
  const m = cluster.metrics ?? {}
  const ids = [...cluster.agents.keys()].slice(0, 200)
  useWindow('agents', ids)
  const bits: [string, number, string][] = [
    ['active', m['master/slaves_active'] ?? cluster.agents.size, 'run'],
    ['disconnected', m['master/slaves_disconnected'] ?? 0, 'lost'],
    ['unreachable', m['master/slaves_unreachable'] ?? 0, 'bad'],
  ]
  return (
    <Card title="Agents" aside={<a href={href('agents')}>All</a>}>
      <p class="inline-states">
        {bits
          .filter(([name, n]) => n > 0 || name === 'active')
          .map(([name, n, tone]) => (
            <span key={name} class={`tone-${tone}`}>
              <i class="dot" />
              <b>{count(n)}</b> {name}
            </span>
          ))}
      </p>
      {cluster.agents.size === 0 ? (
        <Empty title="No agent has joined yet">
          Start one on each machine: <code>bourse-agent --master=HOST:PORT</code>
        </Empty>
      ) : (
        <AgentGrid
          large={cluster.agents.size <= TILED_AGENTS}
          agents={[...cluster.agents.values()].slice(0, 200)}
          more={cluster.agents.size - 200}
        />
      )}
    </Card>
  )
}
