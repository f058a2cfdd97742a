// What frameworks say they want and would not get now, however long they wait.

import type { Demand } from '../api/plan'
import { amount, count } from '../lib/format'
import { orderedNames, sum } from '../lib/resources'
import { href } from '../lib/route'
import { useCluster } from '../state/hooks'
import { Card } from '../ui/bits'

const SHOWN = 12

export function shapeText(demand: Demand): string {
  const amounts = sum(demand.resources)
  return orderedNames(amounts)
    .map((name) => `${amount(name, amounts[name] ?? 0)} ${name}`)
    .join(', ')
}

export function UnmetDemands() {
  const cluster = useCluster()
  const unmet = [...cluster.demands.values()].flat().filter((d) => (d.unmet ?? 0) > 0)
  if (unmet.length === 0) return null
  unmet.sort((a, b) => (b.unmet ?? 0) - (a.unmet ?? 0))
  const name = (id: string) => cluster.frameworks.get(id)?.framework_info.name ?? id
  return (
    <Card title={`Demands that nothing free meets (${unmet.length})`} class="demands">
      <ul class="offers">
        {unmet.slice(0, SHOWN).map((demand, i) => (
          <li key={i}>
            <a href={href('frameworks', [demand.framework_id.value])}>
              {name(demand.framework_id.value)}
            </a>
            <span>
              {count(demand.count ?? 0)} times {shapeText(demand)}
              {demand.agent_id && ` on ${cluster.agentName(demand.agent_id.value)}`}
              {demand.role && <em class="muted"> in role {demand.role}</em>}
            </span>
            <b>{count(demand.unmet ?? 0)} unmet</b>
          </li>
        ))}
      </ul>
      {unmet.length > SHOWN && <p class="muted note">and {unmet.length - SHOWN} more</p>}
    </Card>
  )
}
