// The frame around every page: navigation, the state of the connection, keys, help.

import { useEffect, useState } from 'preact/hooks'
import { clock, duration } from './lib/format'
import { installKeys, JUMPS } from './lib/keys'
import { href, type Route } from './lib/route'
import { AgentPage } from './pages/agent'
import { AgentsPage } from './pages/agents'
import { CrawlerPage } from './pages/crawler'
import { FrameworkPage } from './pages/framework'
import { FrameworksPage } from './pages/frameworks'
import { Overview } from './pages/overview'
import { RolePage, RolesPage } from './pages/roles'
import { TaskPage } from './pages/task'
import { TasksPage } from './pages/tasks'
import { useCluster, useNow, useRoute } from './state/hooks'
import { Empty } from './ui/bits'
import { Help } from './ui/help'

export function App() {
  const route = useRoute()
  const [help, setHelp] = useState(false)
  useEffect(() => installKeys(() => setHelp(true)), [])
  useEffect(() => {
    const name = JUMPS.find(([, page]) => page === route.page)?.[2] ?? 'Bourse'
    document.title = [route.ids[route.ids.length - 1], name, 'Bourse']
      .filter(Boolean)
      .join(' \u00b7 ')
  }, [route])
  const lost = useCluster().link.state === 'lost'
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to content
      </a>
      <TopBar page={route.page} onHelp={() => setHelp(true)} />
      <LinkBanner />
      <main id="main" tabIndex={-1} class={lost ? 'stale' : ''}>
        <Page route={route} />
      </main>
      {help && <Help onClose={() => setHelp(false)} />}
    </>
  )
}

function skip(event: Event): void {
  event.preventDefault()
  document.getElementById('main')?.focus()
}

function Page({ route }: { route: Route }) {
  const [a, b] = route.ids
  switch (route.page) {
    case 'overview':
      return <Overview />
    case 'agents':
      return a ? <AgentPage id={a} key={a} /> : <AgentsPage query={route.query} />
    case 'frameworks':
      return a ? <FrameworkPage id={a} key={a} /> : <FrameworksPage query={route.query} />
    case 'roles':
      return a ? <RolePage name={a} key={a} /> : <RolesPage query={route.query} />
    case 'tasks':
      return a && b ? (
        <TaskPage framework={a} id={b} key={a + b} query={route.query} />
      ) : (
        <TasksPage query={route.query} />
      )
    case 'crawler':
      return <CrawlerPage id={a} query={route.query} />
    default:
      return (
        <Empty title="There is no such page">
          The address names nothing here. <a href={href('overview')}>Overview</a>
        </Empty>
      )
  }
}

function TopBar({ page, onHelp }: { page: string; onHelp: () => void }) {
  const cluster = useCluster()
  const live = cluster.link.state
  const words = { live: 'Live', connecting: 'Connecting', lost: 'Disconnected' }[live]
  const address = cluster.master?.address
  return (
    <header class="top">
      <a class="brand" href={href('overview')} aria-label="Bourse, overview">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="7" />
          <path d="M8 22V10h4.500v12zM13.750 22v-7h4.500v7zM19.500 22V6.500H24V22z" />
        </svg>
        <span>Bourse</span>
      </a>
      <nav aria-label="Pages">
        {JUMPS.map(([key, name, label]) => (
          <a
            key={name}
            href={href(name)}
            aria-current={page === name ? 'page' : undefined}
            title={`g ${key}`}
          >
            {label}
          </a>
        ))}
      </nav>
      <div class="status">
        {address && (
          <span class="leader" title={`Leading master ${cluster.master?.id}`}>
            {address.hostname ?? address.ip}:{address.port}
            {cluster.version && <em>{cluster.version}</em>}
          </span>
        )}
        <span class={`link link-${live}`} role="status">
          <i class="dot" />
          <span>{words}</span>
        </span>
        <button type="button" class="icon" onClick={onHelp} aria-label="Keyboard help" title="?">
          ?
        </button>
      </div>
    </header>
  )
}

function LinkBanner() {
  const cluster = useCluster()
  const now = useNow(500)
  const { state, error, since, retryAt } = cluster.link
  if (state !== 'lost') return null
  const wait = retryAt ? Math.max(0, Math.ceil(retryAt / 1000 - now)) : 0
  return (
    <div class="banner" role="alert">
      <strong>{error}</strong>
      <span>
        {cluster.freshAt > 0 && `What is shown is from ${clock(cluster.freshAt / 1000)}. `}
        {`Lost ${duration(Math.max(1, Math.floor(now - since / 1000)))} ago, `}
        {wait > 0 ? `trying again in ${wait} s.` : 'trying again\u2026'}
      </span>
      <button type="button" onClick={() => cluster.stream?.retryNow()}>
        Try now
      </button>
    </div>
  )
}
