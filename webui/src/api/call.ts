// One operator call: POST api/v1 of the same origin, JSON in, JSON out. A failure is an ApiError
// whose message can be shown to a person as it is.

export const API_PATH = 'api/v1'
const TIMEOUT_MS = 15_000

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

const MEANING: Record<number, string> = {
  401: 'The master asks for a login.',
  403: 'This login may not do that.',
  404: 'Not found.',
  503: 'The master is not ready: it is recovering, or no leader is elected.',
}

export async function failure(response: Response): Promise<ApiError> {
  let text = ''
  try {
    text = (await response.text()).slice(0, 500).trim()
  } catch {
    // The status says enough.
  }
  const meaning = MEANING[response.status] ?? `The master answered ${response.status}.`
  return new ApiError(response.status, text || meaning)
}

export function describe(error: unknown): string {
  if (error instanceof ApiError) return error.message
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return 'The master did not answer in time.'
  }
  if (error instanceof TypeError) return 'The master cannot be reached.'
  return error instanceof Error ? error.message : String(error)
}

export interface Answered<T> {
  body: T
  sequence?: number
}

// Calls `type` and gives the member of the answer that carries its data.
export async function call<T>(
  type: string,
  fields: object = {},
  signal?: AbortSignal,
): Promise<Answered<T>> {
  const limit = AbortSignal.timeout(TIMEOUT_MS)
  const response = await fetch(API_PATH, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    body: JSON.stringify({ type, ...fields }),
    signal: signal ? anyOf(signal, limit) : limit,
    cache: 'no-store',
  })
  if (!response.ok) throw await failure(response)
  const json = (await response.json()) as Record<string, unknown>
  const body = (json[type.toLowerCase()] ?? {}) as T
  return { body, sequence: json.sequence as number | undefined }
}

// AbortSignal.any for browsers from before 2023.
function anyOf(a: AbortSignal, b: AbortSignal): AbortSignal {
  if ('any' in AbortSignal) return AbortSignal.any([a, b])
  const both = new AbortController()
  for (const one of [a, b]) {
    if (one.aborted) both.abort(one.reason)
    one.addEventListener('abort', () => both.abort(one.reason), { once: true })
  }
  return both.signal
}
