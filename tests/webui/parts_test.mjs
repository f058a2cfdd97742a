// The UI's pure parts, compiled as the build compiles them and run in Node.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { after, before, test } from 'node:test'

const WORK = resolve(process.env.WEBUI_WORK ?? '../../webui')
const PARTS = [
  'api/recordio',
  'api/files',
  'lib/format',
  'lib/quota',
  'lib/resources',
  'lib/roletree',
  'lib/rules',
  'lib/route',
  'lib/states',
  'state/history',
  'state/logtext',
  'state/tasks',
  'state/crawler',
  'pages/maintenance',
  'pages/task',
]
const parts = {}
let directory

before(async () => {
  const esbuild = createRequire(join(WORK, 'package.json'))('esbuild')
  directory = mkdtempSync(join(tmpdir(), 'webui-parts-'))
  await esbuild.build({
    entryPoints: PARTS.map((part) =>
      join(WORK, 'src', `${part}.${part.startsWith('pages') ? 'tsx' : 'ts'}`),
    ),
    outdir: directory,
    outbase: join(WORK, 'src'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    loader: { '.css': 'empty' },
  })
  // What the browser gives and Node does not.
  globalThis.matchMedia ??= () => ({ matches: false, addEventListener() {} })
  globalThis.document ??= { hidden: false }
  for (const part of PARTS) {
    parts[part] = await import(pathToFileURL(join(directory, `${part}.mjs`)).href)
  }
})
after(() => rmSync(directory, { recursive: true, force: true }))

const encode = (text) => new TextEncoder().encode(text)

test('a RecordIO stream gives the same records whatever the borders of its chunks', () => {
  const { RecordReader } = parts['api/recordio']
  const texts = ['{"a":1}', '', '{"name":"ünï\u{1f600}"}', 'x'.repeat(1000)]
  const stream = encode(texts.map((t) => `${encode(t).length}\n${t}`).join(''))
  for (const size of [1, 2, 3, 7, 64, stream.length]) {
    const reader = new RecordReader()
    const got = []
    for (let at = 0; at < stream.length; at += size)
      got.push(...reader.push(stream.subarray(at, at + size)))
    assert.deepEqual(got, texts, `chunks of ${size}`)
  }
})

test('a RecordIO stream without a sane length is refused', () => {
  const { RecordReader } = parts['api/recordio']
  for (const bad of ['<html>\n', '-1\n', '12x\n', '9'.repeat(30), '99999999999\n', '\n']) {
    assert.throws(() => new RecordReader().push(encode(bad)), /stream:/, bad)
  }
})

test('offered resources never count as used in a dominant share', () => {
  const { dominantShare } = parts['lib/resources']
  const share = dominantShare(
    { cpus: 2, mem: 100 },
    { cpus: 50 },
    { cpus: 100, mem: 1000, ports: 9 },
  )
  assert.equal(share.resource, 'mem')
  assert.equal(share.used, 0.1)
  assert.equal(share.offered, 0)
  assert.equal(dominantShare({}, {}, {}).used, 0)
})

test('amounts of one resource are summed over roles, ranges and sets count members', () => {
  const { sum } = parts['lib/resources']
  const scalar = (name, value, role) => ({ name, type: 'SCALAR', scalar: { value }, role })
  const total = sum([
    scalar('cpus', 1.5, '*'),
    scalar('cpus', 2, 'a'),
    {
      name: 'ports',
      type: 'RANGES',
      ranges: {
        range: [
          { begin: 10, end: 19 },
          { begin: 30, end: 30 },
        ],
      },
    },
    { name: 'zones', type: 'SET', set: { item: ['a', 'b'] } },
    { name: 'odd', type: 'SCALAR' },
  ])
  assert.deepEqual(total, { cpus: 3.5, ports: 11, zones: 2, odd: 0 })
})

test('numbers, sizes and times read as people write them', () => {
  const f = parts['lib/format']
  assert.equal(f.amount('mem', 262144), '256 GiB')
  assert.equal(f.amount('mem', 0), '0')
  assert.equal(f.amount('cpus', 0.1), '0.1')
  assert.equal(f.compact(99_990), '100k')
  assert.equal(f.compact(1234), '1.2k')
  assert.equal(f.compact(0.25), '0.25') // a quarter is no 0.3
  assert.equal(f.percent(0.0004), '<0.1%')
  assert.equal(f.percent(1), '100%')
  assert.equal(f.duration(59.6), '60 s')
  assert.equal(f.duration(3700), '1h 01m')
  assert.equal(f.duration(NaN), '-')
  assert.equal(f.bytes(1536), '1.5 KiB')
  assert.equal(f.ago(100, 99), 'now')
})

test('an address keeps hostile ids whole, and a broken one does not throw', () => {
  const { parseRoute, href } = parts['lib/route']
  for (const id of ['a/b', '?q=1', '#x', '%', 'ü \u{1f600}', '<script>']) {
    const route = parseRoute(href('tasks', [id, id], { q: id }))
    assert.deepEqual([route.page, route.ids, route.query.get('q')], ['tasks', [id, id], id])
  }
  assert.deepEqual(parseRoute('#/%E0%A4%A/x').ids, ['x'])
  assert.equal(parseRoute('').page, 'overview')
})

test('only http and https addresses become links', () => {
  const { safeUrl } = parts['lib/route']
  assert.equal(safeUrl('https://a.example/'), 'https://a.example/')
  for (const bad of [
    'javascript:alert(1)',
    ' https://a',
    'data:text/html,x',
    '//evil',
    'java\nscript:1',
    '',
    undefined,
  ]) {
    assert.equal(safeUrl(bad), undefined)
  }
})

test('rates come from counters, and a counter that restarts is no negative rate', () => {
  const { History } = parts['state/history']
  const history = new History(4)
  ;[
    [1, 10],
    [2, 30],
    [4, 50],
    [5, 5],
    [5, 99],
    [6, 8],
  ].forEach(([t, n]) => history.add(t, { n }))
  assert.deepEqual(history.times, [2, 4, 5, 6])
  assert.deepEqual(history.rate('n'), [null, 10, 5, 3])
  history.add(7, { other: 1 })
  assert.deepEqual(history.get('other'), [null, null, null, 1])
  assert.deepEqual(history.get('n').slice(-1), [null])
})

test('log text is decoded across borders and loses terminal codes', () => {
  const { LogText } = parts['state/logtext']
  const bytes = encode('grün\u001b[31m rot\u001b[0m\r\nnächste\u0007 Zeile')
  for (const size of [1, 2, 5, bytes.length]) {
    const log = new LogText()
    for (let at = 0; at < bytes.length; at += size) log.append(bytes.subarray(at, at + size))
    assert.equal(
      log
        .blocks()
        .map((b) => b.text)
        .join('\n'),
      'grün rot\nnächste Zeile',
      `by ${size}`,
    )
    assert.equal(log.end, bytes.length)
  }
})

test('a followed log keeps a bounded tail and knows where it begins', () => {
  const { LogText } = parts['state/logtext']
  const log = new LogText()
  const line = encode(`${'x'.repeat(999)}\n`)
  for (let i = 0; i < 5000; i++) log.append(line)
  const kept = log.blocks().reduce((n, b) => n + b.bytes, 0)
  assert.equal(log.end, 5_000_000)
  assert.equal(log.end - log.begin, kept)
  assert.ok(kept <= 1024 * 1024, `${kept} bytes kept`)
  const earlier = encode(`earlier ${'y'.repeat(65_000)}\n`)
  log.prepend(earlier, log.begin - earlier.length)
  for (let i = 0; i < 60; i++) log.append(line)
  assert.match(log.blocks()[0].text, /^earlier/)
  for (let i = 0; i < 60; i++) log.append(line)
  assert.doesNotMatch(log.blocks()[0].text, /^earlier/)
})

test('tasks are matched by framework, agent, state and text, whatever the case', () => {
  const { matches } = parts['state/tasks']
  const row = { id: 'Web.1', name: 'Thumb', framework: 'f', agent: 's', state: 'TASK_RUNNING' }
  assert.ok(matches(row, {}))
  assert.ok(matches(row, { framework: 'f', agent: 's', states: ['TASK_RUNNING'], search: 'wEB' }))
  for (const no of [
    { framework: 'g' },
    { agent: 't' },
    { states: ['TASK_LOST'] },
    { search: 'zz' },
  ]) {
    assert.ok(!matches(row, no), JSON.stringify(no))
  }
})

test('a timeline lasts from state to state, to now while the task lives', () => {
  const { phases } = parts['pages/task']
  const at = (state, timestamp) => ({ state, timestamp })
  const list = [at('TASK_STARTING', 10), at('TASK_RUNNING', 11), at('TASK_RUNNING', 12)]
  assert.deepEqual(phases(list, 20), [
    { state: 'TASK_STARTING', from: 10, to: 11 },
    { state: 'TASK_RUNNING', from: 11, to: 20 },
  ])
  const ended = phases([...list, at('TASK_FINISHED', 15)], 99)
  assert.deepEqual(
    ended.map((p) => p.to),
    [11, 15, 15],
  )
  assert.deepEqual(phases([{ state: 'TASK_STAGING' }], 5), [])
})

test('a site is over its allowance only beyond the tolerance, and idle below a trickle', () => {
  const { pace } = parts['state/crawler']
  const site = (rate_per_s, allowed_per_s) => pace({ host: 'h', rate_per_s, allowed_per_s })
  assert.deepEqual(
    [site(5.2, 5), site(5.3, 5), site(2, 5), site(0, 5), site(3, 0)],
    ['full', 'over', 'part', 'idle', 'part'],
  )
})

test('every task state of Mesos v1 has a name, a tone and a place among the filters', () => {
  const { STATES, GROUPS, isTerminal } = parts['lib/states']
  const grouped = GROUPS.flatMap((g) => g.states)
  const all = [
    'STAGING',
    'STARTING',
    'RUNNING',
    'KILLING',
    'FINISHED',
    'FAILED',
    'KILLED',
    'ERROR',
    'LOST',
    'DROPPED',
    'UNREACHABLE',
    'GONE',
    'GONE_BY_OPERATOR',
    'UNKNOWN',
  ].map((s) => `TASK_${s}`)
  assert.deepEqual(Object.keys(STATES).sort(), [...all].sort())
  assert.deepEqual(
    all.filter((s) => s !== 'TASK_UNKNOWN' && !grouped.includes(s)),
    [],
  )
  assert.ok(
    isTerminal('TASK_FAILED') && !isTerminal('TASK_RUNNING') && !isTerminal('TASK_UNREACHABLE'),
  )
})

test('headroom is bound by the nearest limit of the role or one above it', () => {
  const { quotaRows, quotaState } = parts['lib/quota']
  const scalars = (amounts) =>
    Object.fromEntries(Object.entries(amounts).map(([name, value]) => [name, { value }]))
  const quotas = new Map([
    ['a', { role: 'a', limits: scalars({ cpus: 10, mem: 100 }) }],
    ['a/b', { role: 'a/b', guarantees: scalars({ cpus: 6 }), limits: scalars({ cpus: 8 }) }],
  ])
  const consumed = { a: { cpus: 9, mem: 100 }, 'a/b': { cpus: 4 } }
  const rows = (role) => quotaRows(role, quotas, (name) => consumed[name] ?? {})
  const [cpus, mem] = rows('a/b')
  assert.deepEqual(
    [cpus.guaranteed, cpus.limit, cpus.consumed, cpus.headroom, cpus.boundBy],
    [6, 8, 4, 1, 'a'],
  )
  assert.deepEqual([mem.limit, mem.headroom, mem.boundBy], [undefined, 0, 'a'])
  assert.equal(quotaState(rows('a/b')), 'full')
  assert.deepEqual(rows('c'), [])
  assert.equal(quotaState([]), 'none')
  assert.equal(quotaState([{ resource: 'cpus', guaranteed: 2, consumed: 1 }]), 'owed')
  assert.equal(quotaState([{ resource: 'cpus', limit: 2, consumed: 1, headroom: 1 }]), 'within')
})

test('fair shares are divided by weight on each level of the tree of roles', () => {
  const { fairTree } = parts['lib/roletree']
  const weights = { a: 3, 'a/x': 2 }
  const tree = fairTree(['a', 'a/x', 'a/y', 'b'], (role) => weights[role] ?? 1)
  assert.deepEqual([tree.of.get('a'), tree.of.get('b')], [0.75, 0.25])
  // In a: its own frameworks as one of weight 1, x with 2 and y with 1.
  assert.deepEqual(
    [tree.own.get('a'), tree.of.get('a/x'), tree.of.get('a/y'), tree.own.get('b')],
    [0.1875, 0.375, 0.1875, 0.25],
  )
  const deep = fairTree(['c/d/e'], () => 1)
  assert.deepEqual([deep.of.get('c'), deep.own.get('c/d/e')], [1, 1])
})

test('windows of maintenance are one row a machine, with state and answers', () => {
  const { plannedMachines } = parts['pages/maintenance']
  const window = (hostname, start) => ({
    machine_ids: [{ hostname }],
    unavailability: { start: { nanoseconds: start * 1e9 } },
  })
  const rows = plannedMachines([window('late', 20), window('soon', 10)], {
    draining_machines: [
      { id: { hostname: 'late' }, statuses: [{ status: 'ACCEPT' }, { status: 'UNKNOWN' }] },
    ],
    down_machines: [{ hostname: 'soon' }],
  })
  assert.deepEqual(
    rows.map((r) => [r.machine.hostname, r.start, r.seconds, r.state, r.answers.agreed]),
    [
      ['soon', 10, undefined, 'down', 0],
      ['late', 20, undefined, 'planned', 1],
    ],
  )
  assert.equal(rows[1].answers.silent, 1)
})

test('a rule that is not known yet is shown in its own words', () => {
  const { ruleLabel, ruleTone } = parts['lib/rules']
  assert.equal(ruleLabel('over_quota'), 'A quota is used up')
  assert.equal(ruleLabel('moon_in_the_way'), 'Moon in the way')
  assert.equal(ruleTone('moon_in_the_way'), 'stop')
})
