/**
 * @module Models on this machine, if there are any: Ollama and llama-server are looked for where they listen
 * by default. What was looked for is said either way, so that nothing passes for tried which was not.
 */

/** Where a model may be, and what says so. */
export type Place = { readonly name: string; readonly baseURL: string }

/** A model that answers, or each place and what it said. */
export type Found =
  | { readonly kind: 'found'; readonly place: Place; readonly models: readonly string[] }
  | { readonly kind: 'none'; readonly looked: readonly string[] }

/** Ollama at `OLLAMA_HOST` or port 11434, llama-server at `LLAMA_SERVER_HOST` or port 8080. */
export function places(env: Readonly<Record<string, string | undefined>>): Place[] {
  return [
    { name: 'Ollama', baseURL: address(env.OLLAMA_HOST, 11_434) },
    { name: 'llama-server', baseURL: address(env.LLAMA_SERVER_HOST, 8_080) },
  ]
}

/** The first place with a model that is served there under OpenAI's API. */
export async function find(all: readonly Place[], timeoutMs = 2_000): Promise<Found> {
  const looked: string[] = []
  for (const place of all) {
    const said = await models(place, timeoutMs)
    if (typeof said !== 'string') return { kind: 'found', place, models: said }
    looked.push(`${place.name} at ${place.baseURL}: ${said}`)
  }
  return { kind: 'none', looked }
}

async function models({ baseURL }: Place, timeoutMs: number): Promise<readonly string[] | string> {
  try {
    const response = await fetch(`${baseURL}/models`, { signal: AbortSignal.timeout(timeoutMs) })
    if (!response.ok) return `HTTP ${response.status}`
    const { data } = (await response.json()) as { data?: readonly { id?: unknown }[] }
    const ids = (Array.isArray(data) ? data : []).map(({ id }) => id)
    const named = ids.filter((id) => typeof id === 'string' && id !== '') as string[]
    return named.length > 0 ? named : 'it lists no model'
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as { code?: string }
    return code ?? (error as Error).name
  }
}

/** `host`, `host:port` or a whole address, as `OLLAMA_HOST` takes them, as a base URL. */
function address(host: string | undefined, port: number): string {
  const given = host === undefined || host === '' ? '127.0.0.1' : host
  const url = new URL(/^https?:\/\//.test(given) ? given : `http://${given}`)
  if (url.hostname === '0.0.0.0') url.hostname = '127.0.0.1'
  const isOwnPort = url.port !== '' || /^https?:\/\//.test(given)
  return `${url.protocol}//${url.hostname}${isOwnPort && url.port === '' ? '' : `:${url.port || port}`}/v1`
}
