// The page of a master that asks who asks: login_test.py starts it and names it in BOURSE_URL.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { launch, REAL_URL, until } from './harness.mjs'

let browser
before(async () => {
  assert.ok(REAL_URL, 'BOURSE_URL names no master: run login_test.py')
  browser = await launch()
})
after(() => browser?.close())

// What a browser does with a challenge: with httpCredentials it answers as a person would.
async function open(httpCredentials) {
  const context = await browser.newContext({ httpCredentials })
  const page = await context.newPage()
  const statuses = []
  page.on('response', (response) => {
    if (response.url().endsWith('/api/v1')) statuses.push(response.status())
  })
  await page.goto(`${REAL_URL}/#/`)
  return { context, page, statuses }
}

test('with a wrong password the page is there and says what the master says', async () => {
  const { context, page, statuses } = await open({ username: 'ops', password: 'guess' })
  await page.getByText('no such principal, or another secret').first().waitFor()
  assert.ok(statuses.length > 0 && statuses.every((status) => status === 401), `${statuses}`)
  await context.close()
})

test('who gives the password sees the cluster, and the page asks the master alone', async () => {
  const { context, page, statuses } = await open({ username: 'ops', password: 'open: sesame' })
  await page.getByText('Live', { exact: true }).first().waitFor()
  await until(() => statuses.includes(200), 'an answer')
  await page.goto(`${REAL_URL}/#/agents`)
  await page.getByText('login.test').first().waitFor()
  await context.close()
})
