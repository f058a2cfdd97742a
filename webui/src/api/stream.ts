// A SUBSCRIBE stream that keeps itself alive: it reconnects with back-off, resumes after the last
// sequence it has seen, and notices a silent connection by missing heartbeats.

import { API_PATH, describe, failure } from './call'
import { RecordReader } from './recordio'
import type { StreamEvent } from './types'

export type LinkState = 'connecting' | 'live' | 'lost'

export interface Link {
  state: LinkState
  error?: string
  since: number // ms since 1970: when the state began
  retryAt?: number
}

export interface Subscription {
  types?: string[]
  framework_id?: { value: string }
  agent_id?: { value: string }
  task_id?: { value: string }
}

const BACKOFF_MS = [500, 1000, 2000, 4000, 8000, 15_000]
const DEFAULT_HEARTBEAT_S = 15

export class EventStream {
  link: Link = { state: 'connecting', since: Date.now() }
  private stopped = false
  private failures = 0
  private abort?: AbortController
  private retryTimer?: ReturnType<typeof setTimeout>
  private silenceTimer?: ReturnType<typeof setTimeout>
  private silenceMs = 2.5 * DEFAULT_HEARTBEAT_S * 1000

  constructor(
    private readonly subscription: Subscription,
    private readonly onEvent: (event: StreamEvent) => void,
    private readonly onLink: (link: Link) => void = () => {},
    private sequence?: number,
  ) {
    void this.run()
  }

  stop(): void {
    this.stopped = true
    clearTimeout(this.retryTimer)
    clearTimeout(this.silenceTimer)
    this.abort?.abort()
  }

  retryNow(): void {
    if (this.stopped || this.link.state !== 'lost') return
    clearTimeout(this.retryTimer)
    void this.run()
  }

  private setLink(state: LinkState, error?: string, retryAt?: number): void {
    const since = this.link.state === state ? this.link.since : Date.now()
    this.link = { state, error, since, retryAt }
    this.onLink(this.link)
  }

  private async run(): Promise<void> {
    this.abort = new AbortController()
    const signal = this.abort.signal
    try {
      await this.read(signal)
      this.lost('The master closed the event stream.')
    } catch (error) {
      if (this.stopped) return
      this.lost(signal.aborted ? 'No sign of life from the master.' : describe(error))
    }
  }

  private lost(error: string): void {
    if (this.stopped) return
    clearTimeout(this.silenceTimer)
    const wait = BACKOFF_MS[Math.min(this.failures, BACKOFF_MS.length - 1)] as number
    this.failures += 1
    this.setLink('lost', error, Date.now() + wait)
    this.retryTimer = setTimeout(() => void this.run(), wait)
  }

  private async read(signal: AbortSignal): Promise<void> {
    this.armSilence()
    const subscribe = { ...this.subscription, since: this.sequence }
    const response = await fetch(API_PATH, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify({ type: 'SUBSCRIBE', subscribe }),
      signal,
      cache: 'no-store',
    })
    if (!response.ok) throw await failure(response)
    if (!response.body) throw new Error('The browser gives no streaming body.')
    const reader = response.body.getReader()
    const records = new RecordReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done || this.stopped) return
      this.armSilence()
      for (const text of records.push(value)) this.take(JSON.parse(text) as StreamEvent)
    }
  }

  private take(event: StreamEvent): void {
    if (event.type === 'SUBSCRIBED') {
      this.failures = 0
      const beat = event.subscribed?.heartbeat_interval_seconds ?? DEFAULT_HEARTBEAT_S
      this.silenceMs = 2.5 * beat * 1000
      this.setLink('live')
    }
    if (event.sequence !== undefined) this.sequence = event.sequence
    if (event.type !== 'HEARTBEAT') this.onEvent(event)
  }

  private armSilence(): void {
    clearTimeout(this.silenceTimer)
    this.silenceTimer = setTimeout(() => this.abort?.abort(), this.silenceMs)
  }
}
