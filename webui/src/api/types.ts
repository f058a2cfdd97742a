// The part of the Mesos v1 operator API that the UI reads, in its JSON form. Everything from the
// wire may be absent: Mesos omits empty and default values.

export interface Id {
  value: string
}
export interface Nanos {
  nanoseconds: number
}
export interface Range {
  begin: number
  end: number
}
export interface Label {
  key: string
  value?: string
}
export interface Labels {
  labels?: Label[]
}
export interface Resource {
  name: string
  type: 'SCALAR' | 'RANGES' | 'SET'
  scalar?: { value: number }
  ranges?: { range?: Range[] }
  set?: { item?: string[] }
  role?: string
  allocation_info?: { role?: string }
  reservations?: { role?: string; type?: string }[]
  revocable?: object
}
export interface Attribute {
  name: string
  type: string
  text?: { value: string }
  scalar?: { value: number }
  ranges?: { range?: Range[] }
  set?: { item?: string[] }
}
export interface Domain {
  fault_domain?: { region?: { name: string }; zone?: { name: string } }
}
export interface Agent {
  agent_info: {
    id: Id
    hostname: string
    port?: number
    attributes?: Attribute[]
    domain?: Domain
  }
  active?: boolean
  deactivated?: boolean
  version?: string
  pid?: string
  registered_time?: Nanos
  reregistered_time?: Nanos
  total_resources?: Resource[]
  allocated_resources?: Resource[]
  offered_resources?: Resource[]
  drain_info?: { state?: string }
  estimated_drain_start_time?: Nanos
}
export interface FrameworkInfo {
  id?: Id
  name: string
  user?: string
  role?: string
  roles?: string[]
  principal?: string
  hostname?: string
  webui_url?: string
  failover_timeout?: number
  checkpoint?: boolean
  labels?: Labels
  capabilities?: { type: string }[]
}
export interface Offer {
  id: Id
  agent_id: Id
  hostname?: string
  resources?: Resource[]
  allocation_info?: { role?: string }
}
export interface Framework {
  framework_info: FrameworkInfo
  active?: boolean
  connected?: boolean
  recovered?: boolean
  registered_time?: Nanos
  reregistered_time?: Nanos
  unregistered_time?: Nanos
  allocated_resources?: Resource[]
  offered_resources?: Resource[]
  offers?: Offer[]
}
export interface TaskStatus {
  task_id?: Id
  state: string
  message?: string
  source?: string
  reason?: string
  agent_id?: Id
  executor_id?: Id
  timestamp?: number
  healthy?: boolean
  container_status?: {
    container_id?: { value: string; parent?: unknown }
    network_infos?: { ip_addresses?: { ip_address?: string }[] }[]
    executor_pid?: number
  }
}
export interface Task {
  name: string
  task_id: Id
  framework_id: Id
  executor_id?: Id
  agent_id: Id
  state: string
  resources?: Resource[]
  statuses?: TaskStatus[]
  labels?: Labels
  discovery?: {
    name?: string
    visibility?: string
    ports?: { ports?: { number: number; name?: string; protocol?: string }[] }
  }
  health_check?: { type?: string }
  user?: string
}
export interface TasksAnswer {
  tasks?: Task[]
  unreachable_tasks?: Task[]
  completed_tasks?: Task[]
  next?: string
  total?: number
}
export interface MasterInfo {
  id: string
  hostname?: string
  port?: number
  version?: string
  address?: { hostname?: string; ip?: string; port?: number }
}
export interface Role {
  name: string
  weight?: number
  frameworks?: Id[]
  resources?: Resource[]
}
export interface FileInfo {
  path: string
  size?: number
  mtime?: Nanos
  mode?: number
  uid?: string
  gid?: string
}
export interface State {
  get_tasks?: TasksAnswer
  get_frameworks?: { frameworks?: Framework[]; completed_frameworks?: Framework[] }
  get_agents?: { agents?: Agent[]; recovered_agents?: unknown[] }
}

// One record of a SUBSCRIBE stream. `sequence` and `resumed` are additions of Bourse
// (docs/operator-extensions.md); a plain Mesos master sends neither.
export interface StreamEvent {
  type: string
  sequence?: number
  subscribed?: { get_state?: State; resumed?: boolean; heartbeat_interval_seconds?: number }
  task_added?: { task: Task }
  task_updated?: { framework_id: Id; status: TaskStatus; state: string }
  agent_added?: { agent: Agent }
  agent_removed?: { agent_id: Id }
  framework_added?: { framework: Framework }
  framework_updated?: { framework: Framework }
  framework_removed?: { framework_info: FrameworkInfo }
}
