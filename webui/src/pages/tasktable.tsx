// The list of tasks, used by the Tasks page and inside the pages of an agent and a framework.

import type { ComponentChildren } from 'preact'
import { useMemo } from 'preact/hooks'
import { ago, amount, count, duration } from '../lib/format'
import { href } from '../lib/route'
import { isTerminal } from '../lib/states'
import { useCluster, useNow } from '../state/hooks'
import { isOrphan, matches, type TaskRow, type TaskWindow } from '../state/tasks'
import { Card, Empty, Pill, Skeleton, TaskPill } from '../ui/bits'
import { VirtualTable, type Column } from '../ui/table'

function lasted(row: TaskRow, now: number): string {
  if (!row.started) return '\u2013'
  const end = isTerminal(row.state) ? (row.updated ?? now) : now
  const seconds = Math.max(0, end - row.started)
  if (isTerminal(row.state)) return duration(seconds)
  return seconds < 1 ? '<1 s' : duration(Math.floor(seconds))
}

function columns(
  now: number,
  host: (id: string) => string,
  framework: (id: string) => string,
  hide: string[] | undefined,
): Column<TaskRow>[] {
  return [
    {
      key: 'task',
      title: 'Task',
      width: 'minmax(200px, 2fr)',
      render: (r) => (
        <>
          <b>{r.name || r.id}</b>
          {r.name !== r.id && <small class="id">{r.id}</small>}
        </>
      ),
    },
    { key: 'state', title: 'State', width: '120px', render: (r) => <TaskPill state={r.state} /> },
    {
      key: 'framework',
      title: 'Framework',
      width: 'minmax(110px, 1fr)',
      render: (r) => (
        <>
          {framework(r.framework)}
          {isOrphan(r) && (
            <>
              {'\u2002'}
              <Pill tone="lost">Orphan</Pill>
            </>
          )}
        </>
      ),
    },
    {
      key: 'agent',
      title: 'Agent',
      width: 'minmax(110px, 1fr)',
      narrow: hide?.includes('framework') ? undefined : false,
      render: (r) => host(r.agent),
    },
    {
      key: 'cpus',
      title: 'CPU',
      width: '64px',
      align: 'right',
      narrow: false,
      render: (r) => r.cpus.toFixed(2),
    },
    {
      key: 'mem',
      title: 'Memory',
      width: '90px',
      align: 'right',
      narrow: false,
      render: (r) => amount('mem', r.mem),
    },
    {
      key: 'lasted',
      title: 'Lasted',
      width: '90px',
      align: 'right',
      render: (r) => lasted(r, now),
    },
    {
      key: 'updated',
      title: 'Last change',
      width: '110px',
      align: 'right',
      narrow: false,
      render: (r) => <span class="muted">{r.updated ? ago(r.updated, now) : '\u2013'}</span>,
    },
  ]
}

interface Props {
  window: TaskWindow
  hide?: string[]
  fit?: boolean
  empty: ComponentChildren
}

export function TaskTable({ window, hide, fit, empty }: Props) {
  const cluster = useCluster()
  const now = useNow(1000)
  const list = useMemo(() => {
    const host = (id: string) => cluster.agentName(id)
    const name = (id: string) =>
      (cluster.frameworks.get(id) ?? cluster.completed.get(id))?.framework_info.name ?? id
    return columns(now, host, name, hide).filter((c) => !hide?.includes(c.key))
  }, [now, cluster.freshAt])
  if (window.error && window.rows.length === 0) {
    return (
      <Empty title="The tasks cannot be listed" tone="bad">
        {window.error}{' '}
        <button type="button" onClick={() => void window.reload()}>
          Try again
        </button>
      </Empty>
    )
  }
  if (!window.loaded) {
    return fit ? (
      <Skeleton />
    ) : (
      <Card>
        <Skeleton lines={10} />
      </Card>
    )
  }
  return (
    <div class="task-table">
      {window.fresh.length > 0 && (
        <button
          type="button"
          class="fresh"
          onClick={() => {
            window.showFresh()
            document.querySelector('.task-table .table')?.scrollTo({ top: 0 })
          }}
        >
          {count(window.fresh.length)} new, show
        </button>
      )}
      {window.flooded && (
        <p class="muted note">
          Tasks change faster than can be read: the list is renewed every 3 seconds.
        </p>
      )}
      <VirtualTable
        label="Tasks"
        columns={list}
        rows={window.rows}
        length={window.length}
        rowKey={(r) => r.key}
        href={(r) => href('tasks', [r.framework, r.id])}
        onNeed={(n) => window.ensure(n)}
        onScrolled={(away) => {
          window.holdNew = away
          if (!away) window.showFresh()
        }}
        dim={(r) => !matches(r, window.filter)}
        empty={empty}
        fit={fit}
      />
      {window.error && (
        <p class="log-error" role="alert">
          {window.error}{' '}
          <button type="button" onClick={() => void window.reload()}>
            Try again
          </button>
        </p>
      )}
    </div>
  )
}
