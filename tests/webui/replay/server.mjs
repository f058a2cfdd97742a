// Serves the built pages and a World over HTTP the way a Bourse master does: the same content
// security policy, `POST /api/v1` in the recorded shapes, the additions of
// docs/operator-extensions.md (or, with `plain`, a Mesos master that knows none of them).

import { createServer } from 'node:http'
import { readFileSync, existsSync, statSync } from 'node:fs'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { wire } from './world.mjs'

const ROOT = join(fileURLToPath(import.meta.url), '../../../..')
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

// The policy is the one that the master sends: it is written once, in webui/assets.hpp.
export function securityPolicy() {
  const header = readFileSync(join(ROOT, 'webui/assets.hpp'), 'utf8')
  const found = /kContentSecurityPolicy[^;]*?=\s*((?:"[^"]*"\s*)+);/s.exec(header)
  return [...found[1].matchAll(/"([^"]*)"/g)].map((m) => m[1]).join('')
}

class Refusal extends Error {
  constructor(status, text) {
    super(text)
    this.status = status
  }
}

export class ReplayServer {
  constructor(world, { dist, plain = false, heartbeatS = 15, delayMs = 0 } = {}) {
    Object.assign(this, { world, dist, plain, heartbeatS, delayMs })
    this.files = new Map() // path -> Buffer
    this.mode = 'up' // 'up', 'down' (connections are cut), '503'
    this.calls = [] // every call received: {type, ...}
    this.streams = new Set()
    this.csp = securityPolicy()
    this.server = createServer((request, response) => this.handle(request, response))
  }

  async listen(port = 0) {
    await new Promise((done) => this.server.listen(port, '127.0.0.1', done))
    this.url = `http://127.0.0.1:${this.server.address().port}`
    return this.url
  }

  async close() {
    this.cut()
    this.server.closeAllConnections?.()
    await new Promise((done) => this.server.close(done))
  }

  cut(mode = 'down') {
    this.mode = mode
    for (const stream of [...this.streams]) stream.end()
  }

  restore() {
    this.mode = 'up'
  }

  handle(request, response) {
    if (this.mode === 'down') return request.socket.destroy()
    const path = new URL(request.url, 'http://x').pathname
    if (path === '/api/v1') return void this.api(request, response)
    const file = join(this.dist, normalize(path === '/' ? '/index.html' : path))
    if (!file.startsWith(this.dist) || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end()
      return
    }
    response.writeHead(200, {
      'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
      'Content-Security-Policy': this.csp,
      'X-Content-Type-Options': 'nosniff',
    })
    response.end(readFileSync(file))
  }

  async api(request, response) {
    let body = ''
    for await (const part of request) body += part
    try {
      if (this.mode === '503') throw new Refusal(503, 'No leading master is elected.')
      if (request.method !== 'POST') throw new Refusal(405, "Expecting one of { 'POST' }")
      if (request.headers['content-type'] !== 'application/json')
        throw new Refusal(415, 'Expecting application/json')
      const call = JSON.parse(body)
      this.calls.push(call)
      if (call.type === 'SUBSCRIBE') return this.subscribe(call.subscribe ?? {}, response)
      const answer = this.answer(call)
      if (this.delayMs) await new Promise((done) => setTimeout(done, this.delayMs))
      response.writeHead(200, { 'Content-Type': 'application/json' })
      response.end(JSON.stringify(answer))
    } catch (error) {
      response.writeHead(error.status ?? 500, { 'Content-Type': 'text/plain; charset=utf-8' })
      response.end(error.status ? error.message : String(error.stack))
    }
  }

  answer(call) {
    const key = call.type.toLowerCase()
    const stamp = this.plain ? {} : { sequence: this.world.sequence }
    const body = this.bodies[call.type]?.call(this, this.plain ? undefined : call[key], call)
    if (body === undefined)
      throw new Refusal(400, "Failed to validate master::Call: Expecting 'type' to be present")
    return { type: call.type, [key]: body, ...stamp }
  }

  bodies = {
    GET_MASTER: () => ({
      master_info: {
        id: 'f6c1a2d0',
        hostname: 'master-1.example',
        port: 5050,
        version: '1.12.0',
        address: { hostname: 'master-1.example', ip: '10.0.0.1', port: 5050 },
      },
      start_time: this.world.start,
      elected_time: this.world.start + 0.01,
    }),
    GET_VERSION: () => ({ version_info: { version: '0.1.0', build_date: '', build_time: 0 } }),
    GET_METRICS: () => ({ metrics: this.world.metrics() }),
    GET_ROLES: () => ({ roles: this.roles() }),
    GET_QUOTA: () => this.quota(),
    GET_MAINTENANCE_SCHEDULE: () => ({ schedule: { windows: this.world.windows } }),
    GET_MAINTENANCE_STATUS: () => ({
      status: {
        draining_machines: this.world.windows.flatMap((w) => w.machine_ids.map((id) => ({ id }))),
      },
    }),
    EXPLAIN_FRAMEWORK: (_filter, call) => {
      if (this.plain) return undefined
      const id = call.explain_framework.framework_id
      return { framework_id: id, roles: this.world.explanations.get(id.value) ?? [] }
    },
    GET_AGENTS: (filter) => {
      const ids = filter?.agent_id?.map((i) => i.value)
      const answer = { agents: pick(this.world.agents, ids), recovered_agents: [] }
      return this.plain ? answer : { ...answer, drains: this.world.drains }
    },
    GET_FRAMEWORKS: (filter) => {
      const ids = filter?.framework_id?.map((i) => i.value)
      const strip = filter?.offers === false ? ({ offers, ...rest }) => rest : (f) => f
      return {
        frameworks: pick(this.world.frameworks, ids).map(strip),
        completed_frameworks: pick(this.world.completedFrameworks, ids),
        ...(this.plain ? {} : { demands: this.demands(ids) }),
      }
    },
    GET_TASKS: (filter) => this.tasks(filter ?? {}),
    READ_FILE: (_filter, call) => this.readFile(call.read_file),
    LIST_FILES: (_filter, call) => this.listFiles(call.list_files.path),
  }

  roles() {
    const members = {}
    for (const [id, f] of this.world.frameworks) {
      for (const role of f.framework_info.roles ?? ['*']) (members[role] ??= []).push(id)
    }
    return Object.entries(members).map(([name, ids]) => ({
      name,
      weight: this.world.weights[name] ?? 1,
      frameworks: ids.map((value) => ({ value })),
      resources: ids.flatMap((id) => this.world.frameworks.get(id).allocated_resources),
    }))
  }

  demands(ids) {
    return this.world.demands.filter((d) => !ids || ids.includes(d.framework_id.value))
  }

  quota() {
    const scalars = (amounts = {}) =>
      Object.fromEntries(Object.entries(amounts).map(([name, value]) => [name, { value }]))
    const configs = Object.entries(this.world.quotas).map(([role, q]) => ({
      role,
      guarantees: scalars(q.guarantees),
      limits: scalars(q.limits),
    }))
    if (this.plain) return { status: { configs } }
    const held = (role, name) =>
      this.roles()
        .filter((r) => r.name === role || r.name.startsWith(`${role}/`))
        .flatMap((r) => r.resources)
        .filter((r) => r.name === name)
        .reduce((n, r) => n + (r.scalar?.value ?? 0), 0)
    const consumptions = configs.map(({ role }) => ({
      role,
      consumed: { cpus: held(role, 'cpus'), mem: held(role, 'mem') },
    }))
    return { status: { configs }, consumptions }
  }

  // The fixed order of a paged answer: live, unreachable, completed, each newest first.
  inOrder() {
    const { world } = this
    if (this.ordered?.sequence === world.sequence) return this.ordered.list
    const live = [...world.tasks.values()].reverse()
    const at = (section) => (task) => ({ section, task })
    const list = [
      ...live.filter((t) => t.state !== 'TASK_UNREACHABLE').map(at(0)),
      ...live.filter((t) => t.state === 'TASK_UNREACHABLE').map(at(1)),
      ...[...world.completed].reverse().map(at(2)),
    ]
    this.ordered = { sequence: world.sequence, list }
    return list
  }

  tasks(filter) {
    const search = filter.search?.toLowerCase()
    const wanted = ({ task: t }) =>
      (!filter.framework_id || t.framework_id.value === filter.framework_id.value) &&
      (!filter.agent_id || t.agent_id.value === filter.agent_id.value) &&
      (!filter.task_id || t.task_id.value === filter.task_id.value) &&
      (!filter.orphan || this.world.isOrphan(t)) &&
      (!filter.state || filter.state.includes(t.state)) &&
      (!search ||
        t.task_id.value.toLowerCase().includes(search) ||
        t.name.toLowerCase().includes(search))
    const found = this.inOrder().filter(wanted)
    const from = filter.after ? found.findIndex(behind(filter.after)) : 0
    const limit = filter.limit ? Math.min(filter.limit, 1000) : Infinity
    const page = from < 0 ? [] : found.slice(from, from + limit)
    const part = (section) => page.filter((f) => f.section === section).map((f) => wire(f.task))
    const answer = { tasks: part(0), unreachable_tasks: part(1), completed_tasks: part(2) }
    if (filter.limit === undefined) return answer
    const more = from + page.length < found.length && page.length > 0
    const next = more ? { next: cursor(page[page.length - 1]) } : {}
    return { ...answer, total: found.length, ...next }
  }

  readFile({ path, offset, length }) {
    const content = this.files.get(path) ?? this.world.published.get(path)?.()
    if (content === undefined) throw new Refusal(404, `There is no file ${path}.`)
    const bytes = Buffer.from(content)
    const end = length === undefined ? bytes.length : Math.min(bytes.length, offset + length)
    return {
      size: bytes.length,
      data: bytes.subarray(Math.min(offset, end), end).toString('base64'),
    }
  }

  listFiles(path) {
    const below = [...this.files.keys()].filter((p) => p.startsWith(`${path}/`))
    if (below.length === 0) throw new Refusal(404, `There is no directory ${path}.`)
    const seen = new Map()
    for (const file of below) {
      const [name, ...rest] = file.slice(path.length + 1).split('/')
      const mode = rest.length ? 0o040755 : 0o100644
      seen.set(name, {
        path: `${path}/${name}`,
        nlink: 1,
        size: rest.length ? 4096 : this.files.get(file).length,
        mtime: { nanoseconds: Date.now() * 1e6 },
        mode,
        uid: 'root',
        gid: 'root',
      })
    }
    return { file_infos: [...seen.values()] }
  }

  subscribe(asked, response) {
    const subscribe = this.plain ? {} : asked
    response.writeHead(200, { 'Content-Type': 'application/json' })
    const send = (record) => {
      const text = JSON.stringify(record)
      response.write(`${Buffer.byteLength(text)}\n${text}`)
    }
    const { sequence, ...plainRecord } = this.subscribed(subscribe)
    send(this.plain ? plainRecord : { ...plainRecord, sequence })
    const wanted = (record, keys) =>
      (!subscribe.types || subscribe.types.includes(record.type)) &&
      ['framework', 'agent', 'task'].every(
        (k) => !subscribe[`${k}_id`] || !keys[k] || subscribe[`${k}_id`].value === keys[k],
      )
    const listener = (record, keys) => {
      if (!wanted(record, keys)) return
      if (this.plain) delete record.sequence
      send(record)
    }
    if (plainRecord.subscribed.resumed) {
      for (const { record, keys } of this.world.log)
        if (record.sequence > subscribe.since) listener(record, keys)
    }
    const heartbeat = () =>
      send(
        this.plain ? { type: 'HEARTBEAT' } : { type: 'HEARTBEAT', sequence: this.world.sequence },
      )
    heartbeat()
    const timer = setInterval(heartbeat, this.heartbeatS * 1000)
    const end = () => {
      clearInterval(timer)
      this.world.listeners.delete(listener)
      this.streams.delete(stream)
      response.socket?.destroy()
    }
    const stream = { end, types: subscribe.types }
    this.world.listeners.add(listener)
    this.streams.add(stream)
    response.on('close', end)
  }

  subscribed(subscribe) {
    const oldest = this.world.log[0]?.record.sequence ?? this.world.sequence + 1
    const { since } = subscribe
    const resumed = since !== undefined && since <= this.world.sequence && since >= oldest - 1
    const about = (kind) =>
      !resumed && (!subscribe.types || subscribe.types.some((t) => t.startsWith(kind)))
    const get_state = {
      get_tasks: about('TASK') ? this.tasks({}) : {},
      get_executors: {},
      get_frameworks: about('FRAMEWORK') ? this.bodies.GET_FRAMEWORKS() : {},
      get_agents: about('AGENT') ? this.bodies.GET_AGENTS() : {},
    }
    const subscribed = {
      get_state,
      heartbeat_interval_seconds: this.heartbeatS,
      ...(resumed ? { resumed } : {}),
    }
    return { type: 'SUBSCRIBED', sequence: resumed ? since : this.world.sequence, subscribed }
  }
}

const pick = (map, ids) => (ids ? ids.map((i) => map.get(i)).filter(Boolean) : [...map.values()])
const cursor = ({ section, task }) => Buffer.from(`${section}:${task.order}`).toString('base64')

function behind(text) {
  const [section, order] = Buffer.from(text, 'base64').toString().split(':').map(Number)
  return (f) => f.section > section || (f.section === section && f.task.order < order)
}
