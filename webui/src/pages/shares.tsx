// Frameworks ordered by dominant share. The tick marks the fair share: the role's, by weight on
// each level of the tree of roles, divided among the frameworks of the role.

import type { Framework } from '../api/types'
import { percent } from '../lib/format'
import { dominantShare, sum, type Amounts, type Share } from '../lib/resources'
import { fairTree } from '../lib/roletree'
import { href } from '../lib/route'
import type { Cluster } from '../state/cluster'
import { useCluster, useWindow } from '../state/hooks'
import { Empty, Meter } from '../ui/bits'

export function rolesOf(framework: Framework): string[] {
  const { roles, role } = framework.framework_info
  return roles?.length ? roles : [role ?? '*']
}

// Fair share of each framework by id.
export function fairShares(cluster: Cluster): Map<string, number> {
  const members = new Map<string, string[]>()
  for (const [id, framework] of cluster.frameworks) {
    if (!framework.active) continue
    for (const role of rolesOf(framework)) members.set(role, [...(members.get(role) ?? []), id])
  }
  const { own } = fairTree(members.keys(), (role) => cluster.weight(role))
  const fair = new Map<string, number>()
  for (const [role, ids] of members) {
    const each = (own.get(role) ?? 0) / ids.length
    for (const id of ids) fair.set(id, (fair.get(id) ?? 0) + each)
  }
  return fair
}

export function shareOf(framework: Framework, totals: Amounts): Share {
  return dominantShare(sum(framework.allocated_resources), sum(framework.offered_resources), totals)
}

export function shareLabel(share: Share, fair?: number): string {
  const parts = [`${percent(share.used)} of ${share.resource || 'the cluster'} used`]
  if (share.offered > 0) parts.push(`${percent(share.offered)} offered`)
  if (fair !== undefined) parts.push(`fair share ${percent(fair)}`)
  return parts.join(', ')
}

export function ShareList({ limit }: { limit: number }) {
  const cluster = useCluster()
  const totals = cluster.totals()
  const fair = fairShares(cluster)
  const all = [...cluster.frameworks].map(([id, f]) => ({ id, f, share: shareOf(f, totals) }))
  all.sort((a, b) => b.share.used - a.share.used || (a.id < b.id ? -1 : 1))
  useWindow(
    'frameworks',
    all.slice(0, 200).map((row) => row.id),
  )
  if (all.length === 0) {
    return (
      <Empty title="No framework is connected">
        A framework gets offers as soon as it subscribes.
      </Empty>
    )
  }
  return (
    <ul class="shares">
      {all.slice(0, limit).map(({ id, f, share }) => (
        <li key={id}>
          <a href={href('frameworks', [id])}>
            <span class="name">{f.framework_info.name}</span>
            <span class="n">
              {percent(share.used)} <em>{share.resource}</em>
            </span>
            <Meter
              thin
              used={share.used}
              offered={share.offered}
              mark={fair.get(id)}
              label={shareLabel(share, fair.get(id))}
            />
          </a>
        </li>
      ))}
      {all.length > limit && <li class="muted">and {all.length - limit} more</li>}
    </ul>
  )
}
