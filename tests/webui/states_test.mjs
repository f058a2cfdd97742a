// States that a healthy cluster does not show: nothing yet, slow, gone, back again, refused, plain
// Mesos on the other side.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { launch, replay, until, Visit } from './harness.mjs'
import { livelyWorld } from './replay/scenes.mjs'
import { World } from './replay/world.mjs'

let browser
before(async () => (browser = await launch()))
after(() => browser?.close())

// Runs `body` with a server for `world` and a visit to it, then ends both.
async function withServer(world, options, body) {
  const server = await replay(world, options)
  const visit = await Visit.open(browser, server.url, options)
  try {
    await body(visit, server)
  } finally {
    await visit.context.close()
    await server.close()
  }
  visit.assertClean()
}

test('an empty cluster says on every page what to do next', async () => {
  await withServer(new World({ agents: 0 }), {}, async (visit) => {
    await visit.see('No agent has joined yet')
    await visit.see('bourse-agent --master=HOST:PORT')
    await visit.see('No framework is connected')
    await visit.see('Nothing has failed')
    await visit.see('Nothing has changed')
    await visit.shot('empty-overview')
    const pages = {
      agents: 'No agent has joined yet',
      frameworks: 'No framework is connected',
      roles: 'No role is in use',
      tasks: 'No task has been launched yet',
      crawler: 'No crawler is running',
    }
    for (const [page, text] of Object.entries(pages)) {
      await visit.go(`#/${page}`)
      await visit.see(text)
    }
    await visit.shot('empty-crawler')
  })
})

test('a master that is slow to answer shows placeholders, not emptiness', async () => {
  await withServer(livelyWorld(), { delayMs: 1500 }, async (visit) => {
    await visit.go('#/tasks')
    await visit.page.locator('.skeleton').first().waitFor()
    assert.equal(await visit.page.getByText('No task has been launched yet').count(), 0)
    await visit.shot('loading-tasks')
    await visit.page.getByRole('table', { name: 'Tasks' }).locator('a.row').first().waitFor()
  })
})

test('a lost master is said at once, with the age of what is shown, and retried', async () => {
  await withServer(livelyWorld(), {}, async (visit, server) => {
    await visit.see('Live')
    server.cut()
    const banner = visit.page.locator('.banner')
    await banner.waitFor()
    assert.match(await banner.innerText(), /What is shown is from \d\d:\d\d:\d\d/)
    assert.match(await banner.innerText(), /trying again/)
    await visit.see('Disconnected')
    await visit.shot('disconnected')
    await visit.see(/trying again in [3-8] s/) // attempts grow rarer
    server.restore()
    const before = Date.now()
    await banner.getByRole('button', { name: 'Try now' }).click()
    await visit.see('Live')
    assert.ok(Date.now() - before < 1500, 'at once, not at the next attempt')
    await until(async () => (await banner.count()) === 0, 'no banner')
  })
})

test('after a break the stream resumes where it ended and nothing is missed', async () => {
  const world = livelyWorld()
  await withServer(world, {}, async (visit, server) => {
    await visit.go('#/agents')
    await visit.see('24 of 24')
    server.cut()
    await visit.see('Disconnected')
    world.addAgent(77, 'joined-meanwhile.example')
    world.removeAgent([...world.agents.keys()][0])
    server.restore()
    await visit.see('joined-meanwhile.example')
    await visit.see('24 of 24')
    const last = server.calls.filter((c) => c.type === 'SUBSCRIBE').pop()
    assert.ok(last.subscribe.since > 0, 'it asked to continue after a sequence')
  })
})

test('a server that cannot resume gives its state afresh and the pages take it', async () => {
  const world = livelyWorld()
  await withServer(world, {}, async (visit, server) => {
    await visit.go('#/agents')
    await visit.see('24 of 24')
    server.cut()
    await visit.see('Disconnected')
    world.removeAgent([...world.agents.keys()][3])
    world.log.length = 0 // what was missed is forgotten
    server.restore()
    await visit.see('23 of 23')
  })
})

test('the list of tasks misses no task between its first page and its stream', async () => {
  const world = new World({ agents: 2 })
  const framework = world.addFramework('f')
  const agent = [...world.agents.keys()][0]
  await withServer(world, { hash: '#/tasks' }, async (visit, server) => {
    await visit.see('No task has been launched yet')
    // Added after the answer of GET_TASKS was written, before the stream stands.
    const original = server.subscribe.bind(server)
    let n = 0
    server.subscribe = (asked, response) => {
      if (asked.types?.includes('TASK_ADDED')) world.addTask(framework, agent, `between-${n++}`)
      original(asked, response)
    }
    await visit.go('#/')
    await visit.go('#/tasks')
    await visit.see('between-0')
  })
})

test('a refusal of the master is shown in its own words', async () => {
  await withServer(livelyWorld(), {}, async (visit, server) => {
    await visit.see('Live')
    server.cut('503')
    await visit.see('No leading master is elected.')
    await visit.go('#/tasks')
    await visit.see('The tasks cannot be listed')
    server.restore()
    await visit.page.getByRole('button', { name: 'Try again' }).click()
    await visit.page.getByRole('table', { name: 'Tasks' }).locator('a.row').first().waitFor()
  })
})

test('links to what is gone say so instead of staying empty', async () => {
  await withServer(livelyWorld(), {}, async (visit, server) => {
    const framework = [...server.world.frameworks.keys()][0]
    const cases = [
      ['#/agents/nosuch', 'No such agent in the cluster'],
      ['#/frameworks/nosuch', 'No such framework'],
      [`#/tasks/${framework}/nosuch`, 'The master does not know this task'],
      ['#/nosuch', 'There is no such page'],
    ]
    for (const [hash, text] of cases) {
      await visit.go(hash)
      await visit.see(text)
    }
    const task = [...server.world.tasks.values()][0]
    await visit.go(`#/tasks/${framework}/${task.task_id.value}`)
    await visit.see('stdout cannot be read')
    await visit.see('There is no file')
  })
})

test('a plain Mesos master without the additions is shown too', async () => {
  const world = livelyWorld()
  await withServer(world, { plain: true }, async (visit, server) => {
    await visit.see('Live')
    await visit.go('#/tasks')
    const rows = visit.page.getByRole('table', { name: 'Tasks' }).locator('a.row')
    await rows.first().waitFor()
    await visit.page.getByRole('searchbox').fill('thumbnails.00')
    await until(
      async () => (await rows.first().innerText()).includes('thumbnails.00'),
      'found here',
    )
    await visit.page.getByRole('searchbox').fill('')
    const [framework] = world.frameworks.keys()
    world.addTask(framework, [...world.agents.keys()][0], 'fresh-on-mesos')
    await visit.see('fresh-on-mesos')
    // What it does not know is left out, and what it has is shown.
    await visit.go(`#/frameworks/${framework}`)
    await visit.see('Share of the cluster')
    await until(async () => (await visit.page.locator('.why-offered').count()) === 0, 'no why')
    await visit.go('#/roles/media')
    await visit.page.getByRole('table', { name: 'Quota' }).getByText('5,000').first().waitFor()
    server.cut()
    await visit.see('Disconnected')
    server.restore()
    await visit.see('Live')
  })
})

test('a framework that ends and an agent that goes appear as they happen', async () => {
  const world = livelyWorld()
  await withServer(world, {}, async (visit) => {
    await visit.see('Live')
    const [framework] = world.frameworks.keys()
    world.setConnected(framework, false)
    await visit.see('Framework disconnected')
    world.endFramework(framework)
    await visit.see('Framework ended')
    world.removeAgent([...world.agents.keys()][0])
    await visit.see('Agent removed')
    await visit.go('#/frameworks?show=completed')
    await visit.page.getByRole('table', { name: 'Frameworks' }).getByText('thumbnails').waitFor()
  })
})

test('agents that share a host are told apart by their port wherever they are named', async () => {
  const world = new World({ agents: 0 })
  const shared = [40001, 40002].map((port, i) => world.addAgent(i, 'box.example', port))
  world.addAgent(2, 'alone.example', 40003)
  const framework = world.addFramework('web', {})
  const ids = shared.map((agent) => agent.agent_info.id.value)
  world.addTask(framework, ids[1], 'placed')
  await withServer(world, {}, async (visit) => {
    await visit.see('box.example:40001', '.feed')
    await visit.see('box.example:40002', '.tiles')
    await visit.go('#/agents')
    const names = visit.page.getByRole('table', { name: 'Agents' }).locator('a.row b')
    await until(async () => (await names.count()) === 3, 'three agents')
    const expected = ['alone.example', 'box.example:40001', 'box.example:40002']
    assert.deepEqual(await names.allInnerTexts(), expected)
    await visit.go('#/tasks')
    await visit.see('box.example:40002', '.task-table')
    const options = await visit.page.getByLabel('Agent').locator('option').allInnerTexts()
    assert.deepEqual(options, ['Any agent', ...expected])
    await visit.go(`#/tasks/${framework}/placed`)
    await visit.see('box.example:40002', '.facts')
    await visit.go(`#/agents/${ids[0]}`)
    await visit.see('box.example:40001', 'h1')
    world.removeAgent(ids[1])
    await visit.see(/^box\.example$/, 'h1')
  })
})

test('a cluster without GPUs has no gauge for them', async () => {
  const gauges = async (visit) => {
    await visit.see('Disk', '.gauges')
    return visit.page.locator('.gauge h2').allInnerTexts()
  }
  await withServer(new World({ gpus: false }), {}, async (visit) => {
    assert.deepEqual(await gauges(visit), ['CPU', 'Memory', 'Disk'])
    await visit.assertFits('three gauges')
  })
  await withServer(new World(), {}, async (visit) => {
    assert.deepEqual(await gauges(visit), ['CPU', 'Memory', 'Disk', 'GPU'])
  })
})

test('a crawl says what stops a stage, and stays on the screen when it ends', async () => {
  const world = new World({ agents: 1 })
  const labels = { labels: [{ key: 'bourse.ui', value: 'crawler' }] }
  const crawler = world.addFramework('crawler', { labels })
  const trouble = 'a worker ended: TASK_FAILED cannot listen: Address already in use'
  const site = (host, rate, allowed, state) => ({
    host,
    rate_per_s: rate,
    allowed_per_s: allowed,
    state,
  })
  const stats = () => ({
    time: Date.now() / 1000,
    run: { state: 'running', expected_items: 300, items: 211, pages: 240, errors: 2, seconds: 9 },
    stages: [
      { name: 'fetch', workers: 0, target_workers: 1, queue: 90, trouble },
      { name: 'extract', workers: 1, target_workers: 1, queue: 0 },
    ],
    // What was sent to a site that is done by now is no part of what the active ones allow.
    sites: [site('a.test', 3, 4, 'active'), site('b.test', 5, 5, 'done')],
  })
  const path = `/frameworks/${crawler}/published/stats.json`
  world.published.set(path, () => JSON.stringify(stats()))
  await withServer(world, { hash: '#/crawler' }, async (visit) => {
    const card = (name) =>
      visit.page.locator('.stage', { has: visit.page.getByRole('heading', { name }) })
    await card('fetch').getByText(trouble).waitFor()
    await card('fetch').getByText('0 of 1 workers').waitFor()
    assert.equal(await card('extract').locator('.trouble').count(), 0)
    await visit.see('3/s to active sites, 75% of the 4/s they allow.')
    world.endFramework(crawler)
    world.published.delete(path)
    await visit.page.locator('.page-head .pill').getByText('Ended').waitFor()
    await visit.see('211')
    await visit.go('#/')
    await visit.see('Overview', 'h1')
    await visit.go('#/crawler')
    await visit.see('No crawler is running')
    await visit.see(/The last one, crawler, ended/)
  })
})

test('tasks of a framework that is not back are marked and can be picked out', async () => {
  const world = new World({ agents: 2 })
  const [agent] = world.agents.keys()
  const away = world.addFramework('away')
  const here = world.addFramework('here')
  for (const [framework, name] of [
    [away, 'left-alone'],
    [here, 'looked-after'],
  ])
    world.addTask(framework, agent, name, { cpus: 1, mem: 64 })
  world.setRecovered(away, true)
  await withServer(world, { hash: '#/tasks' }, async (visit, server) => {
    const rows = visit.page.getByRole('table', { name: 'Tasks' }).locator('a.row')
    const orphan = rows.filter({ hasText: 'left-alone' }).getByText('Orphan', { exact: true })
    await orphan.waitFor()
    assert.equal(await rows.filter({ hasText: 'looked-after' }).getByText('Orphan').count(), 0)
    await visit.page.getByRole('button', { name: '1 orphan' }).click()
    await until(async () => (await rows.count()) === 1, 'only the orphan')
    assert.equal(server.calls.filter((c) => c.type === 'GET_TASKS').pop().get_tasks.orphan, true)
    await visit.see('bourse tasks --orphans')
    await visit.shot('orphans')
    await visit.go('#/frameworks')
    await visit.see('Not back yet')
    await visit.go('#/tasks')
    await orphan.waitFor()
    world.setRecovered(away, false)
    await until(async () => (await orphan.count()) === 0, 'it is adopted')
  })
})
