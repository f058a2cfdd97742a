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
