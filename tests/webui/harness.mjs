// What the browser tests share: a Chromium, pages that record everything that must not happen, a
// target (the replayed cluster, or a real one named by BOURSE_URL), screenshots kept as artefacts.

import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { ReplayServer } from './replay/server.mjs'

const WORK = resolve(process.env.WEBUI_WORK ?? '../../webui')
const TEST_WORK = resolve(process.env.WEBUI_TEST_WORK ?? '.')
export const SHOTS = process.env.WEBUI_SHOTS ?? '/tmp/webui-shots'
export const REAL_URL = process.env.BOURSE_URL
export const DIST = join(WORK, 'dist')

const { chromium } = createRequire(join(TEST_WORK, 'package.json'))('playwright-core')
const WAIT_MS = 10_000

export async function launch() {
  const executablePath = process.env.CHROMIUM || '/usr/bin/chromium'
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

export async function replay(world, options = {}) {
  const server = new ReplayServer(world, { dist: DIST, ...options })
  await server.listen()
  return server
}

// A page that notes what must not happen: errors, dialogs, policy violations, foreign requests.
export class Visit {
  static async open(browser, base, { width = 1440, height = 900, dark = false, hash = '#/' } = {}) {
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: dark ? 'dark' : 'light',
    })
    const visit = new Visit()
    Object.assign(visit, { context, base, wrong: [], calls: [] })
    const page = (visit.page = await context.newPage())
    page.setDefaultTimeout(WAIT_MS)
    page.on('pageerror', (error) => visit.wrong.push(`error: ${error.message}`))
    page.on('dialog', (dialog) => {
      visit.wrong.push(`dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
    page.on('request', (request) => visit.note(request))
    await page.exposeFunction('noteViolation', (text) => visit.wrong.push(`policy: ${text}`))
    await page.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) =>
        window.noteViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`),
      )
    })
    await page.goto(`${base}/${hash}`)
    return visit
  }

  note(request) {
    const url = new URL(request.url())
    if (url.origin !== new URL(this.base).origin) this.wrong.push(`foreign request: ${url.href}`)
    if (url.pathname.endsWith('/api/v1')) {
      if (request.method() !== 'POST') this.wrong.push(`${request.method()} ${url.pathname}`)
      this.calls.push(JSON.parse(request.postData()))
    } else if (!/^\/(index\.html|favicon\.svg|assets\/[^/]+)?$/.test(url.pathname)) {
      this.wrong.push(`unexpected path: ${url.pathname}`)
    }
  }

  async go(hash) {
    await this.page.evaluate((to) => (location.hash = to), hash)
  }

  async see(text, within = 'body') {
    await this.page.locator(within).getByText(text).first().waitFor({ state: 'visible' })
  }

  async shot(name) {
    mkdirSync(SHOTS, { recursive: true })
    await this.page.screenshot({ path: join(SHOTS, `${name}.png`) })
  }

  // Pages scroll down, never sideways.
  async assertFits(what) {
    const over = await this.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    )
    assert.ok(over <= 0, `${what}: ${over} px wider than the screen`)
  }

  assertClean() {
    assert.deepEqual(this.wrong, [])
  }

  async close() {
    await this.context.close()
    this.assertClean()
  }
}

// The least of three measurements: a busy machine makes a page late, never early.
export async function leastOf3(measure) {
  const times = []
  for (let i = 0; i < 3; i++) times.push(await measure())
  return Math.round(Math.min(...times))
}

// Polls until `check` gives something true.
export async function until(check, what, limitMs = WAIT_MS) {
  const deadline = Date.now() + limitMs
  for (;;) {
    const value = await check()
    if (value) return value
    if (Date.now() > deadline) assert.fail(`not in ${limitMs} ms: ${what}`)
    await new Promise((done) => setTimeout(done, 50))
  }
}
