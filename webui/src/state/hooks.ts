// Bridges between the stores and components.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { parseRoute, type Route } from '../lib/route'
import { cluster, type WindowKind } from './cluster'
import type { Notifier } from './notifier'

export function useStore<T extends Notifier>(store: T): T {
  const [, set] = useState(0)
  useEffect(() => store.subscribe(() => set((n) => n + 1)), [store])
  return store
}

export const useCluster = () => useStore(cluster)

// A follower that lives as long as the component and its key: streams stop on navigation.
export function useFollower<T extends Notifier & { stop(): void }>(make: () => T, key: string): T {
  const follower = useMemo(make, [key])
  useEffect(() => () => follower.stop(), [follower])
  return useStore(follower)
}

export function useNow(everyMs = 1000): number {
  const [now, set] = useState(Date.now() / 1000)
  useEffect(() => {
    const timer = setInterval(() => set(Date.now() / 1000), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}

export function useRoute(): Route {
  const [route, set] = useState(() => parseRoute(location.hash))
  useEffect(() => {
    const onHash = () => set(parseRoute(location.hash))
    addEventListener('hashchange', onHash)
    return () => removeEventListener('hashchange', onHash)
  }, [])
  return route
}

export function useMedia(query: string): boolean {
  const list = useMemo(() => matchMedia(query), [query])
  const [match, set] = useState(list.matches)
  useEffect(() => {
    const onChange = () => set(list.matches)
    list.addEventListener('change', onChange)
    return () => list.removeEventListener('change', onChange)
  }, [list])
  return match
}

export const useNarrow = () => useMedia('(max-width: 760px)')

// Keeps the amounts of these rows fresh while the component is on the screen.
export function useWindow(kind: WindowKind, ids: string[]): void {
  const owner = useRef({}).current
  cluster.watch(owner, kind, ids)
  useEffect(() => () => cluster.watch(owner, kind, []), [owner])
}
