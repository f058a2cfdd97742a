// The pages of a real cluster by clicking: cluster_test.py starts it and names it in BOURSE_URL.
// Two agents, a crawl of five shops that takes longer than this test, and a framework called "told"
// with a task that talks and one that failed. Nothing here is skipped, and no answer is made up.

import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { launch, REAL_URL, SHOTS, until, Visit } from './harness.mjs'

let browser
let visit
const began = Date.now()
const shots = []

before(async () => {
  assert.ok(REAL_URL, 'BOURSE_URL names no cluster: run cluster_test.py')
  browser = await launch()
  visit = await Visit.open(browser, REAL_URL)
})

// What the page looked like when a test failed is the best of all messages.
afterEach((t) => visit.shot(`last-of ${t.name.replace(/\W+/g, '-')}`))
after(() => browser?.close())

const page = () => visit.page
const rowsOf = (table) => page().getByRole('table', { name: table }).locator('a.row')
const turnTo = (name) =>
  page().getByRole('navigation').getByRole('link', { name, exact: true }).click()

async function shot(name) {
  shots.push(name)
  await visit.shot(name)
}

test('a real cluster: the overview counts what its agents have', async () => {
  await visit.see('Live')
  const card = page().locator('.gauge', { has: page().getByRole('heading', { name: 'CPU' }) })
  await until(
    async () => /of 20$/.test(await card.locator('.meter').getAttribute('aria-label')),
    'the cpus of the agents that are not drained',
  )
  await visit.see('Tasks by state')
  await until(() => page().locator('.chart canvas').count(), 'history charts')
  await shot('overview')
})

test('a real cluster: an agent is opened from the list and shows its tasks', async () => {
  await turnTo('Agents')
  await until(async () => (await rowsOf('Agents').count()) === 3, 'three agents')
  await shot('agents')
  await rowsOf('Agents').filter({ hasText: 'of 16' }).click()
  await visit.see('Machine')
  await visit.see('26000-26999')
  await rowsOf('Tasks').filter({ hasText: 'fetch' }).first().waitFor()
  await shot('agent')
})

test('a real cluster: a framework is opened from the list and shows its share', async () => {
  await turnTo('Frameworks')
  await until(async () => (await rowsOf('Frameworks').count()) >= 2, 'both frameworks')
  await shot('frameworks')
  await rowsOf('Frameworks').filter({ hasText: 'crawler' }).first().click()
  await visit.see('crawler', 'h1')
  await visit.see('Share of the cluster')
  await until(
    async () => !(await page().locator('.card .big').first().innerText()).startsWith('0%'),
    'a share',
  )
  await rowsOf('Tasks').filter({ hasText: 'extract' }).first().waitFor()
  await shot('framework')
})

test('a real cluster: roles show their quota, and a role what is left of it', async () => {
  await turnTo('Roles')
  await until(async () => (await rowsOf('Roles').count()) === 4, 'every role')
  const below = rowsOf('Roles').filter({ hasText: 'batch/nightly' })
  await below.getByText('0 by batch').first().waitFor()
  await shot('roles')
  await rowsOf('Roles').filter({ hasText: 'eng' }).click()
  await visit.see('Within its quota')
  const cpus = page().getByRole('table', { name: 'Quota' }).locator('tr', { hasText: 'cpus' })
  assert.equal((await cpus.innerText()).replace(/\s+/g, ' ').trim(), 'cpus 0.5 1 4 3')
  await visit.see('fair share by weight: 60%')
  await page().locator('.shares').getByText('steady').waitFor()
  await shot('role')
})

test('a real cluster: a framework says which rule keeps it from offers', async () => {
  await turnTo('Frameworks')
  await visit.see('2 times 64 cpus')
  await visit.see('2 unmet')
  const explained = {
    nightly: ['A quota is used up', 'raise the limit of role batch from 0 '],
    greedy: ['Does not hold what it wants', 'or REQUEST less'],
    steady: ['It asked for no offers', 'must REVIVE role eng'],
  }
  for (const [name, [rule, change]] of Object.entries(explained)) {
    await turnTo('Frameworks')
    await rowsOf('Frameworks').filter({ hasText: name }).click()
    await visit.see(name, 'h1')
    await page().locator('.why-offered .pill').getByText(rule).first().waitFor()
    await visit.see(change, '.why-offered')
    await shot(`why-${name}`)
  }
})

test('a real cluster: a machine to be mended says what its drain waits for', async () => {
  await turnTo('Agents')
  const card = page().locator('.card.maintenance')
  await card.getByText(/in 5\dm .*, for 2h 00m/).waitFor()
  await card.getByText('1 task waits for the budget of 1 framework').waitFor()
  await shot('maintenance')
  await card.getByRole('link', { name: 'mended.test' }).click()
  await visit.see('It is to go')
  await visit.see('1 of its tasks run on, at least 1 must')
  await rowsOf('Tasks').filter({ hasText: 'stays' }).waitFor()
  await shot('agent-leaves')
})

test('a real cluster: the crawler page shows stages, every site and progress', async () => {
  await turnTo('Frameworks')
  await rowsOf('Frameworks').filter({ hasText: 'crawler' }).first().click()
  await page().getByRole('link', { name: 'Crawler page' }).click()
  await visit.see('Crawler', 'h1')
  for (const stage of ['fetch', 'extract', 'store']) {
    const card = page().locator('.stage', { has: page().getByRole('heading', { name: stage }) })
    await card.getByText('Waiting').waitFor()
    assert.match(await card.locator('.big').innerText(), /\/s$/)
  }
  await until(async () => (await page().locator('.site-grid .site').count()) === 5, 'every site')
  const bar = page().getByRole('progressbar')
  const done = async () => Number(await bar.getAttribute('aria-valuenow'))
  const first = await done()
  await until(async () => (await done()) > first, 'more progress', 30_000)
  await shot('crawler')
  await page().locator('.site-grid .site').first().click()
  await page().locator('.site-detail').getByText('shop-000.test').waitFor()
})

test('a real cluster: the output of a task is followed while it is written', async () => {
  await turnTo('Tasks')
  await page().getByRole('searchbox').fill('talks')
  await until(async () => (await rowsOf('Tasks').count()) === 1, 'the one task')
  await shot('tasks')
  await rowsOf('Tasks').first().click()
  await visit.see('talks', 'h1')
  await page().locator('.page-head .pill').getByText('Running').waitFor()
  await visit.see('Timeline')
  const log = page().getByRole('log', { name: 'stdout' })
  const last = async () => {
    const lines = [...(await log.innerText()).matchAll(/line (\d+) of/g)]
    return Number(lines.pop()?.[1] ?? 0)
  }
  const first = await until(last, 'a line')
  await until(async () => (await last()) > first + 3, 'lines written since')
  await shot('task-log')
  await page().getByRole('button', { name: 'stderr' }).click()
  await page().getByRole('log', { name: 'stderr' }).getByText('nothing is wrong').waitFor()
  await page().getByRole('button', { name: 'Files' }).click()
  await page().getByRole('button', { name: 'pid' }).click()
  await until(async () => /^\s*\d+/m.test(await page().getByRole('log').innerText()), 'the file')
})

test('a real cluster: a task that failed says how, where and when', async () => {
  await turnTo('Tasks')
  await page()
    .getByRole('button', { name: /^Failed/ })
    .click()
  await rowsOf('Tasks').filter({ hasText: 'fails' }).click()
  await visit.see('fails', 'h1')
  await page().locator('.page-head .pill').getByText('Failed').waitFor()
  await visit.see(/exited with status 3/)
  await page().locator('.lane').getByText('Failed').waitFor()
  await shot('task-failed')
})

test('a real cluster: nothing went wrong on any page, and each was photographed', () => {
  visit.assertClean()
  for (const name of shots) {
    const { size, mtimeMs } = statSync(join(SHOTS, `${name}.png`))
    assert.ok(size > 5000 && mtimeMs >= began, `${name}.png is empty or old`)
  }
  assert.ok(shots.length >= 8, shots.join())
})
