// Arithmetic on Mesos resources. Amounts of one name are summed over roles, reservations and
// disks; ranges and sets count their members.

import type { Range, Resource } from '../api/types'

export type Amounts = Record<string, number>

export const MAIN_RESOURCES = ['cpus', 'mem', 'disk', 'gpus'] as const

export function amountOf(resource: Resource): number {
  if (resource.type === 'RANGES') {
    return (resource.ranges?.range ?? []).reduce(
      (n, r) => n + Number(r.end) - Number(r.begin) + 1,
      0,
    )
  }
  if (resource.type === 'SET') return resource.set?.item?.length ?? 0
  return resource.scalar?.value ?? 0
}

export function sum(resources: Resource[] | undefined): Amounts {
  const total: Amounts = {}
  for (const resource of resources ?? []) {
    total[resource.name] = (total[resource.name] ?? 0) + amountOf(resource)
  }
  return total
}

export function addInto(total: Amounts, more: Amounts): void {
  for (const name of Object.keys(more)) total[name] = (total[name] ?? 0) + (more[name] ?? 0)
}

export function portText(ranges: Range[] | undefined): string {
  return (ranges ?? [])
    .map((r) => (r.begin === r.end ? `${r.begin}` : `${r.begin}-${r.end}`))
    .join(', ')
}

export interface Share {
  resource: string
  used: number // fraction of the cluster, 0..1
  offered: number
}

// The resource of which a framework holds the greatest part, as in dominant resource fairness.
// Offered resources are shown beside, never as used.
export function dominantShare(used: Amounts, offered: Amounts, total: Amounts): Share {
  let best: Share = { resource: '', used: 0, offered: 0 }
  for (const name of Object.keys(total)) {
    const all = total[name] ?? 0
    if (all <= 0 || name === 'ports') continue
    const share = {
      resource: name,
      used: (used[name] ?? 0) / all,
      offered: (offered[name] ?? 0) / all,
    }
    const better = share.used - best.used || share.offered - best.offered
    if (best.resource === '' || better > 1e-12) best = share
  }
  return best
}

// cpus, mem, disk, gpus first, ports last, the cluster's own kinds between.
export function orderedNames(amounts: Amounts): string[] {
  const rank = (name: string) => {
    const main = (MAIN_RESOURCES as readonly string[]).indexOf(name)
    if (main >= 0) return main
    return name === 'ports' ? 100 : 50
  }
  return Object.keys(amounts).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
}
