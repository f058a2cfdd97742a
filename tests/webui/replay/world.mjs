// A cluster made of data: agents, frameworks, tasks and their changes in the JSON shapes of the
// recorded Mesos v1 operator API. It is a fixture for page states that a live cluster does not
// produce on demand (100,000 tasks, hostile names, every failure); it decides nothing.

export function prng(seed) {
  let a = seed >>> 0
  return () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = a
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const CLUSTER = 'f6c1a2d0-58a7-4a60-af87-493caf76ca64'
const LOG_LIMIT = 20_000
const scalar = (name, value, role = '*') => ({ name, type: 'SCALAR', scalar: { value }, role })
const now = () => Date.now() / 1000
const nanos = (seconds) => ({ nanoseconds: Math.round(seconds * 1e9) })
const id = (value) => ({ value })

export const FAILURES = [
  [
    'TASK_FAILED',
    'REASON_CONTAINER_LIMITATION_MEMORY',
    'Memory limit exceeded: requested 512 MB, maximum used 512 MB',
  ],
  ['TASK_FAILED', undefined, 'Command exited with status 3'],
  [
    'TASK_LOST',
    'REASON_INVALID_OFFERS',
    'Task launched with invalid offers: Offer f6c1a2d0-O511 is no longer valid',
  ],
  [
    'TASK_ERROR',
    'REASON_TASK_INVALID',
    "Task resources: mem must be greater than 0, was -5 (field 'resources[1].scalar.value')",
  ],
]

export class World {
  constructor(options = {}) {
    this.options = { agents: 24, seed: 7, gpus: true, ...options }
    this.random = prng(this.options.seed)
    this.start = now() - 86_400 * 3 - 7200
    this.sequence = 0
    this.log = []
    this.listeners = new Set()
    this.agents = new Map()
    this.frameworks = new Map()
    this.completedFrameworks = new Map()
    this.tasks = new Map() // live, in order of addition
    this.completed = [] // newest last
    this.ended = {} // counters by metric name
    this.weights = { '*': 1 }
    this.published = new Map()
    this.quotas = {} // role -> {guarantees, limits}, amounts by name
    this.windows = [] // of maintenance, as the API has them
    this.drains = [] // that wait for budgets, as the API has them
    this.demands = [] // as the API has them
    this.explanations = new Map() // framework id -> list of roles
    for (let i = 0; i < this.options.agents; i++) this.addAgent(i)
  }

  emit(event, keys = {}) {
    const record = { ...event, sequence: ++this.sequence }
    this.log.push({ record, keys })
    if (this.log.length > LOG_LIMIT) this.log.shift()
    for (const listener of this.listeners) listener(record, keys)
  }

  addAgent(i, hostname, port = 5051) {
    const gpus = this.options.gpus && i % 6 === 5 ? 4 : 0
    const big = i % 3 === 0
    const agentId = `${CLUSTER}-S${i}`
    const zone = `${'abc'[i % 3]}`
    const total = [
      scalar('cpus', big ? 64 : 32),
      scalar('mem', big ? 262144 : 131072),
      scalar('disk', 921600),
    ]
    if (gpus) total.push(scalar('gpus', gpus))
    total.push({
      name: 'ports',
      type: 'RANGES',
      ranges: { range: [{ begin: 31000, end: 32000 }] },
      role: '*',
    })
    const agent = {
      agent_info: {
        hostname: hostname ?? `node-${String(i + 1).padStart(2, '0')}.rack${1 + (i % 4)}.example`,
        port,
        resources: total.map(({ role, ...rest }) => rest),
        attributes: [
          { name: 'rack', type: 'TEXT', text: { value: `r${1 + (i % 4)}` } },
          { name: 'disk', type: 'TEXT', text: { value: big ? 'nvme' : 'ssd' } },
        ],
        id: id(agentId),
        checkpoint: true,
        domain: { fault_domain: { region: { name: 'eu' }, zone: { name: `eu-${zone}` } } },
      },
      active: true,
      deactivated: false,
      version: '1.12.0',
      pid: `slave(1)@10.0.0.${i + 1}:5051`,
      registered_time: nanos(this.start + i * 7),
      total_resources: total,
      allocated_resources: [],
      offered_resources: [],
      capabilities: [{ type: 'MULTI_ROLE' }, { type: 'RESERVATION_REFINEMENT' }],
    }
    this.agents.set(agentId, agent)
    this.emit({ type: 'AGENT_ADDED', agent_added: { agent } }, { agent: agentId })
    return agent
  }

  removeAgent(agentId) {
    this.agents.delete(agentId)
    this.emit(
      { type: 'AGENT_REMOVED', agent_removed: { agent_id: id(agentId) } },
      { agent: agentId },
    )
  }

  addFramework(name, fields = {}) {
    const known = this.frameworks.size + this.completedFrameworks.size
    const frameworkId = `${CLUSTER}-${String(known).padStart(4, '0')}`
    const framework = {
      framework_info: {
        user: 'root',
        name,
        id: id(frameworkId),
        failover_timeout: 604800,
        checkpoint: true,
        capabilities: [{ type: 'MULTI_ROLE' }, { type: 'PARTITION_AWARE' }],
        ...fields,
      },
      active: true,
      connected: true,
      recovered: false,
      registered_time: nanos(now() - 3600 * (1 + this.random() * 40)),
      reregistered_time: nanos(now() - 3600),
      offers: [],
      allocated_resources: [],
      offered_resources: [],
    }
    this.frameworks.set(frameworkId, framework)
    this.emit(
      { type: 'FRAMEWORK_ADDED', framework_added: { framework } },
      { framework: frameworkId },
    )
    return frameworkId
  }

  endFramework(frameworkId) {
    const framework = this.frameworks.get(frameworkId)
    this.frameworks.delete(frameworkId)
    this.completedFrameworks.set(frameworkId, {
      ...framework,
      active: false,
      connected: false,
      unregistered_time: nanos(now()),
    })
    const event = { framework_info: framework.framework_info }
    this.emit({ type: 'FRAMEWORK_REMOVED', framework_removed: event }, { framework: frameworkId })
  }

  setConnected(frameworkId, connected) {
    const framework = { ...this.frameworks.get(frameworkId), connected, active: connected }
    this.frameworks.set(frameworkId, framework)
    this.emit(
      { type: 'FRAMEWORK_UPDATED', framework_updated: { framework } },
      { framework: frameworkId },
    )
  }

  // As after a failover: the master knows the framework and has not seen it yet.
  setRecovered(frameworkId, recovered) {
    this.frameworks.get(frameworkId).recovered = recovered
    this.setConnected(frameworkId, !recovered)
  }

  isOrphan(task) {
    const live = this.tasks.get(`${task.framework_id.value}\n${task.task_id.value}`) === task
    return live && this.frameworks.get(task.framework_id.value)?.recovered === true
  }

  addTask(
    frameworkId,
    agentId,
    taskId,
    { name = taskId, cpus = 1, mem = 512, gpus = 0, quiet = false, at, ...rest } = {},
  ) {
    const resources = [scalar('cpus', cpus), scalar('mem', mem)]
    if (gpus) resources.push(scalar('gpus', gpus))
    const task = {
      name,
      task_id: id(taskId),
      framework_id: id(frameworkId),
      agent_id: id(agentId),
      state: 'TASK_STAGING',
      resources,
      statuses: [],
      ...rest,
    }
    this.tasks.set(`${frameworkId}\n${taskId}`, task)
    task.order = this.sequence + 1
    if (quiet) this.sequence++
    else this.emit({ type: 'TASK_ADDED', task_added: { task: wire(task) } }, keysOf(task))
    this.account(task, 1)
    if (at) task.addedAt = at
    return task
  }

  updateTask(task, state, fields = {}, { quiet = false, at = now() } = {}) {
    const status = {
      task_id: task.task_id,
      state,
      source: 'SOURCE_EXECUTOR',
      agent_id: task.agent_id,
      executor_id: task.executor_id ?? id(task.task_id.value),
      timestamp: at,
      uuid: 'US0UVye6TDiFOASDx0sRSQ==',
      container_status: {
        container_id: id(`c-${task.task_id.value}`),
        network_infos: [{ ip_addresses: [{ protocol: 'IPv4', ip_address: '10.0.0.7' }] }],
        executor_pid: 4613,
      },
      ...fields,
    }
    task.state = state
    task.statuses.push(status)
    const metric = state.replace('TASK_', '').toLowerCase()
    if (TERMINAL.has(state)) {
      this.tasks.delete(`${task.framework_id.value}\n${task.task_id.value}`)
      this.completed.push(task)
      this.ended[metric] = (this.ended[metric] ?? 0) + 1
      this.account(task, -1)
    }
    if (quiet) this.sequence++
    else {
      const event = { framework_id: task.framework_id, status, state }
      this.emit({ type: 'TASK_UPDATED', task_updated: event }, keysOf(task))
    }
  }

  account(task, sign) {
    const rows = [
      this.agents.get(task.agent_id.value),
      this.frameworks.get(task.framework_id.value),
    ]
    for (const row of rows) if (row) add(row.allocated_resources, task.resources, sign)
  }

  // Gives a framework an offer of part of what is free on an agent.
  offer(frameworkId, agentId, part = 0.5) {
    const agent = this.agents.get(agentId)
    const resources = agent.total_resources
      .filter((r) => r.type === 'SCALAR' && r.name !== 'gpus')
      .map((r) => {
        const used = agent.allocated_resources.find((u) => u.name === r.name)?.scalar.value ?? 0
        return scalar(r.name, Math.max(0, Math.floor((r.scalar.value - used) * part)))
      })
    const offer = {
      id: id(`${CLUSTER}-O${++this.sequence}`),
      framework_id: id(frameworkId),
      agent_id: id(agentId),
      hostname: agent.agent_info.hostname,
      resources,
      allocation_info: { role: '*' },
    }
    const framework = this.frameworks.get(frameworkId)
    framework.offers.push(offer)
    add(framework.offered_resources, resources, 1)
    add(agent.offered_resources, resources, 1)
  }

  takeBackOffers() {
    for (const row of [...this.frameworks.values(), ...this.agents.values()]) {
      row.offered_resources = []
      if (row.offers) row.offers = []
    }
  }

  sum(field, name) {
    let total = 0
    for (const agent of this.agents.values()) {
      for (const r of agent[field])
        if (r.name === name && r.type === 'SCALAR') total += r.scalar.value
    }
    return total
  }

  metrics() {
    const m = {
      'master/elected': 1,
      'master/uptime_secs': now() - this.start,
      'master/slaves_active': this.agents.size,
      'master/slaves_connected': this.agents.size,
      'master/slaves_disconnected': 0,
      'master/slaves_inactive': 0,
      'master/slaves_unreachable': 0,
      'master/frameworks_active': [...this.frameworks.values()].filter((f) => f.active).length,
      'master/frameworks_connected': this.frameworks.size,
      'master/outstanding_offers': [...this.frameworks.values()].reduce(
        (n, f) => n + f.offers.length,
        0,
      ),
      'allocator/mesos/allocation_run_ms': 0.4 + this.random(),
      'bourse/master/tasks_orphaned': [...this.tasks.values()].filter((t) => this.isOrphan(t))
        .length,
    }
    for (const name of ['cpus', 'mem', 'disk', 'gpus']) {
      const total = this.sum('total_resources', name)
      const used = this.sum('allocated_resources', name)
      m[`master/${name}_total`] = total
      m[`master/${name}_used`] = used
      m[`master/${name}_percent`] = total ? used / total : 0
      m[`allocator/mesos/resources/${name}/total`] = total
      m[`allocator/mesos/resources/${name}/offered_or_allocated`] =
        used + this.sum('offered_resources', name)
    }
    for (const state of ['staging', 'starting', 'running', 'killing', 'unreachable'])
      m[`master/tasks_${state}`] = 0
    for (const task of this.tasks.values())
      m[`master/tasks_${task.state.replace('TASK_', '').toLowerCase()}`]++
    for (const state of [
      'finished',
      'failed',
      'killed',
      'lost',
      'error',
      'dropped',
      'gone',
      'gone_by_operator',
    ]) {
      m[`master/tasks_${state}`] = this.ended[state] ?? 0
    }
    return Object.entries(m).map(([name, value]) => ({ name, value }))
  }
}

const TERMINAL = new Set([
  'TASK_FINISHED',
  'TASK_FAILED',
  'TASK_KILLED',
  'TASK_ERROR',
  'TASK_LOST',
  'TASK_DROPPED',
  'TASK_GONE',
])
const keysOf = (t) => ({
  framework: t.framework_id.value,
  agent: t.agent_id.value,
  task: t.task_id.value,
})

export function wire({ order, addedAt, ...task }) {
  return { ...task, status_update_state: task.state }
}

function add(list, resources, sign) {
  for (const r of resources) {
    let row = list.find((x) => x.name === r.name)
    if (!row) list.push((row = scalar(r.name, 0)))
    row.scalar.value = Math.max(0, row.scalar.value + sign * r.scalar.value)
  }
}
