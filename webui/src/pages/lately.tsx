// What went wrong lately and who came or went: two cards of the overview.

import { useEffect, useState } from 'preact/hooks'
import { call } from '../api/call'
import type { TasksAnswer } from '../api/types'
import { ago, shortId } from '../lib/format'
import { href } from '../lib/route'
import { BAD_STATES, explainReason, STATES } from '../lib/states'
import { useCluster, useNow } from '../state/hooks'
import { rowOf, type TaskRow } from '../state/tasks'
import { Card, Empty, Skeleton, TaskPill } from '../ui/bits'

// Asked again only when a counter of failures has moved.
function useFailures(): TaskRow[] | undefined {
  const cluster = useCluster()
  const m = cluster.metrics
  const names = Object.values(STATES).filter((s) => s.tone === 'bad' || s.tone === 'lost')
  const moved = m ? names.map((s) => m[`master/tasks_${s.metric}`] ?? 0).join() : ''
  const [rows, set] = useState<TaskRow[]>()
  useEffect(() => {
    if (moved === '') return
    const abort = new AbortController()
    const wait = setTimeout(
      () => {
        call<TasksAnswer>('GET_TASKS', { get_tasks: { limit: 6, state: BAD_STATES } }, abort.signal)
          .then(({ body }) => {
            const all = [
              ...(body.tasks ?? []),
              ...(body.unreachable_tasks ?? []),
              ...(body.completed_tasks ?? []),
            ]
            const bad = all.filter((task) => BAD_STATES.includes(task.state)).map(failureRow)
            set(bad.sort((a, b) => (b.updated ?? 0) - (a.updated ?? 0)).slice(0, 6))
          })
          .catch(() => {})
      },
      rows ? 1000 : 0,
    )
    return () => {
      clearTimeout(wait)
      abort.abort()
    }
  }, [moved])
  return rows
}

function failureRow(task: Parameters<typeof rowOf>[0]): TaskRow {
  const row = rowOf(task)
  const last = task.statuses?.[task.statuses.length - 1]
  return { ...row, message: [explainReason(last?.reason), last?.message].filter(Boolean).join(' ') }
}

export function Failures() {
  const rows = useFailures()
  const now = useNow(5000)
  return (
    <Card
      title="Lately failed or lost"
      aside={<a href={href('tasks', [], { group: 'failed' })}>All</a>}
    >
      {!rows ? (
        <Skeleton lines={3} />
      ) : rows.length === 0 ? (
        <Empty title="Nothing has failed">
          Tasks that fail or get lost appear here, with the reason.
        </Empty>
      ) : (
        <ul class="failures">
          {rows.map((row) => (
            <li key={row.key}>
              <a href={href('tasks', [row.framework, row.id])}>
                <TaskPill state={row.state} />
                <span class="what" title={row.message}>
                  <b>{row.name || row.id}</b>
                  <span class="muted">{row.message || 'No reason given.'}</span>
                </span>
                <time>{row.updated ? ago(row.updated, now) : ''}</time>
              </a>
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

export function Feed() {
  const cluster = useCluster()
  const now = useNow(5000)
  return (
    <Card title="Comings and goings">
      {cluster.feed.length === 0 ? (
        <Empty title="Nothing has changed">
          Agents and frameworks that come or go appear here as it happens.
        </Empty>
      ) : (
        <ul class="feed">
          {cluster.feed.slice(0, 8).map((entry, i) => (
            <li key={i} class={`tone-${entry.tone}`}>
              <i class="dot" />
              <span class="what">
                {entry.text}{' '}
                {entry.target ? (
                  <a href={href(entry.target[0], [entry.target[1]])}>{shortId(entry.detail, 40)}</a>
                ) : (
                  <b>{shortId(entry.detail, 40)}</b>
                )}
              </span>
              <time>{ago(entry.at, now)}</time>
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}
