/**
 * @module A client in a process of its own, as clients are: it waits for the first word of a streamed answer,
 * and whatever the seller does after sending it holds it up no more.
 */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import * as Shop from '../test/clients/Shop.ts'

/** A request whose answer is streamed. */
export type Asked = {
  readonly url: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/** A running client. */
export type Listener = {
  /** Milliseconds from the request to the first word. */
  firstTokenMs(asked: Asked): Promise<number>
  stop(): void
}

/** Starts one. One request at a time. */
export function start(): Listener {
  const child = fork(fileURLToPath(import.meta.url), [role])
  return {
    firstTokenMs: (asked) =>
      new Promise((resolve, reject) => {
        const gone = () => reject(new Error('the client is gone'))
        child.once('exit', gone)
        child.once('message', (told: number | string) => {
          child.off('exit', gone)
          if (typeof told === 'number') resolve(told)
          else reject(new Error(told))
        })
        child.send(asked)
      }),
    stop: () => void child.disconnect(),
  }
}

const role = 'listen'

async function firstTokenMs({ url, body, headers }: Asked): Promise<number> {
  const startedMs = performance.now()
  const response = await fetch(url, { method: 'POST', body, headers })
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`)
  let tookMs: number | undefined
  for await (const event of Shop.events(response))
    if (event !== '[DONE]' && event.choices?.[0]?.delta.content)
      tookMs ??= performance.now() - startedMs
  if (tookMs === undefined) throw new Error(`expected a word from ${url}`)
  return tookMs
}

if (process.argv[2] === role)
  process.on('message', (asked: Asked) => {
    firstTokenMs(asked).then(
      (tookMs) => process.send!(tookMs),
      (error: unknown) => process.send!(String(error)),
    )
  })
