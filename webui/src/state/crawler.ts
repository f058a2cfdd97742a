// What a crawler framework publishes about itself, read once a second through the master. The
// shape of the document is in docs/operator-extensions.md; every field may be missing.

import { describe } from '../api/call'
import { readFile } from '../api/files'
import type { Framework } from '../api/types'
import { History } from './history'
import { Notifier } from './notifier'

const POLL_MS = 1000
const ENDED_POLL_MS = 10_000

export interface Stage {
  name: string
  workers?: number
  target_workers?: number
  queue?: number
  in_flight?: number
  done?: number
  failed?: number
  rate_per_s?: number
  paused?: boolean
  trouble?: string
}
export interface Site {
  host: string
  queue?: number
  in_flight?: number
  done?: number
  items?: number
  errors?: number
  rate_per_s?: number
  allowed_per_s?: number
  state?: string
}
export interface CrawlerStats {
  time?: number
  run?: {
    state?: string
    expected_items?: number
    items?: number
    duplicates?: number
    pages?: number
    bytes?: number
    errors?: number
    seconds?: number
  }
  stages?: Stage[]
  sites?: Site[]
  errors?: Record<string, number>
}

export function isCrawler(framework: Framework): boolean {
  const labels = framework.framework_info.labels?.labels ?? []
  return labels.some((label) => label.key === 'bourse.ui' && label.value === 'crawler')
}

export class CrawlerFollower extends Notifier {
  stats?: CrawlerStats
  error?: string
  missing = false
  history = new History(900)
  private stopped = false
  private pollTimer?: ReturnType<typeof setTimeout>

  constructor(readonly framework: string) {
    super(100)
    void this.poll()
  }

  stop(): void {
    this.stopped = true
    clearTimeout(this.pollTimer)
  }

  private async poll(): Promise<void> {
    try {
      const file = await readFile(`/frameworks/${this.framework}/published/stats.json`, 0)
      this.take(JSON.parse(new TextDecoder().decode(file.bytes)) as CrawlerStats)
    } catch (error) {
      this.error = error instanceof SyntaxError ? 'stats.json is not JSON.' : describe(error)
      this.missing = (error as { status?: number }).status === 404
    }
    if (this.stopped) return
    this.changed()
    const ended = this.missing && this.stats !== undefined
    this.pollTimer = setTimeout(() => void this.poll(), ended ? ENDED_POLL_MS : POLL_MS)
  }

  private take(stats: CrawlerStats): void {
    this.error = undefined
    this.missing = false
    this.stats = stats
    const values: Record<string, number | undefined> = {
      pages: stats.run?.pages,
      items: stats.run?.items,
      errors: stats.run?.errors,
    }
    for (const stage of stats.stages ?? []) {
      values[`queue/${stage.name}`] = stage.queue
      values[`rate/${stage.name}`] = stage.rate_per_s
    }
    this.history.add(stats.time ?? Date.now() / 1000, values)
  }
}

export type Pace = 'over' | 'full' | 'part' | 'idle'

// A site above 1.05 times its allowance is over: rates are averages over a few seconds.
export function pace(site: Site): Pace {
  const rate = site.rate_per_s ?? 0
  const allowed = site.allowed_per_s ?? 0
  if (allowed > 0 && rate > allowed * 1.05) return 'over'
  if (rate < 0.05) return 'idle'
  return allowed > 0 && rate >= allowed * 0.75 ? 'full' : 'part'
}
