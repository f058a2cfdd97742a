// Who came and who went, newest first. What happened before the page was opened is read off the
// times that the first state carries.

import type { Agent, Framework } from '../api/types'

export interface FeedEntry {
  at: number // seconds since 1970
  text: string
  detail: string
  target?: [page: string, id: string]
  tone: 'run' | 'lost' | 'done'
}

interface Members {
  agents: Map<string, Agent>
  frameworks: Map<string, Framework>
  completed: Map<string, Framework>
  agentName(id: string): string
}

const MAX_PAST = 12

export function pastFeed(members: Members): FeedEntry[] {
  const { agents, frameworks, completed } = members
  const feed: FeedEntry[] = []
  const add = (time: number | undefined, entry: Omit<FeedEntry, 'at'>) => {
    if (time) feed.push({ at: time / 1e9, ...entry })
  }
  for (const [id, agent] of agents) {
    const target: [string, string] = ['agents', id]
    const detail = members.agentName(id)
    const joined = { text: 'Agent joined', detail, target, tone: 'run' as const }
    add(agent.registered_time?.nanoseconds, joined)
    add(agent.reregistered_time?.nanoseconds, { ...joined, text: 'Agent came back' })
  }
  for (const [id, framework] of [...frameworks, ...completed]) {
    const detail = framework.framework_info.name
    const target: [string, string] = ['frameworks', id]
    add(framework.registered_time?.nanoseconds, {
      text: 'Framework joined',
      detail,
      target,
      tone: 'run',
    })
    add(framework.unregistered_time?.nanoseconds, {
      text: 'Framework ended',
      detail,
      target,
      tone: 'done',
    })
  }
  return feed.sort((a, b) => b.at - a.at).slice(0, MAX_PAST)
}
