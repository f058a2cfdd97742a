// Keyboard: `/` search, `g` then a letter jumps to a page, `?` help. Lists take j/k themselves.

import { go, href } from './route'

export const JUMPS: [string, string, string][] = [
  ['o', 'overview', 'Overview'],
  ['a', 'agents', 'Agents'],
  ['f', 'frameworks', 'Frameworks'],
  ['r', 'roles', 'Roles'],
  ['t', 'tasks', 'Tasks'],
  ['c', 'crawler', 'Crawler'],
]

const SEQUENCE_MS = 1200

export function typing(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null
  return !!element?.closest?.('input, textarea, select, [contenteditable]')
}

// Installs the global keys; gives the function that removes them.
export function installKeys(onHelp: () => void): () => void {
  let goAt = 0
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (typing(event.target)) {
      if (event.key === 'Escape') (event.target as HTMLElement).blur()
      return
    }
    if (Date.now() - goAt < SEQUENCE_MS) {
      goAt = 0
      const jump = JUMPS.find(([key]) => key === event.key)
      if (jump) {
        event.preventDefault()
        go(href(jump[1]))
        return
      }
    }
    if (event.key === 'g') goAt = Date.now()
    else if (event.key === '?') onHelp()
    else if (event.key === '/') focusSearch(event)
    else if (event.key === 'j' || event.key === 'k') focusList(event)
  }
  addEventListener('keydown', onKey)
  return () => removeEventListener('keydown', onKey)
}

function focusSearch(event: KeyboardEvent): void {
  const search = document.querySelector<HTMLInputElement>('input[type=search]')
  if (search) {
    event.preventDefault()
    search.focus()
    search.select()
  } else {
    event.preventDefault()
    go(href('tasks'))
    setTimeout(() => document.querySelector<HTMLInputElement>('input[type=search]')?.focus(), 60)
  }
}

// j and k work from anywhere on the page: the first list takes the focus and the key.
function focusList(event: KeyboardEvent): void {
  const list = document.querySelector<HTMLElement>('[data-keylist]')
  if (!list || list.contains(event.target as Node)) return
  event.preventDefault()
  list.focus({ preventScroll: true })
  list.dispatchEvent(new KeyboardEvent('keydown', { key: event.key, bubbles: false }))
}
