// One task, followed: its description once, then its status updates.

import { call, describe } from '../api/call'
import { EventStream } from '../api/stream'
import type { Task, TasksAnswer } from '../api/types'
import { Notifier } from './notifier'

export class TaskFollower extends Notifier {
  task?: Task
  missing = false
  error?: string
  private stream?: EventStream
  private stopped = false

  constructor(
    private readonly framework: string,
    private readonly id: string,
  ) {
    super(100)
    void this.load()
  }

  stop(): void {
    this.stopped = true
    this.stream?.stop()
  }

  async load(): Promise<void> {
    this.error = undefined
    this.missing = false
    this.changed()
    const framework_id = { value: this.framework }
    const task_id = { value: this.id }
    try {
      const answer = await call<TasksAnswer>('GET_TASKS', {
        get_tasks: { limit: 1, framework_id, task_id },
      })
      if (this.stopped) return
      const { tasks, unreachable_tasks, completed_tasks } = answer.body
      const all = [tasks, unreachable_tasks, completed_tasks].flatMap((list) => list ?? [])
      this.task = all.find(
        (t) => t.task_id.value === this.id && t.framework_id.value === this.framework,
      )
      this.missing = !this.task
      this.follow(answer.sequence)
    } catch (error) {
      this.error = describe(error)
    }
    this.changed()
  }

  private follow(sequence: number | undefined): void {
    this.stream?.stop()
    this.stream = new EventStream(
      {
        types: ['TASK_ADDED', 'TASK_UPDATED'],
        framework_id: { value: this.framework },
        task_id: { value: this.id },
      },
      (event) => {
        const added = event.task_added?.task
        if (added && this.mine(added.framework_id.value, added.task_id.value)) {
          this.task = added
          this.missing = false
        }
        const update = event.task_updated
        if (update && this.mine(update.framework_id.value, update.status.task_id?.value)) {
          if (!this.task) return void this.load()
          const statuses = [...(this.task.statuses ?? [])]
          const last = statuses[statuses.length - 1]
          const same =
            last && last.state === update.status.state && last.timestamp === update.status.timestamp
          if (!same) statuses.push(update.status)
          this.task = { ...this.task, statuses, state: update.state }
        }
        const fresh = event.subscribed && !event.subscribed.resumed && sequence !== undefined
        if (fresh && !this.stopped) void this.load()
        this.changed()
      },
      undefined,
      sequence,
    )
  }

  private mine(framework: string, id: string | undefined): boolean {
    return framework === this.framework && id === this.id
  }
}
