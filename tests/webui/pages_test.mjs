// The pages by clicking. Against the replayed cluster, or with BOURSE_URL against a real one with
// at least one agent, one framework and one task; what only the replay knows is then left out.

import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { launch, leastOf3, REAL_URL, replay, SHOTS, until, Visit } from './harness.mjs'
import { animate, livelyWorld } from './replay/scenes.mjs'
import { fillSandboxes, logLines, sandboxOf } from './replay/sandbox.mjs'

let browser
let server
let stop = () => {}
let base = REAL_URL
let visit
const fixture = !REAL_URL
const began = Date.now()
const followed = { skip: !fixture }

before(async () => {
  browser = await launch()
  if (fixture) {
    const world = livelyWorld()
    stop = animate(world, 300)
    server = await replay(world)
    fillSandboxes(server)
    base = server.url
  }
  visit = await Visit.open(browser, base)
})

after(async () => {
  stop()
  await browser?.close()
  await server?.close()
})

const page = () => visit.page

test('the overview shows used, offered and free of each resource', async () => {
  for (const title of ['CPU', 'Memory', 'Disk']) {
    const card = page().locator('.gauge', { has: page().getByRole('heading', { name: title }) })
    await card.locator('.legend').getByText('Used').waitFor()
    await card.locator('.legend').getByText('Offered').waitFor()
    await card.locator('.legend').getByText('Free').waitFor()
    const label = await card.locator('.meter').getAttribute('aria-label')
    assert.match(label, /used, .* offered, of /)
  }
  await until(() => page().locator('.chart canvas').count(), 'history charts')
  await visit.see('Tasks by state')
  await visit.see('Live')
  await visit.shot('overview-light')
})

test('the first paint comes within a second', async () => {
  const ms = await leastOf3(async () => {
    const fresh = await Visit.open(browser, base)
    await fresh.see('Overview', 'main')
    const entry = () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime
    const paint = await until(() => fresh.page.evaluate(entry), 'a paint entry')
    await fresh.close()
    return paint
  })
  assert.ok(ms < 1000, `first contentful paint after ${ms} ms`)
})

test('agents are listed, sorted, searched and opened by keyboard', async () => {
  await page().keyboard.press('g')
  await page().keyboard.press('a')
  await visit.see('Agents', 'h1')
  const rows = page().getByRole('table', { name: 'Agents' }).locator('a.row')
  await rows.first().waitFor()
  await page().getByRole('button', { name: 'CPU' }).click()
  await page()
    .getByRole('columnheader', { name: 'CPU' })
    .and(page().locator('[aria-sort]'))
    .waitFor()
  const host = await rows.first().locator('b').innerText()
  await page().keyboard.press('/')
  await page().keyboard.type(host)
  await until(async () => (await rows.count()) === 1, 'one row after the search')
  await page().keyboard.press('Escape')
  await page().keyboard.press('j')
  await page().locator('a.row.at').waitFor()
  await page().keyboard.press('Enter')
  await visit.see(host, 'h1')
  await visit.see('Resources')
  await visit.see('Machine')
  await visit.shot('agent')
})

test('the grid of agents shows their loads and leads to them', async () => {
  await visit.go('#/agents')
  await page().getByRole('button', { name: 'Grid' }).click()
  const tile = page().locator('.tile, .agent-grid .cell').first()
  await tile.waitFor()
  await visit.shot('agents-grid')
  await tile.click()
  await visit.see('Machine')
})

test('frameworks show their dominant share beside the fair one', async () => {
  await page().keyboard.press('g')
  await page().keyboard.press('f')
  const rows = page().getByRole('table', { name: 'Frameworks' }).locator('a.row')
  await rows.first().waitFor()
  const label = await rows.first().locator('.meter').getAttribute('aria-label')
  assert.match(label, /used.*fair share/)
  await visit.shot('frameworks')
  const name = await rows.first().locator('b').innerText()
  await rows.first().click()
  await visit.see(name, 'h1')
  await visit.see('Share of the cluster')
  await visit.see('Roles (weight)')
  await visit.shot('framework')
})

test('roles show share, weight, quota and what is left of it, and lead to their page', async () => {
  await page().keyboard.press('g')
  await page().keyboard.press('r')
  await visit.see('Roles', 'h1')
  const rows = page().getByRole('table', { name: 'Roles' }).locator('a.row')
  await rows.first().waitFor()
  const limited = rows.filter({ hasText: 'At its limit' }).first()
  assert.match(await limited.locator('.meter').getAttribute('aria-label'), /fair share/)
  await visit.shot('roles')
  const name = await limited.locator('b').innerText()
  await limited.click()
  await visit.see(name, 'h1')
  await visit.see('At its limit')
  const table = page().getByRole('table', { name: 'Quota' })
  for (const title of ['Guaranteed', 'Consumed', 'Limit', 'Headroom'])
    await table.getByText(title, { exact: true }).waitFor()
  await visit.see('The tick is its fair share by weight')
})

test('a framework page says what keeps it from offers, and what would help', async () => {
  await page().keyboard.press('g')
  await page().keyboard.press('f')
  await visit.see('Demands that nothing free meets')
  const name = await page().locator('.demands li a').first().innerText()
  await visit.see(/\d unmet/)
  await page().locator('.demands li a').first().click()
  await visit.see(name, 'h1')
  await visit.see('Why it is offered what it is')
  await visit.see(/It wants/)
  await visit.see(/number \d of \d in line/)
  const table = page().getByRole('table', { name: /What stands in the way/ })
  await table.locator('tbody tr').first().waitFor()
  for (const title of ['First rule in the way', 'Numbers of the nearest', 'What would help'])
    await table.getByText(title).waitFor()
  assert.match(await table.innerText(), /raise the limit|free .* there|reactivate/)
  await visit.shot('framework-why')
})

test('an agent that is to go says when, and for whom its drain waits', async () => {
  await page().keyboard.press('g')
  await page().keyboard.press('a')
  const card = page().locator('.card.maintenance')
  await card.getByText(/in \d.*, for \d/).waitFor()
  await card.getByText(/wait.* for the budget of 1 framework/).waitFor()
  await visit.shot('maintenance')
  await card.locator('li a').first().click()
  await visit.see('It is to go')
  await visit.see(/waits for the budget/)
  await visit.see(/the drain began .* ago/)
  await page().locator('.page-head .pill').getByText('Draining').waitFor()
})

test('tasks are filtered by state, framework and agent, and searched', async () => {
  await page().keyboard.press('g')
  await page().keyboard.press('t')
  const table = page().getByRole('table', { name: 'Tasks' })
  const rows = table.locator('a.row')
  await rows.first().waitFor()
  await visit.shot('tasks')
  const task = await rows.last().locator('b').innerText()
  await page().getByRole('searchbox').fill(task)
  await until(
    async () => (await rows.first().locator('b').innerText()).includes(task),
    'the found task',
  )
  await page().getByRole('searchbox').fill('')
  const asked = () => visit.calls.filter((call) => call.type === 'GET_TASKS').pop().get_tasks
  const framework = page().getByLabel('Framework')
  const id = await framework.locator('option').nth(1).getAttribute('value')
  await framework.selectOption(id)
  await until(() => asked().framework_id?.value === id, 'a call for that framework alone')
  const agent = page().getByLabel('Agent')
  const host = await agent.locator('option').nth(1).getAttribute('value')
  await agent.selectOption(host)
  await until(() => asked().agent_id?.value === host, 'a call for that agent too')
  await framework.selectOption('')
  await agent.selectOption('')
  await page()
    .getByRole('button', { name: /^Failed/ })
    .click()
  await until(() => asked().state?.includes('TASK_FAILED'), 'a call for failed tasks')
  if (!fixture) return
  await rows.first().waitFor()
  const states = await table.locator('.pill').allInnerTexts()
  assert.ok(
    states.every((s) => s === 'Failed' || s === 'Error'),
    states.join(),
  )
})

test('a failed task says why, when and where', { skip: !fixture }, async () => {
  const { world } = server
  const task = world.completed.find((t) =>
    t.statuses.some((s) => s.reason === 'REASON_CONTAINER_LIMITATION_MEMORY'),
  )
  await visit.go(`#/tasks/${task.framework_id.value}/${task.task_id.value}`)
  await visit.see('It used more memory than it was given')
  await visit.see('Memory limit exceeded')
  await page().locator('.lane').getByText('Running').waitFor()
  await page().locator('.lane').getByText('Failed').waitFor()
  await visit.see(world.agents.get(task.agent_id.value).agent_info.hostname)
  await visit.shot('task-failed')
})

test('a task page shows its timeline, what it is and its output', async () => {
  await visit.go('#/tasks')
  const rows = page().getByRole('table', { name: 'Tasks' }).locator('a.row')
  await rows.first().waitFor()
  if (fixture) await visit.go('#/tasks?q=mail-relay.0&group=live')
  await until(
    async () => !fixture || /mail-relay/.test(await rows.first().innerText()),
    'old tasks',
  )
  await rows.first().click()
  await visit.see('Timeline')
  await page().locator('.facts').getByText('Resources').waitFor()
  await page().getByRole('log', { name: 'stdout' }).waitFor()
  assert.equal(await page().getByText('cannot be read').count(), 0)
  await visit.shot('task')
})

test(
  'the log of a task is followed, filtered, and stands still when scrolled',
  followed,
  async () => {
    const { world } = server
    const task = [...world.tasks.values()].find((t) => t.state === 'TASK_RUNNING')
    const path = `${sandboxOf(task)}/stdout`
    const append = (text) =>
      server.files.set(path, Buffer.concat([server.files.get(path), Buffer.from(text)]))
    await visit.go(`#/tasks/${task.framework_id.value}/${task.task_id.value}`)
    const log = page().getByRole('log', { name: 'stdout' })
    await log.getByText('batch 7').first().waitFor()
    append('a line written while somebody looks\n')
    await log.getByText('a line written while somebody looks').waitFor()
    const atEnd = () =>
      log.evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight < 30)
    assert.ok(await atEnd(), 'following keeps the end in view')
    await log.evaluate((box) => (box.scrollTop = 0))
    append(logLines(400, 50))
    await log.getByText('batch 8').first().waitFor({ state: 'attached' })
    assert.ok(!(await atEnd()), 'a reader who scrolled up is left alone')
    await page().getByRole('button', { name: 'Follow' }).click()
    await until(atEnd, 'back at the end')
    await page().getByLabel('Filter lines of stdout').fill('WARN')
    await until(async () => !(await log.innerText()).includes('INFO'), 'only the wanted lines')
    await visit.shot('task-log')
    await page().getByRole('button', { name: 'stderr' }).click()
    await page().getByRole('log', { name: 'stderr' }).getByText('starting task').waitFor()
    await page().getByRole('button', { name: 'Files' }).click()
    await page().getByRole('button', { name: 'config/' }).click()
    await page().getByRole('button', { name: 'app.json' }).click()
    await page().getByRole('log').getByText('"quality": 82').waitFor()
  },
)

test('a status update appears on the open task page', { skip: !fixture }, async () => {
  const { world } = server
  const task = world.addTask(
    [...world.frameworks.keys()][0],
    [...world.agents.keys()][0],
    'watched',
  )
  await visit.go(`#/tasks/${task.framework_id.value}/watched`)
  await visit.see('no status has come back yet')
  world.updateTask(task, 'TASK_RUNNING')
  await page().locator('.page-head .pill').getByText('Running').waitFor()
  world.updateTask(task, 'TASK_FAILED', { message: 'Command exited with status 9' })
  await visit.see('Command exited with status 9')
  await page().locator('.page-head .pill').getByText('Failed').waitFor()
})

test('the crawler page shows the flow, every site and the pacing', { skip: !fixture }, async () => {
  await page().keyboard.press('g')
  await page().keyboard.press('c')
  for (const stage of ['fetch', 'extract', 'store']) {
    const card = page().locator('.stage', { has: page().getByRole('heading', { name: stage }) })
    await card.getByText('Waiting').waitFor()
    assert.match(await card.locator('.big').innerText(), /\/s$/)
  }
  await page().getByRole('progressbar').waitFor()
  assert.equal(await page().locator('.site-grid .site').count(), 300)
  await visit.see('Held everywhere')
  await visit.see('http 429')
  await visit.shot('crawler')
  await page().locator('.site-grid .site').nth(7).click()
  await page().locator('.site-detail').getByText('shop-008.test').waitFor()
  await page().locator('.sites').getByRole('button', { name: 'Table' }).click()
  await page().getByRole('table', { name: 'Sites' }).locator('a.row').first().waitFor()
  await page().getByPlaceholder('Find a site').fill('shop-299')
  await until(async () => (await page().locator('.sites a.row').count()) === 1, 'the one site')
})

test('the question mark opens the keys and Escape closes them', async () => {
  await visit.go('#/')
  await page().locator('h1').click()
  await page().keyboard.press('?')
  await page().getByRole('dialog').getByText('Next, previous row').waitFor()
  await page().keyboard.press('Escape')
  await until(async () => (await page().getByRole('dialog').count()) === 0, 'dialog closed')
})

test('streams stop when their page is left', { skip: !fixture }, async () => {
  const taskStreams = () =>
    [...server.streams].filter((s) => s.types?.includes('TASK_UPDATED')).length
  await visit.go('#/tasks')
  await until(() => taskStreams() === 1, 'one stream of tasks')
  await visit.go('#/')
  await until(() => taskStreams() === 0, 'no stream of tasks')
})

test('every page fits a phone, in light and dark', async () => {
  const narrow = await Visit.open(browser, base, { width: 360, height: 740, dark: true })
  const task = await firstTask(narrow)
  const pages = {
    overview: '#/',
    agents: '#/agents',
    frameworks: '#/frameworks',
    roles: '#/roles',
    tasks: '#/tasks',
    crawler: '#/crawler',
    task,
  }
  for (const [name, hash] of Object.entries(pages)) {
    if (!hash) continue
    await narrow.go(hash)
    await narrow.page.locator('h1').waitFor()
    await until(
      async () => (await narrow.page.locator('.skeleton').count()) === 0,
      `${name} loaded`,
    )
    await narrow.assertFits(name)
    await narrow.shot(`narrow-dark-${name}`)
  }
  await narrow.close()
})

async function firstTask(narrow) {
  await narrow.go('#/tasks')
  const row = narrow.page.getByRole('table', { name: 'Tasks' }).locator('a.row').first()
  await row.waitFor()
  return row.getAttribute('href')
}

test('the browser talks to the master alone, in public operator calls', () => {
  const allowed = [
    'GET_AGENTS',
    'GET_FRAMEWORKS',
    'GET_TASKS',
    'GET_METRICS',
    'GET_MASTER',
    'GET_ROLES',
    'GET_QUOTA',
    'GET_MAINTENANCE_SCHEDULE',
    'GET_MAINTENANCE_STATUS',
    'EXPLAIN_FRAMEWORK',
    'GET_VERSION',
    'LIST_FILES',
    'READ_FILE',
    'SUBSCRIBE',
  ]
  const used = [...new Set(visit.calls.map((call) => call.type))]
  assert.deepEqual(
    used.filter((type) => !allowed.includes(type)),
    [],
  )
  const whole = visit.calls.filter((c) => c.type === 'GET_TASKS' && !(c.get_tasks.limit <= 1000))
  assert.deepEqual(whole, [], 'tasks are never asked for without a limit')
  const polled = visit.calls.filter(
    (c) => c.type === 'GET_AGENTS' && !c.get_agents?.agent_id.length,
  )
  assert.deepEqual(polled, [], 'agents are refreshed by id')
  visit.assertClean()
})

test('every page was photographed', () => {
  const wide = ['overview-light', 'agent', 'agents-grid', 'frameworks', 'framework']
  const pages = [...wide, 'tasks', 'task', 'roles']
  const narrow = ['overview', 'agents', 'frameworks', 'roles', 'tasks', 'crawler', 'task']
  const names = [...pages, ...narrow.map((name) => `narrow-dark-${name}`)]
  if (fixture) names.push('crawler', 'task-failed', 'task-log')
  for (const name of names) {
    const { size, mtimeMs } = statSync(join(SHOTS, `${name}.png`))
    assert.ok(size > 5000, `${name}.png is empty`)
    assert.ok(mtimeMs >= began, `${name}.png is of an earlier run`)
  }
})
