// Sandbox files for the tasks of a replayed world.

export function sandboxOf(task) {
  const container =
    task.statuses[task.statuses.length - 1]?.container_status.container_id.value ?? 'latest'
  const executor = task.executor_id?.value ?? task.task_id.value
  const sandbox = `/agents/${task.agent_id.value}/sandbox`
  return `${sandbox}/${task.framework_id.value}/${executor}/${container}`
}

export function logLines(from, count) {
  const words = ['resized', 'stored', 'skipped', 'queued', 'checked']
  let text = ''
  for (let i = from; i < from + count; i++) {
    const level = i % 41 === 40 ? 'WARN ' : 'INFO '
    const at = new Date(Date.UTC(2026, 10, 22, 14, 33) + i * 1037).toISOString()
    const what = `${words[i % 5]} image ${100000 + i * 7} in ${12 + (i % 17)} ms`
    text += `${at} ${level} ${what} (batch ${Math.floor(i / 50)})\n`
  }
  return text
}

function fill(server, task) {
  const base = sandboxOf(task)
  server.files.set(`${base}/stdout`, Buffer.from(logLines(0, 400)))
  server.files.set(`${base}/stderr`, Buffer.from('I1122 14:33:09 starting task\nusing 2 threads\n'))
  server.files.set(`${base}/config/app.json`, Buffer.from('{"quality": 82, "threads": 2}\n'))
}

// Gives every task of the world a sandbox, and those that begin to run later too.
export function fillSandboxes(server) {
  const { world } = server
  for (const task of [...world.tasks.values(), ...world.completed]) fill(server, task)
  world.listeners.add(({ task_updated: update }) => {
    if (update?.state !== 'TASK_RUNNING') return
    const { framework_id, status } = update
    const task = world.tasks.get(`${framework_id.value}\n${status.task_id.value}`)
    if (task) fill(server, task)
  })
}
