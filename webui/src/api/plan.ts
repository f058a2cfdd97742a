// Whose resources, and what is planned with machines: quotas, explanations, declared demands,
// drains and maintenance. Quota and maintenance are Mesos' own calls; the rest are additions of
// Bourse (docs/operator-extensions.md), which a plain Mesos master does not send.

import type { Id, Nanos, Resource } from './types'

type Scalars = Record<string, { value?: number }>

export interface QuotaConfig {
  role: string
  guarantees?: Scalars
  limits?: Scalars
}
export interface QuotaAnswer {
  status?: { configs?: QuotaConfig[] }
  consumptions?: { role: string; consumed?: Record<string, number> }[]
}
export interface NamedValue {
  name: string
  value: string
}
export interface KindOfAgents {
  kind?: string
  rule?: string
  count?: number
  example?: Id
  numbers?: NamedValue[]
  change?: string
}
export interface Wanted {
  shape?: string
  count?: number
  offered?: number
  fits?: number
  numbers?: NamedValue[]
}
export interface RoleExplanation {
  role: string
  share?: number
  role_share?: number
  rank?: number
  of?: number
  rule?: string
  change?: string
  agents?: KindOfAgents[]
  refused?: NamedValue[]
  wanted?: Wanted[]
  looked_at?: number
  agents_in_all?: number
}
export interface Explanation {
  time?: Nanos
  roles?: RoleExplanation[]
}
export interface Demand {
  framework_id: Id
  role?: string
  resources?: Resource[]
  agent_id?: Id
  count?: number
  fits?: number
  unmet?: number
}
export interface DrainWait {
  framework_id: Id
  tasks?: number
  running?: number
  why?: string
}
export interface Drain {
  agent_id: Id
  waits?: DrainWait[]
}
export interface MachineId {
  hostname?: string
  ip?: string
}
export interface Window {
  machine_ids?: MachineId[]
  unavailability?: { start?: Nanos; duration?: Nanos }
}
export interface MaintenanceStatus {
  draining_machines?: {
    id: MachineId
    statuses?: { status?: string; framework_id?: Id }[]
  }[]
  down_machines?: MachineId[]
}
