// The stages of a crawl as a flow, left to right: what waits, what works, what comes out. The
// connector between two stages moves as fast as work goes through it.

import { compact, count, rate } from '../lib/format'
import type { CrawlerStats, Stage } from '../state/crawler'
import type { History } from '../state/history'
import { Pill } from '../ui/bits'
import { Spark } from '../ui/chart'

const MAX_PIPS = 32

export function Flow({ stats, history }: { stats: CrawlerStats; history: History }) {
  const stages = stats.stages ?? []
  const slowest = bottleneck(stages)
  return (
    <section class="flow" aria-label="Stages">
      {stages.map((stage, i) => [
        i > 0 && <Pipe key={`pipe${i}`} perSecond={stages[i - 1]?.rate_per_s ?? 0} />,
        <StageCard key={stage.name} stage={stage} history={history} slow={stage === slowest} />,
      ])}
      <Pipe perSecond={stages[stages.length - 1]?.rate_per_s ?? 0} />
      <div class="stage sink">
        <h2>Items</h2>
        <p class="big">{compact(stats.run?.items ?? 0)}</p>
        <p class="muted">
          {stats.run?.duplicates ? `${count(stats.run.duplicates)} duplicates dropped` : 'stored'}
        </p>
      </div>
    </section>
  )
}

// The stage where work piles up: more waits for it than it finishes in two seconds, and more
// than anywhere behind it. The first stage is left out, its queue is the frontier itself.
function bottleneck(stages: Stage[]): Stage | undefined {
  const later = stages
    .slice(1)
    .filter((s) => (s.queue ?? 0) > Math.max(50, 2 * (s.rate_per_s ?? 0)))
  return later.sort((a, b) => (b.queue ?? 0) - (a.queue ?? 0))[0]
}

function Pipe({ perSecond }: { perSecond: number }) {
  const moving = perSecond > 0.05
  const seconds = Math.max(0.25, Math.min(4, 4 / Math.sqrt(Math.max(1, perSecond))))
  return (
    <div class={`pipe ${moving ? 'moving' : ''}`} aria-hidden="true">
      <span>{rate(perSecond)}</span>
      <svg viewBox="0 0 60 8" preserveAspectRatio="none">
        <line
          x1="0"
          y1="4"
          x2="60"
          y2="4"
          style={{ animationDuration: `${seconds}s` }}
          vector-effect="non-scaling-stroke"
        />
      </svg>
    </div>
  )
}

function StageCard({ stage, history, slow }: { stage: Stage; history: History; slow: boolean }) {
  const workers = stage.workers ?? 0
  const target = stage.target_workers ?? workers
  return (
    <article class={`stage ${stage.paused ? 'paused' : ''} ${slow ? 'slow' : ''}`}>
      <header>
        <h2>{stage.name}</h2>
        {stage.paused ? (
          <Pill tone="stop">Paused</Pill>
        ) : slow ? (
          <Pill tone="stop">Behind</Pill>
        ) : null}
      </header>
      <p class="big">{rate(stage.rate_per_s ?? 0)}</p>
      {stage.trouble && (
        <p class="tone-bad trouble" role="alert" title={stage.trouble}>
          {stage.trouble}
        </p>
      )}
      <Spark
        values={history.get(`rate/${stage.name}`)}
        color="used"
        label={`Rate of ${stage.name} over time`}
      />
      <dl>
        <div>
          <dt>Waiting</dt>
          <dd>{count(stage.queue ?? 0)}</dd>
        </div>
        <div>
          <dt>Working on</dt>
          <dd>{count(stage.in_flight ?? 0)}</dd>
        </div>
        <div>
          <dt>Done</dt>
          <dd>{compact(stage.done ?? 0)}</dd>
        </div>
        <div class={stage.failed ? 'tone-bad' : ''}>
          <dt>Failed</dt>
          <dd>{count(stage.failed ?? 0)}</dd>
        </div>
      </dl>
      <div class="workers" title={`${workers} of ${target} workers run`}>
        <span class="pips" aria-hidden="true">
          {Array.from({ length: Math.min(MAX_PIPS, Math.max(workers, target)) }, (_, i) => (
            <i key={i} class={i >= workers ? 'missing' : i >= target ? 'extra' : ''} />
          ))}
        </span>
        <small>
          {workers === target
            ? `${workers} worker${workers === 1 ? '' : 's'}`
            : `${workers} of ${target} workers`}
        </small>
      </div>
    </article>
  )
}
