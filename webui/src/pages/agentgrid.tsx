// Agents by load. Many: one cell per agent, filled from below by the fuller of cpu and memory, so a
// hot or empty machine is seen at a glance. Few: a tile each, with its name and both bars.

import type { Agent } from '../api/types'
import { count, percent } from '../lib/format'
import { sum } from '../lib/resources'
import { href } from '../lib/route'
import { agentState } from '../lib/states'
import { cluster } from '../state/cluster'
import { Meter } from '../ui/bits'

const TILES_UP_TO = 120

interface Part {
  used: number
  offered: number
}

function part(agent: Agent, name: string): Part {
  const total = sum(agent.total_resources)[name] ?? 0
  const of = (resources: Agent['total_resources']) =>
    total > 0 ? (sum(resources)[name] ?? 0) / total : 0
  return { used: of(agent.allocated_resources), offered: of(agent.offered_resources) }
}

interface Props {
  agents: Agent[]
  more?: number
}

export function AgentGrid({ agents, more = 0, large }: Props & { large?: boolean }) {
  if (large && agents.length <= TILES_UP_TO) return <Tiles agents={agents} />
  return (
    <div class={`agent-grid ${large ? 'large' : ''} ${agents.length <= 24 ? 'few' : ''}`}>
      {agents.map((agent) => {
        const [cpus, mem] = [part(agent, 'cpus'), part(agent, 'mem')]
        const { used, offered } = mem.used > cpus.used ? mem : cpus
        const state = agentState(agent)
        const id = agent.agent_info.id.value
        const text = `cpus ${percent(cpus.used)}, mem ${percent(mem.used)} used`
        const label = `${cluster.agentName(id)}: ${state.label}, ${text}`
        return (
          <a
            key={id}
            class={`cell tone-${state.tone}`}
            href={href('agents', [id])}
            title={label}
            aria-label={label}
          >
            <span
              class="fill offered"
              style={{ height: `${Math.min(1, used + offered) * 100}%` }}
            />
            <span class="fill used" style={{ height: `${Math.min(1, used) * 100}%` }} />
          </a>
        )
      })}
      {more > 0 && (
        <a class="more" href={href('agents')}>
          +{count(more)}
        </a>
      )}
    </div>
  )
}

function Tiles({ agents }: { agents: Agent[] }) {
  return (
    <div class="tiles">
      {agents.map((agent) => {
        const state = agentState(agent)
        const id = agent.agent_info.id.value
        return (
          <a
            key={id}
            class="tile"
            href={href('agents', [id])}
            title={`${cluster.agentName(id)}: ${state.label}`}
          >
            <b>
              <i class={`dot tone-${state.tone}`} />
              {cluster.agentName(id)}
            </b>
            {['cpus', 'mem', 'gpus']
              .filter((name) => sum(agent.total_resources)[name])
              .map((name) => {
                const { used, offered } = part(agent, name)
                return (
                  <span key={name}>
                    <small>{name}</small>
                    <Meter
                      thin
                      used={used}
                      offered={offered}
                      label={`${name}: ${percent(used)} used, ${percent(offered)} offered`}
                    />
                    <small>{percent(used)}</small>
                  </span>
                )
              })}
          </a>
        )
      })}
    </div>
  )
}
