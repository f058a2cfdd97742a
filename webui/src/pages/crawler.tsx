// A crawl while it runs: progress, the flow through the stages, every site, pacing and errors.

import { useRef } from 'preact/hooks'
import type { Framework } from '../api/types'
import { ago, bytes, compact, count, duration, percent, rate } from '../lib/format'
import { href } from '../lib/route'
import { CrawlerFollower, isCrawler, type CrawlerStats } from '../state/crawler'
import { useCluster, useFollower, useNow } from '../state/hooks'
import { AsCommand, Card, Empty, PageHead, Pill, Skeleton } from '../ui/bits'
import { TimeChart } from '../ui/chart'
import { Flow } from './flow'
import { ErrorClasses, PacePanel } from './pacing'
import { Sites } from './sites'

const STALE_S = 10

export function CrawlerPage({ id, query }: { id?: string; query: URLSearchParams }) {
  const cluster = useCluster()
  const crawlers = [...cluster.frameworks.values()].filter(isCrawler)
  // One that ends while somebody looks stays on the screen with its last figures.
  const looked = useRef<string>()
  const chosen = id ?? crawlers[0]?.framework_info.id?.value ?? looked.current
  looked.current = chosen
  if (!chosen) {
    return (
      <>
        <PageHead title="Crawler" />
        {cluster.loaded ? (
          <Empty title="No crawler is running">
            <p>
              This page follows frameworks that carry the label <code>bourse.ui=crawler</code>.
            </p>
            <p>
              Start the example, 300 shops on this machine: <code>./dev demo</code>
            </p>
            <LastCrawl />
          </Empty>
        ) : (
          <Card>
            <Skeleton lines={6} />
          </Card>
        )}
      </>
    )
  }
  return <Crawl key={chosen} id={chosen} crawlers={crawlers} query={query} />
}

function LastCrawl() {
  const cluster = useCluster()
  const now = useNow()
  const ended = (f: Framework) => f.unregistered_time?.nanoseconds ?? 0
  const crawlers = [...cluster.completed.values()].filter(isCrawler)
  const last = crawlers.sort((a, b) => ended(b) - ended(a))[0]
  if (!last) return null
  const id = last.framework_info.id?.value ?? ''
  return (
    <p>
      The last one, <a href={href('frameworks', [id])}>{last.framework_info.name}</a>, ended{' '}
      {ago(ended(last) / 1e9, now)}.
    </p>
  )
}

function Crawl({
  id,
  crawlers,
  query,
}: {
  id: string
  crawlers: Framework[]
  query: URLSearchParams
}) {
  const cluster = useCluster()
  const follower = useFollower(() => new CrawlerFollower(id), id)
  const now = useNow()
  const framework = cluster.frameworks.get(id)
  const name =
    framework?.framework_info.name ?? cluster.completed.get(id)?.framework_info.name ?? id
  const stats = follower.stats
  const stale = stats?.time !== undefined && now - stats.time > STALE_S
  const sub = (
    <>
      <a href={href('frameworks', [id])}>{name}</a>
      {stale && stats?.time ? (
        <span class="tone-stop"> {`\u00b7 last heard ${ago(stats.time, now)}`}</span>
      ) : null}
    </>
  )
  return (
    <>
      <PageHead title="Crawler" sub={sub}>
        {crawlers.length > 1 &&
          crawlers.map((f) => {
            const other = f.framework_info.id?.value ?? ''
            return (
              <a
                key={other}
                class="button"
                aria-current={other === id ? 'page' : undefined}
                href={href('crawler', [other])}
              >
                {f.framework_info.name}
              </a>
            )
          })}
        {stats && <RunState stats={stats} ended={!framework} />}
      </PageHead>
      {!stats ? (
        follower.error ? (
          <Empty
            title={
              follower.missing
                ? 'The crawler has published nothing yet'
                : 'Its figures cannot be read'
            }
            tone={follower.missing ? undefined : 'bad'}
          >
            {follower.missing
              ? 'Its figures appear as soon as it sends its first stats.json.'
              : follower.error}
          </Empty>
        ) : (
          <Card>
            <Skeleton lines={6} />
          </Card>
        )
      ) : (
        <>
          <Progress stats={stats} />
          <Flow stats={stats} history={follower.history} />
          <div class="grid two wide-left">
            <Throughput follower={follower} />
            <PacePanel sites={stats.sites ?? []} />
          </div>
          <Sites sites={stats.sites ?? []} query={query} />
          <ErrorClasses errors={stats.errors ?? {}} />
          <AsCommand command="bourse crawl status" />
        </>
      )}
    </>
  )
}

function RunState({ stats, ended }: { stats: CrawlerStats; ended: boolean }) {
  const state = ended ? 'ended' : (stats.run?.state ?? 'running')
  const tones = {
    running: 'run',
    paused: 'stop',
    draining: 'stop',
    done: 'done',
    ended: 'done',
  } as const
  return (
    <Pill tone={tones[state as keyof typeof tones] ?? 'wait'}>
      {state.charAt(0).toUpperCase() + state.slice(1)}
    </Pill>
  )
}

function Progress({ stats }: { stats: CrawlerStats }) {
  const run = stats.run ?? {}
  const items = run.items ?? 0
  const expected = run.expected_items ?? 0
  const seconds = run.seconds ?? 0
  const perSecond = seconds > 0 ? items / seconds : 0
  const left = expected > items && perSecond > 0 ? (expected - items) / perSecond : 0
  const figures: [string, string, string?][] = [
    [
      'Items',
      count(items),
      expected > 0 ? `of ${count(expected)}, ${percent(items / expected)}` : undefined,
    ],
    ['Pages', count(run.pages ?? 0), run.bytes ? bytes(run.bytes) : undefined],
    [
      'Pages per s',
      seconds > 0 ? compact((run.pages ?? 0) / seconds) : '\u2013',
      'since the start',
    ],
    [
      'Errors',
      count(run.errors ?? 0),
      run.pages ? percent((run.errors ?? 0) / Math.max(1, run.pages)) : undefined,
    ],
    [
      'Running for',
      duration(seconds),
      left > 0 ? `about ${duration(Math.ceil(left))} left` : undefined,
    ],
  ]
  return (
    <section class="card progress-card" aria-label="Progress">
      <dl class="headline">
        {figures.map(([name, value, note]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {value} {note && <small>{note}</small>}
            </dd>
          </div>
        ))}
      </dl>
      {expected > 0 && (
        <div
          class="progress"
          role="progressbar"
          aria-valuemin={0}
          aria-valuemax={expected}
          aria-valuenow={items}
          aria-label={`Items found: ${percent(items / expected)}`}
        >
          <span style={{ width: `${Math.min(100, (items / expected) * 100)}%` }} />
        </div>
      )}
    </section>
  )
}

function Throughput({ follower }: { follower: CrawlerFollower }) {
  const { history } = follower
  return (
    <Card title="Throughput">
      <TimeChart
        label="Pages, items and errors per second"
        times={history.times}
        height={170}
        axes
        format={rate}
        series={[
          { label: 'Pages', color: 'used', values: history.rate('pages'), area: true },
          { label: 'Items', color: 'wait', values: history.rate('items') },
          { label: 'Errors', color: 'bad', values: history.rate('errors') },
        ]}
      />
    </Card>
  )
}
