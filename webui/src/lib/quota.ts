// What quotas mean for a role: its limit with those above it, headroom, what is still guaranteed.
// Pure. A role is `a/b`, and what it holds counts for `a` too.

import type { QuotaConfig } from '../api/plan'
import { orderedNames, type Amounts } from './resources'

export interface QuotaRow {
  resource: string
  guaranteed?: number
  limit?: number
  consumed: number
  // What it may still take before its own limit, or one above it, is reached.
  headroom?: number
  // The role whose limit is the nearest, where that is not its own.
  boundBy?: string
}

export function parentOf(role: string): string | undefined {
  const at = role.lastIndexOf('/')
  return at < 0 ? undefined : role.slice(0, at)
}

function amountOf(scalars: QuotaConfig['limits'], name: string): number | undefined {
  const entry = scalars?.[name]
  return entry === undefined ? undefined : (entry.value ?? 0)
}

// `consumedBy`: what a role has consumed; only those with a quota of their own need be known.
export function quotaRows(
  role: string,
  quotas: Map<string, QuotaConfig>,
  consumedBy: (role: string) => Amounts,
): QuotaRow[] {
  const own = quotas.get(role)
  const names: Amounts = {}
  const bounds: { role: string; limits: QuotaConfig['limits'] }[] = []
  for (let at: string | undefined = role; at !== undefined; at = parentOf(at)) {
    const limits = quotas.get(at)?.limits
    if (limits) bounds.push({ role: at, limits })
    for (const name of Object.keys(limits ?? {})) names[name] = 1
  }
  for (const name of Object.keys(own?.guarantees ?? {})) names[name] = 1
  return orderedNames(names).map((resource) => {
    const row: QuotaRow = {
      resource,
      guaranteed: amountOf(own?.guarantees, resource),
      limit: amountOf(own?.limits, resource),
      consumed: consumedBy(role)[resource] ?? 0,
    }
    for (const bound of bounds) {
      const limit = amountOf(bound.limits, resource)
      if (limit === undefined) continue
      const left = Math.max(0, limit - (consumedBy(bound.role)[resource] ?? 0))
      if (row.headroom !== undefined && left >= row.headroom) continue
      row.headroom = left
      row.boundBy = bound.role === role ? undefined : bound.role
    }
    return row
  })
}

export type QuotaState = 'full' | 'owed' | 'within' | 'none'

// The most pressing first: nothing more may be taken; less is held than was promised.
export function quotaState(rows: QuotaRow[]): QuotaState {
  if (rows.length === 0) return 'none'
  if (rows.some((row) => row.headroom === 0)) return 'full'
  if (rows.some((row) => row.consumed < (row.guaranteed ?? 0))) return 'owed'
  return 'within'
}
