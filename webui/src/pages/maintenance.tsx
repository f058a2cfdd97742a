// What is planned with machines: windows of maintenance, drains, and for whom a drain waits.

import type { Drain, MachineId, MaintenanceStatus, Window } from '../api/plan'
import type { Agent } from '../api/types'
import { ago, count, counted, dateTime, duration } from '../lib/format'
import { href } from '../lib/route'
import { agentState, type Tone } from '../lib/states'
import { useCluster, useFollower, useNow, useWindow } from '../state/hooks'
import { Poll } from '../state/poll'
import { AsCommand, Card, Pill } from '../ui/bits'

const ASK_MS = 5000
const SHOWN = 20

export interface Planned {
  machine: MachineId
  start?: number // seconds since 1970
  seconds?: number // absent: for good
  state: 'planned' | 'down'
  answers: { agreed: number; refused: number; silent: number }
}

const same = (a: MachineId, b: MachineId) => a.hostname === b.hostname && a.ip === b.ip
export const machineName = (m: MachineId) => m.hostname || m.ip || ''

// One row a machine, the next window first.
export function plannedMachines(windows: Window[], status: MaintenanceStatus): Planned[] {
  const down = status.down_machines ?? []
  const rows = windows.flatMap((window) =>
    (window.machine_ids ?? []).map((machine): Planned => {
      const start = window.unavailability?.start?.nanoseconds
      const length = window.unavailability?.duration?.nanoseconds
      const draining = (status.draining_machines ?? []).find((d) => same(d.id, machine))
      const said = (what: string) =>
        (draining?.statuses ?? []).filter((s) => s.status === what).length
      const answers = { agreed: said('ACCEPT'), refused: said('DECLINE'), silent: said('UNKNOWN') }
      return {
        machine,
        start: start === undefined ? undefined : start / 1e9,
        seconds: length === undefined ? undefined : length / 1e9,
        state: down.some((d) => same(d, machine)) ? 'down' : 'planned',
        answers,
      }
    }),
  )
  return rows.sort((a, b) => (a.start ?? 0) - (b.start ?? 0))
}

function usePlanned(): Planned[] {
  const schedule = useFollower(
    () =>
      new Poll<{ schedule?: { windows?: Window[] } }>('GET_MAINTENANCE_SCHEDULE', {}, ASK_MS),
    'schedule',
  )
  const status = useFollower(
    () => new Poll<{ status?: MaintenanceStatus }>('GET_MAINTENANCE_STATUS', {}, ASK_MS),
    'status',
  )
  return plannedMachines(schedule.answer?.schedule?.windows ?? [], status.answer?.status ?? {})
}

function whenText(planned: Planned, now: number): string {
  const length = planned.seconds === undefined ? 'for good' : `for ${duration(planned.seconds)}`
  if (planned.start === undefined) return length
  const begins =
    planned.start > now
      ? `in ${duration(Math.floor(planned.start - now))}`
      : `since ${ago(planned.start, now)}`
  return `${begins}, ${length}`
}

function answersText({ answers }: Planned): string {
  const parts: string[] = []
  if (answers.agreed) parts.push(`${count(answers.agreed)} will leave`)
  if (answers.refused) parts.push(`${count(answers.refused)} will stay`)
  if (answers.silent) parts.push(`${count(answers.silent)} asked, no answer yet`)
  return parts.join(', ')
}

const STATES: Record<Planned['state'], { label: string; tone: Tone }> = {
  planned: { label: 'Planned', tone: 'wait' },
  down: { label: 'Down', tone: 'lost' },
}

// On the list of agents; nothing, as long as nothing is planned.
export function Maintenance() {
  const cluster = useCluster()
  const now = useNow()
  const planned = usePlanned()
  const leaving = [...cluster.agents].filter(([, agent]) => agent.drain_info).slice(0, SHOWN)
  useWindow(
    'agents',
    leaving.map(([id]) => id),
  )
  if (planned.length === 0 && leaving.length === 0) return null
  return (
    <Card title="Maintenance" class="maintenance">
      <ul class="offers">
        {planned.slice(0, SHOWN).map((row) => (
          <li key={machineName(row.machine)}>
            <b>{machineName(row.machine)}</b>
            <span>
              {whenText(row, now)}
              {answersText(row) && <em class="muted"> {answersText(row)}</em>}
            </span>
            <Pill tone={STATES[row.state].tone}>{STATES[row.state].label}</Pill>
          </li>
        ))}
        {leaving.map(([id, agent]) => (
          <li key={id}>
            <a href={href('agents', [id])}>{cluster.agentName(id)}</a>
            <span>{waitText(agent, cluster.drains.get(id))}</span>
            <Pill tone={agentState(agent).tone}>{agentState(agent).label}</Pill>
          </li>
        ))}
      </ul>
      {planned.length > SHOWN && <p class="muted note">and {planned.length - SHOWN} more</p>}
      <AsCommand command="bourse maintenance schedule" />
    </Card>
  )
}

function waitText(agent: Agent, drain: Drain | undefined): string {
  if (agent.drain_info?.state === 'DRAINED') return 'nothing runs there'
  const waits = drain?.waits ?? []
  if (waits.length === 0) return 'its tasks are being ended'
  const tasks = waits.reduce((n, wait) => n + (wait.tasks ?? 0), 0)
  const waiting = `${counted(tasks, 'task')} wait${tasks === 1 ? 's' : ''}`
  const budgets = waits.length === 1 ? 'the budget' : 'budgets'
  return `${waiting} for ${budgets} of ${counted(waits.length, 'framework')}`
}

// On the page of an agent that is to go.
export function GoingAway({ id, agent }: { id: string; agent: Agent }) {
  const cluster = useCluster()
  const now = useNow()
  const host = agent.agent_info.hostname.toLowerCase()
  const planned = usePlanned().filter((p) => p.machine.hostname?.toLowerCase() === host)
  if (!agent.drain_info && !agent.deactivated && planned.length === 0) return null
  const began = agent.estimated_drain_start_time?.nanoseconds
  const waits = cluster.drains.get(id)?.waits ?? []
  const state = agentState(agent)
  return (
    <Card title="It is to go" class="maintenance">
      <ul class="offers">
        {planned.map((row, i) => (
          <li key={i}>
            <b>Maintenance</b>
            <span>
              {whenText(row, now)}
              {row.start !== undefined && (
                <em class="muted">
                  {' '}
                  {[dateTime(row.start), answersText(row)].filter(Boolean).join(', ')}
                </em>
              )}
            </span>
            <Pill tone={STATES[row.state].tone}>{STATES[row.state].label}</Pill>
          </li>
        ))}
        {(agent.drain_info || agent.deactivated) && (
          <li>
            <b>{agent.drain_info ? 'Drain' : 'Deactivated'}</b>
            <span>
              It is offered to nobody{began ? `; the drain began ${ago(began / 1e9, now)}` : ''}.
            </span>
            <Pill tone={state.tone}>{state.label}</Pill>
          </li>
        )}
        {waits.map((wait) => (
          <li key={wait.framework_id.value}>
            <a href={href('frameworks', [wait.framework_id.value])}>
              {cluster.frameworks.get(wait.framework_id.value)?.framework_info.name ??
                wait.framework_id.value}
            </a>
            <span>{wait.why}</span>
            <b>{count(wait.tasks ?? 0)} left here</b>
          </li>
        ))}
      </ul>
      {(agent.drain_info || agent.deactivated) && (
        <AsCommand command={`bourse agents reactivate ${id}`} />
      )}
    </Card>
  )
}
