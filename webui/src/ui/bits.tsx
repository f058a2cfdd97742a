// Small pieces: state pill, used/offered/free meter, card, key-value facts, empty and error states.

import type { ComponentChildren } from 'preact'
import { shortId } from '../lib/format'
import type { Tone } from '../lib/states'
import { stateLabel, tone as toneOf } from '../lib/states'

export function Pill({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return (
    <span class={`pill tone-${tone}`}>
      <i class="dot" />
      {children}
    </span>
  )
}

// The end of an id tells ids apart; the whole is in the tooltip.
export function IdTail({ id }: { id: string }) {
  return (
    <small class="id" title={id}>
      {shortId(id, 9)}
    </small>
  )
}

export function TaskPill({ state }: { state: string }) {
  return <Pill tone={toneOf(state)}>{stateLabel(state)}</Pill>
}

const width = (fraction: number) => `${Math.max(0, Math.min(1, fraction)) * 100}%`

// Used is solid, offered is hatched beside it, free is the empty track.
export function Meter(props: {
  used: number
  offered?: number
  mark?: number
  label: string
  thin?: boolean
}) {
  const offered = Math.min(props.offered ?? 0, 1 - props.used)
  return (
    <div
      class={`meter ${props.thin ? 'thin' : ''}`}
      role="img"
      aria-label={props.label}
      title={props.label}
    >
      <span class="used" style={{ width: width(props.used) }} />
      <span class="offered" style={{ width: width(offered) }} />
      {props.mark !== undefined && <span class="mark" style={{ left: width(props.mark) }} />}
    </div>
  )
}

export function Card(props: {
  title?: ComponentChildren
  aside?: ComponentChildren
  children: ComponentChildren
  class?: string
}) {
  return (
    <section class={`card ${props.class ?? ''}`}>
      {(props.title || props.aside) && (
        <header>
          <h2>{props.title}</h2>
          {props.aside && <div class="aside">{props.aside}</div>}
        </header>
      )}
      {props.children}
    </section>
  )
}

export type Fact = [name: string, value: ComponentChildren]

export function Facts({ facts }: { facts: (Fact | false | undefined)[] }) {
  return (
    <dl class="facts">
      {facts.map(
        (fact) =>
          fact && (
            <div key={fact[0]}>
              <dt>{fact[0]}</dt>
              <dd>{fact[1]}</dd>
            </div>
          ),
      )}
    </dl>
  )
}

export function Empty(props: { title: string; children?: ComponentChildren; tone?: 'bad' }) {
  return (
    <div class={`empty ${props.tone ?? ''}`} role={props.tone === 'bad' ? 'alert' : 'status'}>
      <strong>{props.title}</strong>
      {props.children && <div>{props.children}</div>}
    </div>
  )
}

export function Skeleton({ lines = 4 }: { lines?: number }) {
  return (
    <div class="skeleton" aria-busy="true" aria-label="Loading">
      {Array.from({ length: lines }, (_, i) => (
        <span key={i} style={{ width: `${88 - ((i * 23) % 45)}%` }} />
      ))}
    </div>
  )
}

export function PageHead(props: {
  title: ComponentChildren
  sub?: ComponentChildren
  children?: ComponentChildren
}) {
  return (
    <div class="page-head">
      <div>
        <h1>{props.title}</h1>
        {props.sub && <p class="sub">{props.sub}</p>}
      </div>
      {props.children && <div class="tools">{props.children}</div>}
    </div>
  )
}

export function Search(props: {
  value: string
  placeholder: string
  onInput: (value: string) => void
}) {
  return (
    <label class="search">
      <span class="sr">{props.placeholder}</span>
      <input
        type="search"
        placeholder={props.placeholder}
        value={props.value}
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => props.onInput(event.currentTarget.value)}
      />
      <kbd aria-hidden="true">/</kbd>
    </label>
  )
}

export function Choice<T extends string>(props: {
  label: string
  value: T
  options: { key: T; label: ComponentChildren; count?: string }[]
  onChange: (key: T) => void
}) {
  return (
    <div class="choice" role="group" aria-label={props.label}>
      {props.options.map((option) => (
        <button
          type="button"
          key={option.key}
          aria-pressed={option.key === props.value}
          onClick={() => props.onChange(option.key)}
        >
          {option.label}
          {option.count !== undefined && <span class="n">{option.count}</span>}
        </button>
      ))}
    </div>
  )
}

// The same view as a command line: what is seen here can be scripted.
export function AsCommand({ command }: { command: string }) {
  return (
    <p class="as-command">
      <span>As a command</span>
      <code>{command}</code>
    </p>
  )
}
