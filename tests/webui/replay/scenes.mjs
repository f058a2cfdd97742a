// Ready-made worlds: a lively cluster with a crawl, a huge one, an empty one, a hostile one.

import { FAILURES, prng, World } from './world.mjs'

const now = () => Date.now() / 1000

const APPS = [
  ['thumbnails', 'media', 2, 2, 1536],
  ['search-index', 'search', 1, 6, 16384],
  ['reports-nightly', 'batch', 1, 1, 2048],
  ['recommender', 'ml', 3, 4, 8192],
  ['mail-relay', 'services', 2, 0.5, 512],
]

// About 60 % of 24 agents in use by five frameworks and a crawler; every kind of end is present.
export function livelyWorld(options = {}) {
  const world = new World(options)
  const { random } = world
  const agents = [...world.agents.keys()]
  const anyAgent = (cpus) => roomy(world, agents, cpus, random)
  world.weights = { '*': 1, media: 2, search: 1, batch: 0.5, ml: 3, services: 2, crawl: 2 }
  for (const [name, role, , cpus, mem] of APPS) {
    const framework = world.addFramework(name, {
      roles: [role],
      principal: name,
      webui_url: `http://${name}.example/`,
    })
    const count = 24 + Math.floor(random() * 40)
    for (let i = 0; i < count; i++) {
      const gpus = role === 'ml' && i < 6 ? 1 : 0
      const agent = gpus ? agents[5 + 6 * (i % 4)] : anyAgent(cpus)
      settle(
        world,
        framework,
        agent,
        `${name}.${i.toString().padStart(3, '0')}`,
        { cpus, mem, gpus },
        random,
      )
    }
  }
  const crawler = world.addFramework('crawler', {
    roles: ['crawl'],
    labels: { labels: [{ key: 'bourse.ui', value: 'crawler' }] },
  })
  for (const [stage, n, cpus, mem] of [
    ['fetch', 16, 1, 1024],
    ['extract', 12, 2, 2048],
    ['store', 3, 1, 4096],
  ]) {
    for (let i = 0; i < n; i++)
      settle(world, crawler, anyAgent(cpus), `crawl-${stage}-${i}`, { cpus, mem }, random)
  }
  const old = world.addFramework('etl-2024', { roles: ['batch'] })
  world.endFramework(old)
  for (let i = 0; i < 4; i++) world.offer([...world.frameworks.keys()][i], agents[i * 3])
  const crawl = new Crawl(world, crawler)
  world.published.set(`/frameworks/${crawler}/published/stats.json`, () =>
    JSON.stringify(crawl.stats()),
  )
  world.crawler = crawler
  world.crawl = crawl
  plan(world)
  return world
}

// Quotas, a demand that nothing meets, what stands in a framework's way, a machine that is to go.
function plan(world) {
  const [media, search] = [...world.frameworks.keys()]
  const [agent] = [...world.agents.values()]
  const agent_id = agent.agent_info.id
  world.quotas = {
    media: { guarantees: { cpus: 4000 }, limits: { cpus: 5000, mem: 9_000_000 } },
    search: { limits: { cpus: 1 } },
  }
  const resources = [{ name: 'cpus', type: 'SCALAR', scalar: { value: 128 } }]
  const demand = { role: 'search', resources, count: 3, fits: 1, unmet: 2 }
  world.demands = [{ framework_id: { value: search }, ...demand }]
  const kind = (rule, count, change, numbers = []) => ({
    ...{ kind: '64 cpus, 262144 mem', rule, count, change },
    ...{ example: agent_id, numbers: numbers.map(([name, value]) => ({ name, value })) },
  })
  world.explanations.set(search, [
    {
      ...{ role: 'search', share: 0.11, role_share: 0.11, rank: 2, of: 6 },
      agents: [
        kind('over_quota', 19, 'raise the limit of role search to 2 cpus', [['limit', '1 cpus']]),
        kind('filtered', 5, 'it declined this agent: wait 3.2 s', [['ends_in', '3.2 s']]),
      ],
      refused: [{ name: 'over_quota', value: '1200' }],
      wanted: [{ shape: '3 x {128 cpus}', count: 3, offered: 0, fits: 1 }],
    },
  ])
  world.explanations.set(media, [
    { role: 'media', rank: 6, of: 6, rule: 'suppressed', change: 'it must REVIVE role media' },
  ])
  agent.drain_info = { state: 'DRAINING' }
  agent.deactivated = true
  agent.estimated_drain_start_time = { nanoseconds: (now() - 90) * 1e9 }
  const wait = { tasks: 3, running: 8, why: 'waits for the budget: 2 of 2 away' }
  world.drains = [{ agent_id, waits: [{ framework_id: { value: media }, ...wait }] }]
  const start = { nanoseconds: (now() + 7200) * 1e9 }
  const machine_ids = [{ hostname: agent.agent_info.hostname }]
  world.windows = [{ machine_ids, unavailability: { start, duration: { nanoseconds: 36e11 } } }]
}

// An agent with room for that many cpus; some are left nearly empty, as in life.
function roomy(world, ids, cpus, random) {
  for (let tries = 0; tries < 200; tries++) {
    const at = ids[Math.floor(random() ** 1.3 * ids.length)]
    const agent = world.agents.get(at)
    const used = agent.allocated_resources.find((r) => r.name === 'cpus')?.scalar.value ?? 0
    if (used + cpus <= agent.total_resources[0].scalar.value * 0.96) return at
  }
  return ids[0]
}

function settle(world, framework, agent, taskId, shape, random) {
  const began = now() - 60 - random() * 40_000
  const task = world.addTask(framework, agent, taskId, { ...shape, quiet: true, at: began })
  world.updateTask(task, 'TASK_STARTING', {}, { quiet: true, at: began + random() * 0.4 })
  world.updateTask(task, 'TASK_RUNNING', {}, { quiet: true, at: began + 0.5 + random() })
  const dice = random()
  const end = { quiet: true, at: began + 30 + random() * 30 }
  if (dice < 0.12)
    world.updateTask(task, 'TASK_FINISHED', { message: 'Command exited with status 0' }, end)
  else if (dice < 0.17) {
    const [state, reason, message] = FAILURES[Math.floor(random() * FAILURES.length)]
    world.updateTask(task, state, { reason, message }, end)
  } else if (dice < 0.2)
    world.updateTask(
      task,
      'TASK_KILLED',
      { message: 'Command terminated with signal Terminated' },
      end,
    )
}

// Keeps a world moving: work comes and goes, offers are made and taken back.
export function animate(world, everyMs = 400) {
  const random = prng(99)
  let n = 0
  const step = () => {
    const frameworks = [...world.frameworks.keys()].filter((f) => f !== world.crawler)
    const agents = [...world.agents.keys()]
    if (frameworks.length === 0 || agents.length === 0) return
    const jobs = [...world.tasks.values()].filter((t) => t.name.startsWith('job-'))
    for (const task of jobs) {
      if (task.state === 'TASK_STAGING') world.updateTask(task, 'TASK_STARTING')
      else if (task.state === 'TASK_STARTING') world.updateTask(task, 'TASK_RUNNING')
      else if (random() < jobs.length / 1500)
        world.updateTask(task, 'TASK_FINISHED', { message: 'Command exited with status 0' })
      else if (random() < 0.002) {
        const [state, reason, message] = FAILURES[n % FAILURES.length]
        world.updateTask(task, state, { reason, message })
      }
    }
    for (let i = 0; i < 1 + Math.sin(n / 12); i++) {
      const framework = frameworks[Math.floor(random() * frameworks.length)]
      const agent = roomy(world, agents, 4, random)
      world.addTask(framework, agent, `job-${n}-${i}`, {
        name: `job-${n}`,
        cpus: 0.5 + random() * 3,
        mem: 1024,
      })
    }
    world.takeBackOffers()
    for (let i = 0; i < 2 + (n % 4); i++) {
      const agent = agents[Math.floor(random() * agents.length)]
      world.offer(frameworks[(n + i) % frameworks.length], agent, 0.3 + random() * 0.5)
    }
    n++
  }
  for (let i = 0; i < 60; i++) step()
  const timer = setInterval(step, everyMs)
  return () => clearInterval(timer)
}

export function hugeWorld(tasks = 100_000) {
  const world = new World({ agents: 200 })
  const agents = [...world.agents.keys()]
  const frameworks = ['alpha', 'beta', 'gamma'].map((name) => world.addFramework(name))
  for (let i = 0; i < tasks; i++) {
    const task = world.addTask(
      frameworks[i % 3],
      agents[i % agents.length],
      `task-${String(i).padStart(6, '0')}`,
      { name: `work-${i % 977}`, cpus: 0.01, mem: 8, quiet: true },
    )
    world.updateTask(task, 'TASK_RUNNING', {}, { quiet: true, at: now() - 600 })
    if (i % 10 === 0) world.updateTask(task, 'TASK_FINISHED', {}, { quiet: true })
  }
  return world
}

// The figures a crawl of 300 shops publishes, as a function of time since it began.
export class Crawl {
  constructor(world, framework, shops = 300) {
    const random = prng(3)
    this.begin = now() - 34
    this.change = {}
    this.sites = Array.from({ length: shops }, (_, i) => ({
      host: `shop-${String(i + 1).padStart(3, '0')}.test`,
      allowed: 3 + Math.floor(random() * 6),
      pages: 110 + Math.floor(random() * 160),
      keen: 0.72 + random() * 0.27,
      shaky: random() < 0.12,
      phase: random() * 6,
    }))
  }

  stats() {
    const seconds = now() - this.begin
    if (seconds > 110) this.begin = now() // round and round, to be looked at
    const sites = this.sites.map((s, i) => {
      const done = Math.min(s.pages, Math.floor(seconds * s.allowed * s.keen * 0.8))
      const over = done >= s.pages
      const rate = over
        ? 0
        : s.allowed * Math.min(1, s.keen + 0.12 * Math.sin(seconds / 3 + s.phase))
      const state = this.change[s.host] ?? (over ? 'done' : i % 97 === 5 ? 'paused' : 'active')
      return {
        host: s.host,
        queue: over ? 0 : Math.min(60, s.pages - done),
        in_flight: over ? 0 : 1 + (i % 3),
        done,
        items: Math.floor((done / s.pages) * 100),
        errors: s.shaky ? Math.floor(done / 40) : 0,
        rate_per_s: state === 'paused' ? 0 : Math.round(rate * 10) / 10,
        allowed_per_s: s.allowed,
        state,
      }
    })
    const total = (key) => sites.reduce((n, s) => n + s[key], 0)
    const pages = total('done')
    const rate = total('rate_per_s')
    const wave = (f, a) => Math.round(a * (1 + Math.sin(seconds / f)))
    const stage = (name, workers, target, queue, in_flight, done, failed, rate_per_s) => ({
      name,
      workers,
      target_workers: target,
      queue,
      in_flight,
      done,
      failed,
      rate_per_s,
      paused: this.change[name] === 'paused',
    })
    return {
      time: now(),
      run: {
        state: 'running',
        expected_items: 30000,
        items: total('items'),
        duplicates: Math.floor(pages * 0.031),
        pages,
        bytes: pages * 51_200,
        errors: total('errors'),
        seconds,
      },
      stages: [
        stage('fetch', 16, 16, total('queue'), total('in_flight'), pages, total('errors'), rate),
        stage('extract', 10, 12, 40 + wave(5, 60), 24, pages - 60, 3, rate * 0.98),
        stage('store', 3, 3, wave(7, 9), 3, pages - 75, 0, rate * 0.97),
      ],
      sites,
      errors: {
        http_429: Math.floor(total('errors') * 0.5),
        timeout: Math.floor(total('errors') * 0.28),
        http_5xx: Math.floor(total('errors') * 0.15),
        too_large: 4,
        trap: 11,
        decode: 2,
      },
    }
  }
}
