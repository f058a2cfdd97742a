// The files of a task's sandbox: stdout and stderr first, the others by browsing directories.

import { useEffect, useState } from 'preact/hooks'
import { describe } from '../api/call'
import { listFiles } from '../api/files'
import type { FileInfo } from '../api/types'
import { bytes, dateTime } from '../lib/format'
import { replaceQuery } from '../lib/route'
import { Choice, Empty, Skeleton } from '../ui/bits'
import { LogView } from '../ui/log'

const BROWSE = '*'

export function Sandbox({ base, file }: { base: string; file: string }) {
  const known = file === 'stdout' || file === 'stderr'
  const open = (name: string) => replaceQuery({ file: name === 'stdout' ? undefined : name })
  const tab = file === BROWSE ? 'browse' : known ? file : 'other'
  const options = [
    { key: 'stdout', label: 'stdout' },
    { key: 'stderr', label: 'stderr' },
    { key: 'browse', label: 'Files' },
  ]
  if (tab === 'other') options.push({ key: 'other', label: file })
  return (
    <div class="sandbox">
      <Choice
        label="File"
        value={tab}
        options={options}
        onChange={(key) => key !== 'other' && open(key === 'browse' ? BROWSE : key)}
      />
      {tab === 'browse' ? (
        <Browser base={base} open={open} />
      ) : (
        <LogView key={base + file} path={`${base}/${file}`} name={file} />
      )}
    </div>
  )
}

const isDirectory = (file: FileInfo) => ((file.mode ?? 0) & 0o170000) === 0o040000

function Browser({ base, open }: { base: string; open: (name: string) => void }) {
  const [path, setPath] = useState(base)
  const [files, setFiles] = useState<FileInfo[]>()
  const [error, setError] = useState<string>()
  useEffect(() => {
    const abort = new AbortController()
    setFiles(undefined)
    setError(undefined)
    listFiles(path, abort.signal)
      .then((list) => setFiles(list.sort((a, b) => (a.path < b.path ? -1 : 1))))
      .catch((reason) => abort.signal.aborted || setError(describe(reason)))
    return () => abort.abort()
  }, [path])
  if (error)
    return (
      <Empty title="The sandbox cannot be listed" tone="bad">
        {error}
      </Empty>
    )
  if (!files) return <Skeleton lines={4} />
  const up = path !== base
  if (files.length === 0 && !up) return <Empty title="The sandbox is empty" />
  const enter = (file: FileInfo) => {
    const name = file.path.slice(file.path.lastIndexOf('/') + 1)
    if (isDirectory(file)) setPath(`${path}/${name}`)
    else open(`${path}/${name}`.slice(base.length + 1))
  }
  return (
    <table class="plain files">
      <thead>
        <tr>
          <th>Name</th>
          <th class="right">Size</th>
          <th>Owner</th>
          <th>Changed</th>
        </tr>
      </thead>
      <tbody>
        {up && (
          <tr>
            <td colSpan={4}>
              <button
                type="button"
                class="linklike"
                onClick={() => setPath(path.slice(0, path.lastIndexOf('/')))}
              >
                ..
              </button>
            </td>
          </tr>
        )}
        {files.map((file) => (
          <tr key={file.path}>
            <td>
              <button type="button" class="linklike" onClick={() => enter(file)}>
                {file.path.slice(file.path.lastIndexOf('/') + 1)}
                {isDirectory(file) ? '/' : ''}
              </button>
            </td>
            <td class="right">{isDirectory(file) ? '' : bytes(file.size ?? 0)}</td>
            <td class="muted">{file.uid}</td>
            <td class="muted">{file.mtime ? dateTime(file.mtime.nanoseconds / 1e9) : ''}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
