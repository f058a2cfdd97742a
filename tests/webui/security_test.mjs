// Names and outputs of tasks come from strangers. Every text a framework, a task or an agent can
// choose is hostile here, on every page: no dialog, no policy violation, no foreign request, no
// element made of data, and the text is shown as it is.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { launch, replay, until, Visit } from './harness.mjs'
import { sandboxOf } from './replay/sandbox.mjs'
import { World } from './replay/world.mjs'
import { XSS } from './xss_strings.mjs'

let browser
let server
let visit
let frameworks

const label = (i) => ({ labels: [{ key: XSS[i % XSS.length], value: XSS[(i + 1) % XSS.length] }] })

before(async () => {
  browser = await launch()
  const world = new World({ agents: 0 })
  for (let i = 0; i < 12; i++) {
    const agent = world.addAgent(i, XSS[i * 13])
    agent.agent_info.attributes.push({ name: XSS[i], type: 'TEXT', text: { value: XSS[i + 20] } })
    agent.agent_info.domain.fault_domain.zone.name = XSS[i + 40]
    agent.version = XSS[i + 60]
  }
  frameworks = XSS.filter((_x, i) => i % 7 === 0).map((name, i) => {
    const crawler = [{ key: 'bourse.ui', value: 'crawler' }]
    return world.addFramework(name, {
      roles: [XSS[i + 3]],
      user: XSS[i + 5],
      principal: XSS[i + 7],
      webui_url: XSS[120 + i],
      hostname: XSS[i + 9],
      labels: i === 0 ? { labels: crawler } : label(i),
    })
  })
  addTasks(world)
  addPlans(world)
  server = await replay(world)
  addFiles(world)
  const site = (host) => ({ host, state: host, rate_per_s: 9, allowed_per_s: 5, errors: 1 })
  world.published.set(`/frameworks/${frameworks[0]}/published/stats.json`, () =>
    JSON.stringify({
      time: Date.now() / 1000,
      run: { state: XSS[2], items: 1, pages: 2 },
      stages: XSS.slice(0, 4).map((name) => ({ name, workers: 1 })),
      sites: XSS.map(site),
      errors: Object.fromEntries(XSS.slice(0, 20).map((x, i) => [x, i + 1])),
    }),
  )
  visit = await Visit.open(browser, server.url)
})

function addTasks(world) {
  const agents = [...world.agents.keys()]
  XSS.forEach((text, i) => {
    const task = world.addTask(
      frameworks[i % frameworks.length],
      agents[i % agents.length],
      `t${i}`,
      {
        name: text,
        labels: label(i),
        user: text,
        discovery: {
          name: text,
          visibility: 'CLUSTER',
          ports: { ports: [{ number: 80, name: text, protocol: text }] },
        },
      },
    )
    world.updateTask(task, 'TASK_RUNNING', {
      container_status: {
        container_id: { value: `c${i}` },
        network_infos: [{ ip_addresses: [{ ip_address: text }] }],
      },
    })
    if (i % 2)
      world.updateTask(task, 'TASK_FAILED', {
        message: text,
        reason: `REASON_${text}`,
        source: text,
        container_status: { container_id: { value: `c${i}` } },
      })
  })
}

// Roles, machines, shapes and the words of the explanations are chosen by strangers too.
function addPlans(world) {
  const agent_id = [...world.agents.values()][0].agent_info.id
  const numbers = XSS.slice(0, 5).map((text) => ({ name: text, value: text }))
  XSS.slice(0, 20).forEach((role) => (world.quotas[role] = { limits: { [role]: 1, cpus: 1 } }))
  world.windows = XSS.slice(0, 20).map((hostname) => ({
    machine_ids: [{ hostname }],
    unavailability: { start: { nanoseconds: 1e18 } },
  }))
  for (const agent of world.agents.values()) agent.drain_info = { state: XSS[1] }
  const waits = frameworks.map((value, i) => ({ framework_id: { value }, tasks: 1, why: XSS[i] }))
  world.drains = [{ agent_id, waits }]
  world.demands = frameworks.map((value, i) => ({
    ...{ framework_id: { value }, role: XSS[i], count: 2, fits: 0, unmet: 2 },
    resources: [{ name: XSS[i + 1], type: 'SCALAR', scalar: { value: 1 } }],
  }))
  frameworks.forEach((id, i) =>
    world.explanations.set(id, [
      {
        ...{ role: XSS[i], rule: XSS[i + 1], change: XSS[i + 2], refused: numbers },
        wanted: [{ shape: XSS[i + 3], numbers }],
        agents: [
          { kind: XSS[i], rule: XSS[i + 4], change: XSS[i + 5], numbers, example: agent_id },
        ],
      },
    ]),
  )
}

function addFiles(world) {
  for (const task of [...world.tasks.values(), ...world.completed]) {
    const base = sandboxOf(task)
    server.files.set(`${base}/stdout`, Buffer.from(`${XSS.join('\n')}\n`))
    XSS.slice(0, 40).forEach((name) =>
      server.files.set(`${base}/${name.replaceAll('/', '_')}`, Buffer.from(name)),
    )
  }
}

after(async () => {
  await browser?.close()
  await server?.close()
})

// Two frames after the last placeholder went: what is to be drawn has been drawn.
async function settle() {
  await until(async () => (await visit.page.locator('.skeleton').count()) === 0, 'loaded')
  await frame()
  await frame()
}

const frame = () =>
  visit.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => done())))

async function assertHarmless(what) {
  assert.ok(XSS.length > 200)
  const found = await visit.page.evaluate(() => ({
    marked: window.__xss !== undefined,
    elements: document.querySelectorAll(
      '#app script, iframe, object, embed, base, marquee, math, audio, video',
    ).length,
    handlers: [...document.querySelectorAll('#app *')].filter((e) =>
      [...e.attributes].some((a) => a.name.startsWith('on')),
    ).length,
    links: [...document.querySelectorAll('a[href]')].filter((a) => !/^(https?:)/.test(a.protocol))
      .length,
  }))
  assert.deepEqual(found, { marked: false, elements: 0, handlers: 0, links: 0 }, what)
  assert.deepEqual(visit.wrong, [], what)
}

test('hostile names are shown as text in every list', async () => {
  for (const page of [
    '',
    'agents',
    'agents?view=grid',
    'frameworks',
    'roles',
    'tasks',
    'crawler',
    'crawler?view=table',
  ]) {
    await visit.go(`#/${page}`)
    await visit.page.locator('h1').waitFor()
    await settle()
    await assertHarmless(page)
  }
  await visit.go('#/tasks')
  await visit.page
    .getByText(XSS[XSS.length - 20])
    .first()
    .waitFor()
  await visit.shot('hostile-tasks')
})

test('hostile names run nothing while the whole list of tasks is walked through', async () => {
  const table = visit.page.getByRole('table', { name: 'Tasks' })
  await table.waitFor()
  for (let y = 0; y < XSS.length * 36; y += 500) {
    await table.evaluate((box, to) => (box.scrollTop = to), y)
    await frame()
  }
  await assertHarmless('walked list')
})

test('hostile stdout, messages, labels and file names are shown as text', async () => {
  for (const i of [1, 8, 60, 63, 101, 160]) {
    await visit.go(`#/tasks/${frameworks[i % frameworks.length]}/t${i}`)
    await visit.page.getByRole('log', { name: 'stdout' }).getByText('<svg onload').first().waitFor()
    await assertHarmless(`task ${i}`)
  }
  await visit.shot('hostile-task')
  await visit.page.getByRole('button', { name: 'Files' }).click()
  await visit.page.locator('table.files button').nth(5).waitFor()
  await assertHarmless('files')
})

test('hostile agents and frameworks open, and only http addresses become links', async () => {
  for (const id of frameworks) {
    await visit.go(`#/frameworks/${id}`)
    await visit.page.locator('.facts').first().waitFor()
    await assertHarmless(`framework ${id}`)
  }
  for (const id of frameworks.slice(0, 12)) {
    await visit.go(`#/frameworks/${id}`)
    await visit.page.locator('.why-offered .wants').waitFor()
    await assertHarmless(`explanation of ${id}`)
    const role = server.world.frameworks.get(id).framework_info.roles[0]
    await visit.go(`#/roles/${encodeURIComponent(role)}`)
    await visit.page.locator('.facts').first().waitFor()
    await assertHarmless(`role ${role}`)
  }
  for (const id of server.world.agents.keys()) {
    await visit.go(`#/agents/${id}`)
    await visit.page.locator('.facts').first().waitFor()
    await assertHarmless(`agent ${id}`)
  }
})

test('a hostile address shows the page for what does not exist and nothing else', async () => {
  for (const text of XSS.slice(0, 60)) {
    await visit.page.evaluate(
      (t) => (location.hash = `#/${encodeURIComponent(t)}/${t}?q=${t}`),
      text,
    )
  }
  await visit.see('There is no such page')
  await visit.go(`#/tasks?q=${encodeURIComponent(XSS[0])}&state=${encodeURIComponent(XSS[3])}`)
  await until(() => visit.page.getByRole('searchbox').count(), 'the search')
  await assertHarmless('hostile address')
})

test('the content security policy stops an inline script, and the watch sees it', async () => {
  const probe = await Visit.open(browser, server.url)
  await probe.see('Overview', 'main')
  await probe.page.evaluate(() => {
    const script = document.createElement('script')
    script.textContent = 'window.__xss = 1'
    document.body.append(script)
  })
  await until(() => probe.wrong.some((w) => w.startsWith('policy: script-src')), 'a violation')
  assert.equal(await probe.page.evaluate(() => window.__xss), undefined)
  await probe.context.close()
})
