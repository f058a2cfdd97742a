// The address of what is on the screen lives in the fragment, so that every view can be linked and
// the server needs no route for it: #/tasks/<framework>/<task>?file=stderr

export interface Route {
  page: string
  ids: string[]
  query: URLSearchParams
}

export function parseRoute(fragment: string): Route {
  const text = fragment.replace(/^#\/?/, '')
  const [path = '', query = ''] = text.split('?', 2)
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decode)
  return { page: parts[0] ?? 'overview', ids: parts.slice(1), query: new URLSearchParams(query) }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

export function href(
  page: string,
  ids: string[] = [],
  query: Record<string, string | undefined> = {},
) {
  const path = [page, ...ids].map(encodeURIComponent).join('/')
  const pairs = Object.entries(query).filter(([, value]) => value) as [string, string][]
  return `#/${path}${pairs.length ? `?${new URLSearchParams(pairs)}` : ''}`
}

export function go(target: string): void {
  location.hash = target
}

// Changes the query of the current page without a new history entry (filters, sort order).
export function replaceQuery(change: Record<string, string | undefined>): void {
  const route = parseRoute(location.hash)
  const query = Object.fromEntries(route.query)
  const next = href(route.page, route.ids, { ...query, ...change })
  history.replaceState(null, '', next)
  dispatchEvent(new HashChangeEvent('hashchange'))
}

// Only addresses that a browser opens as a page; a framework may publish anything as webui_url.
export function safeUrl(url: string | undefined): string | undefined {
  return url && /^https?:\/\//i.test(url) ? url : undefined
}
