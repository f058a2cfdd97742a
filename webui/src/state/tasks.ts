// A filtered, growing window of the cluster's tasks. It pages through GET_TASKS only as far as
// somebody has scrolled, then follows TASK_* events from that answer's sequence on, so there is no
// gap and no fetch of everything. A plain Mesos master answers with all tasks at once; then the
// same filter runs here.

import { call, describe } from '../api/call'
import { EventStream } from '../api/stream'
import type { StreamEvent, Task, TasksAnswer, TaskStatus } from '../api/types'
import { sum } from '../lib/resources'
import { isTerminal } from '../lib/states'
import { cluster } from './cluster'
import { Notifier } from './notifier'

const FIRST_PAGE = 200
const NEXT_PAGE = 1000
const FLOOD_PER_S = 2000
const FLOOD_REFRESH_MS = 3000

export interface TaskFilter {
  framework?: string
  agent?: string
  states?: string[]
  search?: string
  orphan?: boolean
}

export interface TaskRow {
  key: string
  id: string
  name: string
  framework: string
  agent: string
  executor?: string
  state: string
  cpus: number
  mem: number
  gpus: number
  started?: number
  updated?: number
  message?: string
}

export const taskKey = (framework: string, id: string) => `${framework}\n${id}`

export function rowOf(task: Task): TaskRow {
  const statuses = task.statuses ?? []
  const last = statuses[statuses.length - 1]
  const amounts = sum(task.resources)
  return {
    key: taskKey(task.framework_id.value, task.task_id.value),
    id: task.task_id.value,
    name: task.name,
    framework: task.framework_id.value,
    agent: task.agent_id.value,
    executor: task.executor_id?.value,
    state: task.state,
    cpus: amounts.cpus ?? 0,
    mem: amounts.mem ?? 0,
    gpus: amounts.gpus ?? 0,
    started: statuses[0]?.timestamp,
    updated: last?.timestamp,
    message: last?.message,
  }
}

// It may run, and its framework has not been seen since this master leads.
export function isOrphan(row: TaskRow): boolean {
  return !isTerminal(row.state) && !!cluster.frameworks.get(row.framework)?.recovered
}

export function matches(row: TaskRow, filter: TaskFilter): boolean {
  if (filter.framework && row.framework !== filter.framework) return false
  if (filter.agent && row.agent !== filter.agent) return false
  if (filter.states?.length && !filter.states.includes(row.state)) return false
  // Until the frameworks are known, what the master chose is believed.
  if (filter.orphan && cluster.loaded && !isOrphan(row)) return false
  if (!filter.search) return true
  const wanted = filter.search.toLowerCase()
  return row.id.toLowerCase().includes(wanted) || row.name.toLowerCase().includes(wanted)
}

export class TaskWindow extends Notifier {
  rows: TaskRow[] = []
  fresh: TaskRow[] = [] // arrived while the reader was further down
  total?: number
  loaded = false
  loading = false
  error?: string
  flooded = false
  holdNew = false
  private byKey = new Map<string, TaskRow>()
  private next?: string
  private complete = false
  private wanted = FIRST_PAGE
  private generation = 0
  private stream?: EventStream
  private abort = new AbortController()
  private eventsThisSecond = 0
  private secondBegan = 0
  private floodTimer?: ReturnType<typeof setTimeout>

  constructor(readonly filter: TaskFilter) {
    super(150)
    void this.reload()
  }

  stop(): void {
    this.generation++
    this.stream?.stop()
    this.abort.abort()
    clearTimeout(this.floodTimer)
  }

  // How many rows the list should offer space for.
  get length(): number {
    if (this.complete) return this.rows.length
    return Math.max(this.rows.length, this.total ?? 0)
  }

  // Loads on until `count` rows are here or there are no more.
  ensure(count: number): void {
    this.wanted = Math.max(this.wanted, count)
    if (this.loaded && !this.loading && !this.error) void this.loadMore()
  }

  showFresh(): void {
    if (this.fresh.length === 0) return
    this.rows = [...this.fresh.reverse(), ...this.rows]
    this.fresh = []
    this.changed()
  }

  async reload(): Promise<void> {
    const mine = ++this.generation
    this.stream?.stop()
    this.loading = true
    this.error = undefined
    this.changed()
    try {
      const answer = await this.page(FIRST_PAGE)
      if (mine !== this.generation) return
      this.rows = []
      this.fresh = []
      this.byKey.clear()
      this.append(answer.body)
      this.loaded = true
      if (!this.flooded) this.follow(answer.sequence)
    } catch (error) {
      if (mine !== this.generation) return
      this.error = describe(error)
    }
    this.loading = false
    this.changed()
    if (this.flooded) this.floodTimer = setTimeout(() => void this.reload(), FLOOD_REFRESH_MS)
    else if (!this.error) void this.loadMore()
  }

  private page(limit: number, after?: string) {
    const { framework, agent, states, search, orphan } = this.filter
    const get_tasks = {
      limit,
      after,
      framework_id: framework ? { value: framework } : undefined,
      agent_id: agent ? { value: agent } : undefined,
      state: states?.length ? states : undefined,
      search: search || undefined,
      orphan: orphan || undefined,
    }
    return call<TasksAnswer>('GET_TASKS', { get_tasks }, this.abort.signal)
  }

  private append(answer: TasksAnswer): void {
    const lists = [answer.tasks, answer.unreachable_tasks, answer.completed_tasks]
    for (const task of lists.flatMap((list) => list ?? [])) {
      const row = rowOf(task)
      if (this.byKey.has(row.key) || !matches(row, this.filter)) continue
      this.byKey.set(row.key, row)
      this.rows.push(row)
    }
    this.next = answer.next
    this.complete = answer.next === undefined
    this.total = answer.total
  }

  private async loadMore(): Promise<void> {
    const mine = this.generation
    while (!this.complete && this.rows.length < this.wanted && mine === this.generation) {
      this.loading = true
      try {
        const answer = await this.page(NEXT_PAGE, this.next)
        if (mine !== this.generation) return
        this.append(answer.body)
      } catch (error) {
        if (mine === this.generation) this.error = describe(error)
        break
      } finally {
        if (mine === this.generation) this.loading = false
      }
      this.changed()
    }
    if (mine === this.generation) this.changed()
  }

  private follow(sequence: number | undefined): void {
    const { framework, agent } = this.filter
    this.stream = new EventStream(
      {
        types: ['TASK_ADDED', 'TASK_UPDATED'],
        framework_id: framework ? { value: framework } : undefined,
        agent_id: agent ? { value: agent } : undefined,
      },
      (event) => this.take(event, sequence !== undefined),
      undefined,
      sequence,
    )
  }

  private take(event: StreamEvent, resumes: boolean): void {
    if (event.type === 'SUBSCRIBED') {
      // The server could not continue where the last answer ended: begin again.
      if (resumes && !event.subscribed?.resumed) void this.reload()
      return
    }
    this.countEvent()
    const task = event.task_added?.task
    if (task) this.add(rowOf(task))
    const update = event.task_updated
    if (update) this.update(update.framework_id.value, update.state, update.status)
    this.changed()
  }

  private add(row: TaskRow): void {
    if (this.byKey.has(row.key) || !matches(row, this.filter)) return
    this.byKey.set(row.key, row)
    if (this.total !== undefined) this.total++
    if (this.holdNew) this.fresh.push(row)
    else this.rows.unshift(row)
  }

  // A row stays where it is when its state leaves the filter: nothing jumps under the cursor.
  private update(framework: string, state: string, status: TaskStatus): void {
    const row = this.byKey.get(taskKey(framework, status.task_id?.value ?? ''))
    if (!row) return
    row.state = state
    row.started ??= status.timestamp
    row.updated = status.timestamp ?? row.updated
    row.message = status.message
  }

  // More changes than anyone can read: look at the top of the list every few seconds instead.
  private countEvent(): void {
    const now = Date.now()
    if (now - this.secondBegan > 1000) {
      this.secondBegan = now
      this.eventsThisSecond = 0
    }
    if (++this.eventsThisSecond <= FLOOD_PER_S || this.flooded) return
    this.flooded = true
    this.stream?.stop()
    this.floodTimer = setTimeout(() => void this.reload(), FLOOD_REFRESH_MS)
  }
}
