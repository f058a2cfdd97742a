// Sandbox files and published documents, always through the master (docs/operator-extensions.md).

import { call } from './call'
import type { FileInfo } from './types'

export interface Chunk {
  size: number
  bytes: Uint8Array<ArrayBuffer>
}

export async function readFile(
  path: string,
  offset: number,
  length?: number,
  signal?: AbortSignal,
): Promise<Chunk> {
  const answer = await call<{ size?: number; data?: string }>(
    'READ_FILE',
    { read_file: length === undefined ? { path, offset } : { path, offset, length } },
    signal,
  )
  return { size: answer.body.size ?? 0, bytes: fromBase64(answer.body.data ?? '') }
}

export async function listFiles(path: string, signal?: AbortSignal): Promise<FileInfo[]> {
  const answer = await call<{ file_infos?: FileInfo[] }>(
    'LIST_FILES',
    { list_files: { path } },
    signal,
  )
  return answer.body.file_infos ?? []
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text)
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}

export function sandboxPath(agent: string, framework: string, executor: string, container: string) {
  return `/agents/${agent}/sandbox/${framework}/${executor}/${container}`
}
