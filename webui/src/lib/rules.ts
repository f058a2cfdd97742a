// The rules that keep an agent from a framework, in people's words.

import type { Tone } from './states'

const RULES: Record<string, [label: string, tone: Tone]> = {
  offered: ['On offer to it', 'run'],
  better_claim: ['Another has the better claim', 'wait'],
  nothing_free: ['Nothing is free', 'wait'],
  filtered: ['It declined lately', 'wait'],
  below_minimum: ['Too little is free', 'wait'],
  demand: ['Does not hold what it wants', 'bad'],
  constraint: ['Its constraint says no', 'bad'],
  over_quota: ['A quota is used up', 'bad'],
  kept_for_guarantees: ['Kept for guarantees', 'stop'],
  reserved_for_other_role: ['Reserved for another role', 'stop'],
  suppressed: ['It asked for no offers', 'stop'],
  disconnected: ['It is not connected', 'lost'],
  held_back: ['It holds offers unused', 'stop'],
  offers_full: ['It holds as many offers as it may', 'stop'],
  no_gpu_capability: ['It takes no GPUs', 'stop'],
  agent_draining: ['Being drained', 'stop'],
  agent_silent: ['Its agent is silent', 'lost'],
  agent_unreachable: ['Its agent is unreachable', 'lost'],
}

export function ruleLabel(rule: string): string {
  const known = RULES[rule]
  if (known) return known[0]
  const words = rule.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

export function ruleTone(rule: string): Tone {
  return RULES[rule]?.[1] ?? 'stop'
}
