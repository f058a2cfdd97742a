// Why a framework is offered what it is, and no more: for each of its roles and each kind of agent
// the first rule in the way, its numbers where it is nearest to an offer, and what would help.

import type { Explanation, KindOfAgents, NamedValue, RoleExplanation } from '../api/plan'
import { count, percent } from '../lib/format'
import { href } from '../lib/route'
import { ruleLabel, ruleTone } from '../lib/rules'
import { useCluster, useFollower } from '../state/hooks'
import { Poll } from '../state/poll'
import { AsCommand, Card, Pill, Skeleton } from '../ui/bits'

const ASK_MS = 3000

export function WhyOffered({ id }: { id: string }) {
  const fields = { explain_framework: { framework_id: { value: id } } }
  const poll = useFollower(() => new Poll<Explanation>('EXPLAIN_FRAMEWORK', fields, ASK_MS), id)
  // A plain Mesos master has no such call: then there is nothing to show.
  if (!poll.answer && poll.status === 400) return null
  return (
    <Card title="Why it is offered what it is" class="why-offered">
      {poll.answer ? (
        (poll.answer.roles ?? []).map((role) => <RoleWhy key={role.role} role={role} />)
      ) : poll.error ? (
        <p class="muted note">{poll.error}</p>
      ) : (
        <Skeleton lines={3} />
      )}
      <AsCommand command={`bourse why ${id}`} />
    </Card>
  )
}

function numbersText(numbers: NamedValue[] = []): string {
  return numbers.map((n) => `${n.name.replaceAll('_', ' ')} ${n.value}`).join(', ')
}

function RoleWhy({ role }: { role: RoleExplanation }) {
  const refused = role.refused ?? []
  return (
    <section>
      <h3>
        Role <a href={href('roles', [role.role])}>{role.role}</a>
      </h3>
      <p class="muted">
        It holds {percent(role.share ?? 0)} of the cluster in it, the whole role{' '}
        {percent(role.role_share ?? 0)}; number {role.rank ?? 0} of {role.of ?? 0} in line.
      </p>
      {role.rule && (
        <p class="whole">
          <Pill tone={ruleTone(role.rule)}>{ruleLabel(role.rule)}</Pill> {role.change}
        </p>
      )}
      {role.looked_at !== undefined && (
        <p class="muted note">
          Looked at {count(+role.looked_at)} of {count(+(role.agents_in_all ?? 0))} agents, evenly
          spread: what follows counts those.
        </p>
      )}
      <Wants role={role} />
      {(role.agents ?? []).length > 0 && <Kinds role={role} />}
      {refused.length > 0 && (
        <p class="muted note">
          Refused since it subscribed:{' '}
          {refused.map((r) => `${ruleLabel(r.name).toLowerCase()} ${count(+r.value)}`).join(', ')}
        </p>
      )}
    </section>
  )
}

function Wants({ role }: { role: RoleExplanation }) {
  const wanted = role.wanted ?? []
  if (wanted.length === 0) return null
  return (
    <ul class="wants">
      {wanted.map((w, i) => (
        <li key={i}>
          It wants <b>{w.shape}</b>: {count(w.offered ?? 0)} on offer to it,{' '}
          {count(w.fits ?? 0)} more would fit
          {w.numbers?.length ? `; ${numbersText(w.numbers)}` : ''}
        </li>
      ))}
    </ul>
  )
}

function Kinds({ role }: { role: RoleExplanation }) {
  return (
    <table class="plain" aria-label={`What stands in the way in role ${role.role}`}>
      <thead>
        <tr>
          <th class="right">Agents</th>
          <th>Of this kind</th>
          <th>First rule in the way</th>
          <th>Numbers of the nearest</th>
          <th>What would help</th>
        </tr>
      </thead>
      <tbody>
        {(role.agents ?? []).map((agents, i) => (
          <Kind key={i} agents={agents} />
        ))}
      </tbody>
    </table>
  )
}

function Kind({ agents }: { agents: KindOfAgents }) {
  const cluster = useCluster()
  const id = agents.example?.value
  const rule = agents.rule ?? ''
  return (
    <tr>
      <td class="right">{count(agents.count ?? 0)}</td>
      <td>
        {agents.kind}
        {id && (
          <small>
            <a href={href('agents', [id])}>{cluster.agentName(id)}</a>
          </small>
        )}
      </td>
      <td>
        <Pill tone={ruleTone(rule)}>{ruleLabel(rule)}</Pill>
      </td>
      <td class="muted">{numbersText(agents.numbers)}</td>
      <td>{agents.change || <span class="muted">{'\u2013'}</span>}</td>
    </tr>
  )
}
