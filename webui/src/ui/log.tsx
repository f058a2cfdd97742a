// A file shown from its end and followed: polls READ_FILE from the offset it has reached, loads
// earlier parts on demand, keeps a bounded tail, shows bytes as text only (never as markup).

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { readFile } from '../api/files'
import { describe } from '../api/call'
import { bytes } from '../lib/format'
import { Empty, Skeleton } from './bits'
import { LogText } from '../state/logtext'

const POLL_MS = 1000
const TAIL_BYTES = 64 * 1024
const BURST_READS = 16

interface View {
  text: LogText
  version: number
  size: number
  error?: string
  loaded: boolean
}

function useTail(path: string, paused: boolean) {
  const [view, set] = useState<View>(() => ({
    text: new LogText(),
    version: 0,
    size: 0,
    loaded: false,
  }))
  const pausedRef = useRef(paused)
  pausedRef.current = paused
  useEffect(() => {
    const abort = new AbortController()
    let timer: ReturnType<typeof setTimeout>
    const text = new LogText()
    let started = false
    set({ text, version: 0, size: 0, loaded: false })
    const tick = async () => {
      try {
        if (!document.hidden && !(started && pausedRef.current)) {
          const size = await advance(path, text, started, abort.signal)
          started = true
          set((v) => ({ text, version: v.version + 1, size, loaded: true }))
        }
      } catch (error) {
        if (abort.signal.aborted) return
        set((v) => ({ ...v, loaded: true, error: describe(error) }))
      }
      timer = setTimeout(() => void tick(), POLL_MS)
    }
    void tick()
    return () => {
      abort.abort()
      clearTimeout(timer)
    }
  }, [path])
  const earlier = async () => {
    const { text } = view
    const from = Math.max(0, text.begin - TAIL_BYTES)
    const chunk = await readFile(path, from, text.begin - from)
    text.prepend(chunk.bytes, from)
    set((v) => ({ ...v, version: v.version + 1 }))
  }
  return { ...view, earlier }
}

// Reads what is new; gives the file's size.
async function advance(
  path: string,
  text: LogText,
  started: boolean,
  signal: AbortSignal,
): Promise<number> {
  if (!started) {
    const { size } = await readFile(path, 0, 0, signal)
    text.reset(Math.max(0, size - TAIL_BYTES))
  }
  for (let reads = 0; reads < BURST_READS; reads++) {
    const chunk = await readFile(path, text.end, TAIL_BYTES, signal)
    if (chunk.size < text.end) {
      text.reset(0) // truncated or replaced
      continue
    }
    text.append(chunk.bytes)
    if (chunk.bytes.length === 0 || text.end >= chunk.size) return chunk.size
    // A writer faster than the reader: jump to the end rather than fall behind for ever.
    if (reads === BURST_READS - 2) text.reset(Math.max(0, chunk.size - TAIL_BYTES))
  }
  return text.end
}

export function LogView({ path, name }: { path: string; name: string }) {
  const [follow, setFollow] = useState(true)
  const [wrap, setWrap] = useState(false)
  const [filter, setFilter] = useState('')
  const log = useTail(path, false)
  const box = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const element = box.current
    if (element && follow) element.scrollTop = element.scrollHeight
  }, [log.version, follow, wrap, filter])
  const onScroll = () => {
    const element = box.current
    if (!element) return
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 24
    if (atEnd !== follow) setFollow(atEnd)
  }
  const wanted = filter.toLowerCase()
  const blocks = log.text.blocks()
  return (
    <div class="log">
      <div class="log-tools">
        <span class="muted">{log.loaded ? bytes(log.size) : ''}</span>
        <input
          type="search"
          class="grep"
          placeholder="Filter lines"
          aria-label={`Filter lines of ${name}`}
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
        <button type="button" aria-pressed={wrap} onClick={() => setWrap(!wrap)}>
          Wrap
        </button>
        <button type="button" aria-pressed={follow} onClick={() => setFollow(!follow)}>
          Follow
        </button>
      </div>
      {log.error && log.text.end === 0 ? (
        <Empty title={`${name} cannot be read`} tone="bad">
          {log.error}
        </Empty>
      ) : !log.loaded ? (
        <Skeleton lines={6} />
      ) : (
        <div
          class={`log-box ${wrap ? 'wrap' : ''}`}
          ref={box}
          onScroll={onScroll}
          tabIndex={0}
          role="log"
          aria-label={name}
        >
          {log.text.begin > 0 && (
            <button type="button" class="earlier" onClick={() => void log.earlier()}>
              Load earlier ({bytes(log.text.begin)} above)
            </button>
          )}
          {log.size === 0 && <p class="muted">Nothing has been written yet.</p>}
          {blocks.map((block) => (
            <pre key={block.id}>
              {wanted
                ? block.text
                    .split('\n')
                    .filter((line) => line.toLowerCase().includes(wanted))
                    .join('\n')
                : block.text}
            </pre>
          ))}
        </div>
      )}
      {log.error && log.text.end > 0 && (
        <p class="log-error" role="alert">
          {log.error} Retrying.
        </p>
      )}
    </div>
  )
}
