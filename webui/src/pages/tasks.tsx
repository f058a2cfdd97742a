// All tasks: search and filters run on the master, the list holds what was scrolled to.

import { useEffect, useMemo, useState } from 'preact/hooks'
import { compact, count } from '../lib/format'
import { replaceQuery } from '../lib/route'
import { GROUPS, STATES, stateLabel } from '../lib/states'
import { useCluster, useFollower } from '../state/hooks'
import { TaskWindow } from '../state/tasks'
import { AsCommand, Choice, Empty, PageHead, Search } from '../ui/bits'
import { TaskTable } from './tasktable'

const SEARCH_WAIT_MS = 180

function useSettled(value: string): string {
  const [settled, set] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => set(value), SEARCH_WAIT_MS)
    return () => clearTimeout(timer)
  }, [value])
  return settled
}

function statesOf(query: URLSearchParams): string[] | undefined {
  const one = query.get('state')
  if (one) return [one]
  return GROUPS.find((g) => g.key === query.get('group'))?.states
}

export function TasksPage({ query }: { query: URLSearchParams }) {
  const search = query.get('q') ?? ''
  const settled = useSettled(search)
  const framework = query.get('framework') ?? undefined
  const agent = query.get('agent') ?? undefined
  const states = statesOf(query)
  const orphan = query.has('orphan') || undefined
  const filter = useMemo(
    () => ({ search: settled, framework, agent, states, orphan }),
    [settled, framework, agent, states?.join(), orphan],
  )
  const window = useFollower(() => new TaskWindow(filter), JSON.stringify(filter))
  const clear = {
    q: undefined,
    group: undefined,
    state: undefined,
    framework: undefined,
    agent: undefined,
    orphan: undefined,
  }
  const filtered = !!(settled || framework || agent || states || orphan)
  return (
    <div class="page-fill">
      <PageHead title="Tasks" sub={<Extent window={window} />}>
        <Search value={search} placeholder="Task name or id" onInput={(q) => replaceQuery({ q })} />
      </PageHead>
      <Filters query={query} />
      <TaskTable
        window={window}
        key={JSON.stringify(filter)}
        empty={
          filtered ? (
            <Empty title="No task matches">
              <button type="button" onClick={() => replaceQuery(clear)}>
                Clear search and filters
              </button>
            </Empty>
          ) : (
            <Empty title="No task has been launched yet">
              Frameworks launch tasks on offers. Try the example: <code>./dev demo</code>
            </Empty>
          )
        }
      />
      <AsCommand command={command(filter)} />
    </div>
  )
}

function command(filter: {
  search?: string
  framework?: string
  agent?: string
  states?: string[]
  orphan?: boolean
}): string {
  const words = ['bourse tasks']
  if (filter.framework) words.push(`--framework ${filter.framework}`)
  if (filter.agent) words.push(`--agent ${filter.agent}`)
  if (filter.states)
    words.push(`--state ${filter.states.map((s) => s.replace('TASK_', '')).join(',')}`)
  if (filter.orphan) words.push('--orphans')
  if (filter.search) words.push(`--search '${filter.search.replaceAll("'", "'\\''")}'`)
  return words.join(' ')
}

function Extent({ window }: { window: TaskWindow }) {
  if (!window.loaded) return <>{window.error ? 'Not loaded' : 'Loading\u2026'}</>
  const here = count(window.rows.length)
  return (
    <>
      {window.length > window.rows.length
        ? `${count(window.length)} tasks, ${here} loaded`
        : `${here} ${window.rows.length === 1 ? 'task' : 'tasks'}`}
    </>
  )
}

function Filters({ query }: { query: URLSearchParams }) {
  const cluster = useCluster()
  const m = cluster.metrics ?? {}
  const counted = (states: string[]) =>
    states.reduce((n, s) => n + (m[`master/tasks_${STATES[s]?.metric}`] ?? 0), 0)
  const state = query.get('state')
  const group = state ? '' : (query.get('group') ?? 'all')
  const options = [
    { key: 'all', label: 'All' },
    ...GROUPS.map((g) => ({
      key: g.key,
      label: g.label,
      count: cluster.metrics && compact(counted(g.states)),
    })),
  ]
  const frameworks = [...cluster.frameworks, ...cluster.completed]
  return (
    <div class="filters">
      <Choice
        label="State"
        value={group}
        options={options}
        onChange={(key) =>
          replaceQuery({ group: key === 'all' ? undefined : key, state: undefined })
        }
      />
      {state && (
        <button type="button" class="chip" onClick={() => replaceQuery({ state: undefined })}>
          {stateLabel(state)} <span aria-hidden="true">{'\u00d7'}</span>
          <span class="sr">remove filter</span>
        </button>
      )}
      <Orphans count={m['bourse/master/tasks_orphaned'] ?? 0} only={query.has('orphan')} />
      <Select
        label="Framework"
        value={query.get('framework') ?? ''}
        options={frameworks.slice(0, 500).map(([id, f]) => [id, f.framework_info.name])}
        onChange={(framework) => replaceQuery({ framework })}
      />
      <Select
        label="Agent"
        value={query.get('agent') ?? ''}
        options={[...cluster.agents.keys()]
          .slice(0, 1000)
          .map((id) => [id, cluster.agentName(id)])}
        onChange={(agent) => replaceQuery({ agent })}
      />
    </div>
  )
}

// Tasks whose framework has not come back since this master leads; shown only while there are any.
function Orphans(props: { count: number; only: boolean }) {
  if (!props.only && props.count === 0) return null
  return (
    <button
      type="button"
      class="chip"
      aria-pressed={props.only}
      title="Their frameworks have not been seen since this master leads"
      onClick={() => replaceQuery({ orphan: props.only ? undefined : '1' })}
    >
      {props.only ? (
        <>
          Orphans <span aria-hidden="true">{'\u00d7'}</span>
          <span class="sr">remove filter</span>
        </>
      ) : (
        `${count(props.count)} ${props.count === 1 ? 'orphan' : 'orphans'}`
      )}
    </button>
  )
}

function Select(props: {
  label: string
  value: string
  options: [string, string][]
  onChange: (v: string) => void
}) {
  const sorted = [...props.options].sort((a, b) => (a[1] < b[1] ? -1 : 1))
  return (
    <label class={`select ${props.value ? 'set' : ''}`}>
      <span class="sr">{props.label}</span>
      <select value={props.value} onChange={(event) => props.onChange(event.currentTarget.value)}>
        <option value="">Any {props.label.toLowerCase()}</option>
        {sorted.map(([id, name]) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
        {props.value && !sorted.some(([id]) => id === props.value) && (
          <option value={props.value}>{props.value}</option>
        )}
      </select>
    </label>
  )
}
