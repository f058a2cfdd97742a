// Keys, as a modal dialog. <dialog> gives focus trap and Escape.

import { useEffect, useRef } from 'preact/hooks'
import { JUMPS } from '../lib/keys'

const KEYS: [string[], string][] = [
  [['/'], 'Search'],
  [['j', 'k'], 'Next, previous row'],
  [['Enter'], 'Open the row'],
  [['Home', 'End'], 'First, last row'],
  ...JUMPS.map(([key, , label]) => [['g', key], label] as [string[], string]),
  [['?'], 'This help'],
  [['Esc'], 'Leave the search, close'],
]

export function Help({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog
      ref={dialog}
      class="help"
      onClose={onClose}
      aria-label="Keyboard help"
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}
    >
      <h2>Keyboard</h2>
      <dl>
        {KEYS.map(([keys, what]) => (
          <div key={what}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <button type="button" onClick={() => dialog.current?.close()}>
        Close
      </button>
    </dialog>
  )
}
