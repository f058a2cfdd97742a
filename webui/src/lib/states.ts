// Task states and reasons in people's words: what a state belongs to, and for every bad one why
// it happened and what can be done.

export type Tone = 'run' | 'wait' | 'done' | 'bad' | 'stop' | 'lost'

export const STATES: Record<
  string,
  { label: string; tone: Tone; terminal: boolean; metric: string }
> = {
  TASK_STAGING: { label: 'Staging', tone: 'wait', terminal: false, metric: 'staging' },
  TASK_STARTING: { label: 'Starting', tone: 'wait', terminal: false, metric: 'starting' },
  TASK_RUNNING: { label: 'Running', tone: 'run', terminal: false, metric: 'running' },
  TASK_KILLING: { label: 'Killing', tone: 'stop', terminal: false, metric: 'killing' },
  TASK_UNREACHABLE: { label: 'Unreachable', tone: 'lost', terminal: false, metric: 'unreachable' },
  TASK_FINISHED: { label: 'Finished', tone: 'done', terminal: true, metric: 'finished' },
  TASK_KILLED: { label: 'Killed', tone: 'stop', terminal: true, metric: 'killed' },
  TASK_FAILED: { label: 'Failed', tone: 'bad', terminal: true, metric: 'failed' },
  TASK_ERROR: { label: 'Error', tone: 'bad', terminal: true, metric: 'error' },
  TASK_LOST: { label: 'Lost', tone: 'lost', terminal: true, metric: 'lost' },
  TASK_DROPPED: { label: 'Dropped', tone: 'lost', terminal: true, metric: 'dropped' },
  TASK_GONE: { label: 'Gone', tone: 'lost', terminal: true, metric: 'gone' },
  TASK_GONE_BY_OPERATOR: {
    label: 'Gone (operator)',
    tone: 'lost',
    terminal: true,
    metric: 'gone_by_operator',
  },
  TASK_UNKNOWN: { label: 'Unknown', tone: 'lost', terminal: false, metric: '' },
}

export const GROUPS: { key: string; label: string; states: string[] }[] = [
  {
    key: 'live',
    label: 'Live',
    states: ['TASK_STAGING', 'TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING'],
  },
  { key: 'finished', label: 'Finished', states: ['TASK_FINISHED'] },
  { key: 'failed', label: 'Failed', states: ['TASK_FAILED', 'TASK_ERROR'] },
  { key: 'killed', label: 'Killed', states: ['TASK_KILLED'] },
  {
    key: 'lost',
    label: 'Lost',
    states: ['TASK_LOST', 'TASK_DROPPED', 'TASK_GONE', 'TASK_GONE_BY_OPERATOR', 'TASK_UNREACHABLE'],
  },
]

export const BAD_STATES = ['TASK_FAILED', 'TASK_ERROR', ...(GROUPS[4]?.states ?? [])]

export function tone(state: string): Tone {
  return STATES[state]?.tone ?? 'lost'
}

export function stateLabel(state: string): string {
  return STATES[state]?.label ?? state.replace(/^TASK_/, '').toLowerCase()
}

export function isTerminal(state: string): boolean {
  return STATES[state]?.terminal ?? false
}

const REASONS: Record<string, string> = {
  REASON_CONTAINER_LIMITATION_MEMORY:
    'It used more memory than it was given and was stopped. Ask for more mem, or use less.',
  REASON_CONTAINER_LIMITATION_DISK:
    'Its sandbox outgrew the disk it was given. Ask for more disk, or write less.',
  REASON_CONTAINER_LIMITATION: 'It went over a limit of its container.',
  REASON_CONTAINER_LAUNCH_FAILED:
    'The container could not be started. The message below names the step.',
  REASON_COMMAND_EXECUTOR_FAILED:
    'The command could not be run: look at stderr, and whether the program exists.',
  REASON_EXECUTOR_TERMINATED:
    'Its executor ended without saying how the task ended. Look at the executor\u2019s stderr.',
  REASON_EXECUTOR_REGISTRATION_TIMEOUT: 'Its executor started but never reported to the agent.',
  REASON_AGENT_REMOVED: 'Its agent was removed from the cluster.',
  REASON_AGENT_DISCONNECTED: 'Its agent lost the connection to the master.',
  REASON_AGENT_RESTARTED: 'Its agent restarted and could not recover it.',
  REASON_AGENT_UNKNOWN: 'The master does not know its agent.',
  REASON_FRAMEWORK_REMOVED: 'Its framework ended or was torn down, so its tasks were stopped.',
  REASON_INVALID_OFFERS:
    'The offer it was launched on was gone: taken back, used or timed out. Launch on a new one.',
  REASON_TASK_INVALID: 'The master refused the task as described. The message says which field.',
  REASON_TASK_UNAUTHORIZED: 'The framework is not allowed to run it.',
  REASON_TASK_KILLED_DURING_LAUNCH: 'It was killed before it had started.',
  REASON_TASK_HEALTH_CHECK_STATUS_UPDATED: 'Its health check changed its mind.',
  REASON_RECONCILIATION: 'This is the answer to the framework\u2019s question about its tasks.',
  REASON_RESOURCES_UNKNOWN: 'It asked for resources that its agent does not have.',
  REASON_GC_ERROR: 'An old sandbox could not be removed.',
}

export function explainReason(reason: string | undefined): string | undefined {
  return reason ? REASONS[reason] : undefined
}

export function reasonLabel(reason: string): string {
  const words = reason
    .replace(/^REASON_/, '')
    .replaceAll('_', ' ')
    .toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

export function agentState(agent: {
  active?: boolean
  deactivated?: boolean
  drain_info?: { state?: string }
}) {
  if (agent.drain_info?.state === 'DRAINED') return { label: 'Drained', tone: 'done' as Tone }
  if (agent.drain_info) return { label: 'Draining', tone: 'stop' as Tone }
  if (agent.deactivated) return { label: 'Deactivated', tone: 'stop' as Tone }
  return agent.active
    ? { label: 'Active', tone: 'run' as Tone }
    : { label: 'Disconnected', tone: 'lost' as Tone }
}

export function frameworkState(
  f: { active?: boolean; connected?: boolean; recovered?: boolean },
  completed: boolean,
) {
  if (completed) return { label: 'Completed', tone: 'done' as Tone }
  if (f.recovered) return { label: 'Not back yet', tone: 'lost' as Tone }
  if (!f.connected) return { label: 'Disconnected', tone: 'lost' as Tone }
  return f.active
    ? { label: 'Active', tone: 'run' as Tone }
    : { label: 'Inactive', tone: 'stop' as Tone }
}
