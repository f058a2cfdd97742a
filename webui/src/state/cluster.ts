// What the UI knows of the cluster. One narrow event stream (agents and frameworks, no tasks) and
// one small poll of metrics feed it for as long as the page is open; amounts in use are refreshed
// only for the rows on the screen (see `watch`), so traffic does not grow with the cluster.

import { call, describe } from '../api/call'
import type { Demand, Drain, QuotaAnswer, QuotaConfig } from '../api/plan'
import { EventStream, type Link } from '../api/stream'
import type { Agent, Framework, MasterInfo, Role, StreamEvent } from '../api/types'
import { sum, type Amounts } from '../lib/resources'
import { pastFeed, type FeedEntry } from './feed'
import { History } from './history'
import { Notifier } from './notifier'

const METRICS_MS = 2000
const HIDDEN_METRICS_MS = 15_000
const ROLES_MS = 15_000
const WINDOW_MS = 2000
const MAX_WINDOW = 400
const MAX_FEED = 60
const HISTORY_KEY = 'bourse.history.'

export interface Gauge {
  total: number
  used: number
  offered: number
}

export type WindowKind = 'agents' | 'frameworks'

export class Cluster extends Notifier {
  agents = new Map<string, Agent>()
  frameworks = new Map<string, Framework>()
  completed = new Map<string, Framework>()
  roles: Role[] = []
  rolesLoaded = false
  quotas = new Map<string, QuotaConfig>()
  consumed = new Map<string, Amounts>()
  demands = new Map<string, Demand[]>() // of the frameworks on the screen
  drains = new Map<string, Drain>() // those that wait for somebody
  metrics?: Record<string, number>
  master?: MasterInfo
  electedTime?: number
  startTime?: number
  version?: string
  loaded = false
  freshAt = 0
  metricsError?: string
  feed: FeedEntry[] = []
  history = new History()
  stream?: EventStream
  private windows = new Map<object, { kind: WindowKind; ids: string[] }>()
  private hosts?: Map<string, number>

  get link(): Link {
    return this.stream?.link ?? { state: 'connecting', since: Date.now() }
  }

  start(): void {
    const types = [
      'AGENT_ADDED',
      'AGENT_REMOVED',
      'FRAMEWORK_ADDED',
      'FRAMEWORK_UPDATED',
      'FRAMEWORK_REMOVED',
    ]
    this.stream = new EventStream(
      { types },
      (event) => this.take(event),
      (link) => {
        if (link.state === 'live') void this.identify()
        this.changed()
      },
    )
    void this.identify()
    void this.loopMetrics()
    void this.loopRoles()
    void this.loopWindows()
    addEventListener(
      'pagehide',
      () => this.master && this.history.save(HISTORY_KEY + this.master.id),
    )
  }

  // While `owner` is registered, these rows are kept fresh. An empty list ends it.
  watch(owner: object, kind: WindowKind, ids: string[]): void {
    if (ids.length === 0) this.windows.delete(owner)
    else this.windows.set(owner, { kind, ids })
  }

  gauge(name: string): Gauge | undefined {
    const m = this.metrics
    const total = m?.[`master/${name}_total`]
    if (!m || total === undefined) return this.gaugeFromAgents(name)
    const used = m[`master/${name}_used`] ?? 0
    const taken = m[`allocator/mesos/resources/${name}/offered_or_allocated`]
    const offered = taken === undefined ? (this.gaugeFromAgents(name)?.offered ?? 0) : taken - used
    return { total, used, offered: Math.max(0, Math.min(offered, total - used)) }
  }

  totals(): Amounts {
    const totals: Amounts = {}
    for (const name of ['cpus', 'mem', 'disk', 'gpus']) totals[name] = this.gauge(name)?.total ?? 0
    return totals
  }

  // What people call an agent: its host, with the port where several agents share the host.
  agentName(id: string): string {
    const info = this.agents.get(id)?.agent_info
    if (!info) return id
    if (!this.hosts) {
      this.hosts = new Map()
      for (const { agent_info } of this.agents.values())
        this.hosts.set(agent_info.hostname, (this.hosts.get(agent_info.hostname) ?? 0) + 1)
    }
    const shared = (this.hosts.get(info.hostname) ?? 0) > 1
    return shared && info.port ? `${info.hostname}:${info.port}` : info.hostname
  }

  weight(role: string): number {
    return this.roles.find((r) => r.name === role)?.weight ?? 1
  }

  private gaugeFromAgents(name: string): Gauge | undefined {
    if (!this.loaded || this.agents.size === 0 || this.agents.size > MAX_WINDOW) return undefined
    const gauge = { total: 0, used: 0, offered: 0 }
    for (const agent of this.agents.values()) {
      gauge.total += sum(agent.total_resources)[name] ?? 0
      gauge.used += sum(agent.allocated_resources)[name] ?? 0
      gauge.offered += sum(agent.offered_resources)[name] ?? 0
    }
    return gauge
  }

  private take(event: StreamEvent): void {
    this.freshAt = Date.now()
    if (event.type === 'SUBSCRIBED') this.takeState(event)
    const agent = event.agent_added?.agent
    if (agent) {
      const id = agent.agent_info.id.value
      this.agents.set(id, agent)
      this.hosts = undefined
      this.note('run', 'Agent joined', this.agentName(id), ['agents', id])
    }
    if (event.agent_removed) {
      const id = event.agent_removed.agent_id.value
      this.note('lost', 'Agent removed', this.agentName(id))
      this.agents.delete(id)
      this.hosts = undefined
    }
    const framework = event.framework_added?.framework ?? event.framework_updated?.framework
    if (framework) this.takeFramework(framework, !!event.framework_added)
    if (event.framework_removed)
      this.endFramework(event.framework_removed.framework_info.id?.value ?? '')
    this.changed()
  }

  private takeState(event: StreamEvent): void {
    if (event.subscribed?.resumed) return
    const state = event.subscribed?.get_state
    this.agents = new Map((state?.get_agents?.agents ?? []).map((a) => [a.agent_info.id.value, a]))
    this.hosts = undefined
    const keyed = (list: Framework[] = []) =>
      new Map(list.map((f) => [f.framework_info.id?.value ?? '', f] as const))
    this.frameworks = keyed(state?.get_frameworks?.frameworks)
    this.completed = keyed(state?.get_frameworks?.completed_frameworks)
    if (!this.loaded) this.feed = pastFeed(this)
    this.loaded = true
  }

  private takeFramework(framework: Framework, added: boolean): void {
    const id = framework.framework_info.id?.value ?? ''
    const before = this.frameworks.get(id)
    this.frameworks.set(id, { ...before, ...framework })
    const name = framework.framework_info.name
    if (added) this.note('run', 'Framework joined', name, ['frameworks', id])
    else if (before?.connected !== framework.connected) {
      const text = framework.connected ? 'Framework back' : 'Framework disconnected'
      this.note(framework.connected ? 'run' : 'lost', text, name, ['frameworks', id])
    }
  }

  private endFramework(id: string): void {
    const framework = this.frameworks.get(id)
    if (!framework) return
    this.frameworks.delete(id)
    const ended = { nanoseconds: Date.now() * 1e6 }
    const free = { allocated_resources: [], offered_resources: [], offers: [] }
    this.completed.set(id, { ...framework, ...free, active: false, unregistered_time: ended })
    this.note('done', 'Framework ended', framework.framework_info.name, ['frameworks', id])
  }

  private note(
    tone: FeedEntry['tone'],
    text: string,
    detail: string,
    target?: [string, string],
  ): void {
    this.feed.unshift({ at: Date.now() / 1000, tone, text, detail, target })
    if (this.feed.length > MAX_FEED) this.feed.pop()
  }

  private async identify(): Promise<void> {
    try {
      const [master, version] = await Promise.all([
        call<{ master_info?: MasterInfo; start_time?: number; elected_time?: number }>(
          'GET_MASTER',
        ),
        call<{ version_info?: { version?: string } }>('GET_VERSION'),
      ])
      const info = master.body.master_info
      if (info && info.id !== this.master?.id) this.history.load(HISTORY_KEY + info.id)
      this.master = info
      this.electedTime = master.body.elected_time
      this.startTime = master.body.start_time
      this.version = version.body.version_info?.version
      this.changed()
    } catch {
      // The stream reports a lost master; it calls again when it is back.
    }
  }

  private async loopMetrics(): Promise<void> {
    try {
      const answer = await call<{ metrics?: { name: string; value?: number }[] }>('GET_METRICS')
      const metrics: Record<string, number> = {}
      for (const metric of answer.body.metrics ?? []) metrics[metric.name] = metric.value ?? 0
      this.metrics = metrics
      this.metricsError = undefined
      this.freshAt = Date.now()
      this.sample()
    } catch (error) {
      this.metricsError = describe(error)
    }
    this.changed()
    setTimeout(() => void this.loopMetrics(), document.hidden ? HIDDEN_METRICS_MS : METRICS_MS)
  }

  private sample(): void {
    const m = this.metrics ?? {}
    const values: Record<string, number | undefined> = {}
    for (const name of ['cpus', 'mem', 'disk', 'gpus']) {
      const gauge = this.gauge(name)
      values[`${name}/used`] = gauge?.used
      values[`${name}/offered`] = gauge?.offered
      values[`${name}/total`] = gauge?.total
    }
    const sumOf = (...names: string[]) =>
      names.reduce((n, name) => n + (m[`master/tasks_${name}`] ?? 0), 0)
    values['tasks/running'] = sumOf('running')
    values['tasks/waiting'] = sumOf('staging', 'starting')
    values['tasks/finished'] = sumOf('finished')
    values['tasks/failed'] = sumOf('failed', 'error', 'lost', 'dropped', 'gone')
    values['offers'] = m['master/outstanding_offers']
    values['allocation'] = m['allocator/mesos/allocation_run_ms']
    this.history.add(Date.now() / 1000, values)
  }

  private async loopRoles(): Promise<void> {
    await this.refreshRoles()
    setTimeout(() => void this.loopRoles(), ROLES_MS)
  }

  async refreshRoles(): Promise<void> {
    try {
      const [roles, quota] = await Promise.all([
        call<{ roles?: Role[] }>('GET_ROLES'),
        call<QuotaAnswer>('GET_QUOTA'),
      ])
      this.roles = roles.body.roles ?? []
      this.quotas = new Map((quota.body.status?.configs ?? []).map((c) => [c.role, c]))
      const consumed = quota.body.consumptions ?? []
      this.consumed = new Map(consumed.map((c) => [c.role, c.consumed ?? {}]))
      this.rolesLoaded = true
      this.changed()
    } catch {
      // What was known stays; the stream reports a lost master.
    }
  }

  private idsOf(kind: WindowKind): string[] {
    const ids = new Set<string>()
    for (const window of this.windows.values()) {
      if (window.kind === kind) for (const id of window.ids) ids.add(id)
    }
    return [...ids].slice(0, MAX_WINDOW)
  }

  private async loopWindows(): Promise<void> {
    const started = Date.now()
    if (!document.hidden && this.loaded) {
      try {
        await Promise.all([this.refreshAgents(), this.refreshFrameworks()])
        this.changed()
      } catch {
        // Shown values stay; the stream reports a lost master.
      }
    }
    // A master without the id filter answers with everything: then ask more rarely.
    setTimeout(() => void this.loopWindows(), Math.max(WINDOW_MS, 20 * (Date.now() - started)))
  }

  private async refreshAgents(): Promise<void> {
    const ids = this.idsOf('agents').map((value) => ({ value }))
    if (ids.length === 0) return
    const answer = await call<{ agents?: Agent[]; drains?: Drain[] }>('GET_AGENTS', {
      get_agents: { agent_id: ids },
    })
    this.drains = new Map((answer.body.drains ?? []).map((d) => [d.agent_id.value, d]))
    for (const agent of answer.body.agents ?? []) {
      if (this.agents.has(agent.agent_info.id.value))
        this.agents.set(agent.agent_info.id.value, agent)
    }
  }

  private async refreshFrameworks(): Promise<void> {
    const ids = this.idsOf('frameworks').map((value) => ({ value }))
    if (ids.length === 0) return
    const get_frameworks = { framework_id: ids, offers: ids.length === 1 }
    const answer = await call<{ frameworks?: Framework[]; demands?: Demand[] }>('GET_FRAMEWORKS', {
      get_frameworks,
    })
    for (const { value } of ids) this.demands.delete(value)
    for (const demand of answer.body.demands ?? []) {
      const id = demand.framework_id.value
      this.demands.set(id, [...(this.demands.get(id) ?? []), demand])
    }
    for (const framework of answer.body.frameworks ?? []) {
      const id = framework.framework_info.id?.value ?? ''
      if (this.frameworks.has(id)) this.frameworks.set(id, framework)
    }
  }
}

export const cluster = new Cluster()
