// One framework: its share per resource, the offers it holds, its tasks.

import type { Framework } from '../api/types'
import { amount, dateTime, duration, percent, shortId, usageText } from '../lib/format'
import { orderedNames, sum } from '../lib/resources'
import { href, safeUrl } from '../lib/route'
import { frameworkState } from '../lib/states'
import { isCrawler } from '../state/crawler'
import { useCluster, useFollower, useWindow } from '../state/hooks'
import { TaskWindow } from '../state/tasks'
import { AsCommand, Card, Empty, Facts, Meter, PageHead, Pill, Skeleton } from '../ui/bits'
import { Legend } from './agent'
import { fairShares, rolesOf, shareLabel, shareOf } from './shares'
import { TaskTable } from './tasktable'
import { WhyOffered } from './why'

export function FrameworkPage({ id }: { id: string }) {
  const cluster = useCluster()
  const live = cluster.frameworks.get(id)
  const framework = live ?? cluster.completed.get(id)
  const tasks = useFollower(() => new TaskWindow({ framework: id }), id)
  useWindow('frameworks', live ? [id] : [])
  if (!framework) {
    return cluster.loaded ? (
      <Empty title="No such framework" tone="bad">
        {id} is neither registered nor among the completed ones that are still remembered.{' '}
        <a href={href('frameworks')}>All frameworks</a>
      </Empty>
    ) : (
      <Card>
        <Skeleton lines={6} />
      </Card>
    )
  }
  const state = frameworkState(framework, !live)
  return (
    <>
      <PageHead
        title={framework.framework_info.name}
        sub={
          <>
            <a href={href('frameworks')}>Frameworks</a> / <span class="id">{id}</span>
          </>
        }
      >
        {live && isCrawler(framework) && (
          <a class="button" href={href('crawler', [id])}>
            Crawler page
          </a>
        )}
        <Pill tone={state.tone}>{state.label}</Pill>
      </PageHead>
      <div class="grid two lead">
        <Card title="Share of the cluster" aside={<Legend />}>
          {live ? (
            <Shares id={id} framework={live} />
          ) : (
            <Empty title="It has ended">It holds nothing any more.</Empty>
          )}
        </Card>
        <Card title="About">
          <FrameworkFacts framework={framework} />
        </Card>
      </div>
      {live && <WhyOffered id={id} />}
      {live && <Offers framework={live} />}
      <Card title="Tasks" class="flush">
        <TaskTable
          window={tasks}
          hide={['framework']}
          fit
          empty={
            <Empty title="It has launched no task">
              Its tasks appear here as it accepts offers.
            </Empty>
          }
        />
      </Card>
      <AsCommand command={`bourse tasks --framework ${id}`} />
    </>
  )
}

function Shares({ id, framework }: { id: string; framework: Framework }) {
  const cluster = useCluster()
  const totals = cluster.totals()
  const used = sum(framework.allocated_resources)
  const offered = sum(framework.offered_resources)
  const share = shareOf(framework, totals)
  const fair = fairShares(cluster).get(id)
  return (
    <>
      <p class="big">
        {percent(share.used)}{' '}
        <small>{share.resource ? `of ${share.resource}, its dominant share` : 'used'}</small>
      </p>
      <Meter
        used={share.used}
        offered={share.offered}
        mark={fair}
        label={shareLabel(share, fair)}
      />
      <p class="muted note">
        {fair !== undefined
          ? `The tick is its fair share by weight: ${percent(fair)}.`
          : 'It takes no offers now.'}
      </p>
      <ul class="resource-bars">
        {orderedNames(totals)
          .filter((name) => (totals[name] ?? 0) > 0)
          .map((name) => {
            const all = totals[name] ?? 1
            const label = `${name}: ${usageText(name, used[name] ?? 0, offered[name] ?? 0, all)}`
            return (
              <li key={name}>
                <span class="name">{name}</span>
                <Meter
                  thin
                  used={(used[name] ?? 0) / all}
                  offered={(offered[name] ?? 0) / all}
                  label={label}
                />
                <span class="n">
                  <b>{amount(name, used[name] ?? 0)}</b> of {amount(name, all)}
                </span>
                <span class="muted">
                  {offered[name] ? `${amount(name, offered[name] ?? 0)} offered` : ''}
                </span>
              </li>
            )
          })}
      </ul>
    </>
  )
}

function FrameworkFacts({ framework }: { framework: Framework }) {
  const info = framework.framework_info
  const cluster = useCluster()
  const url = safeUrl(info.webui_url)
  const at = framework.registered_time?.nanoseconds
  const ended = framework.unregistered_time?.nanoseconds
  const labels = info.labels?.labels ?? []
  return (
    <Facts
      facts={[
        [
          'Roles (weight)',
          rolesOf(framework)
            .map((role) => `${role} (${cluster.weight(role)})`)
            .join(', '),
        ],
        ['User', info.user || '\u2013'],
        !!info.principal && ['Principal', info.principal],
        !!info.hostname && ['Host', info.hostname],
        !!info.webui_url && [
          'Own page',
          url ? (
            <a href={url} rel="noreferrer noopener" target="_blank">
              {url}
            </a>
          ) : (
            info.webui_url
          ),
        ],
        ['Failover timeout', duration(info.failover_timeout ?? 0)],
        ['Checkpoint', info.checkpoint ? 'yes' : 'no'],
        !!at && ['Registered', dateTime(at / 1e9)],
        !!ended && ['Ended', dateTime(ended / 1e9)],
        !!info.capabilities?.length && [
          'Capabilities',
          info.capabilities.map((c) => c.type.toLowerCase().replaceAll('_', ' ')).join(', '),
        ],
        labels.length > 0 && [
          'Labels',
          labels.map((l) => (l.value ? `${l.key}=${l.value}` : l.key)).join(', '),
        ],
      ]}
    />
  )
}

function Offers({ framework }: { framework: Framework }) {
  const cluster = useCluster()
  const offers = framework.offers ?? []
  if (offers.length === 0) return null
  return (
    <Card title={`Offers it holds now (${offers.length})`}>
      <ul class="offers">
        {offers.slice(0, 30).map((offer) => {
          const amounts = sum(offer.resources)
          return (
            <li key={offer.id.value}>
              <a href={href('agents', [offer.agent_id.value])}>
                {cluster.agentName(offer.agent_id.value)}
              </a>
              <span>
                {orderedNames(amounts)
                  .map((n) => `${amount(n, amounts[n] ?? 0)} ${n}`)
                  .join(', ')}
              </span>
              <small class="id">{shortId(offer.id.value, 22)}</small>
            </li>
          )
        })}
      </ul>
      {offers.length > 30 && <p class="muted note">and {offers.length - 30} more</p>}
    </Card>
  )
}
