// One call, asked again and again while a page needs its answer and somebody looks.

import { call, describe } from '../api/call'
import { Notifier } from './notifier'

export class Poll<T> extends Notifier {
  answer?: T
  error?: string
  // What kept it from an answer, as HTTP says it: a plain Mesos master has no such call (400).
  status?: number
  private stopped = false
  private next?: ReturnType<typeof setTimeout>

  constructor(
    readonly type: string,
    readonly fields: object,
    readonly everyMs: number,
  ) {
    super(100)
    void this.ask()
  }

  stop(): void {
    this.stopped = true
    clearTimeout(this.next)
  }

  private async ask(): Promise<void> {
    if (!document.hidden) {
      try {
        this.answer = (await call<T>(this.type, this.fields)).body
        this.error = undefined
        this.status = undefined
      } catch (error) {
        this.error = describe(error)
        this.status = (error as { status?: number }).status
      }
    }
    if (this.stopped) return
    this.changed()
    this.next = setTimeout(() => void this.ask(), this.everyMs)
  }
}
