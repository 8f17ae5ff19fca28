/**
 * @module A stand-in for a model where none is at hand: an OpenAI-compatible endpoint on loopback with no
 * model behind it. By a rule, and it says so, it repeats the sentence of the documents it was given that
 * shares most words with the question. It shows how a provider is wired, and nothing about models.
 */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Where a model is asked: a real one, or the stand-in. */
export type Place = {
  readonly baseURL: string
  readonly model: string
  readonly key?: string
  /** For eyes: what answers here. */
  readonly said: string
  close(): Promise<void>
}

/** The endpoint that the environment names (OPENAI_BASE_URL, OPENAI_MODEL, OPENAI_API_KEY), or the stand-in. */
export async function find(environment: NodeJS.ProcessEnv): Promise<Place> {
  const { OPENAI_BASE_URL: baseURL, OPENAI_MODEL: model, OPENAI_API_KEY: key } = environment
  if (baseURL === undefined) return start()
  if (model === undefined) throw new Error('expected OPENAI_MODEL beside OPENAI_BASE_URL')
  const said = `${model} at ${baseURL}`
  return { baseURL, model, ...(key === undefined ? {} : { key }), said, async close() {} }
}

async function start(): Promise<Place> {
  const server = createServer((request, response) => {
    request.setEncoding('utf8')
    let body = ''
    request.on('data', (text: string) => {
      body += text
      if (body.length > 1_000_000) request.destroy()
    })
    request.on('end', () => answer(JSON.parse(body) as Asked, response))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    baseURL: `http://127.0.0.1:${port}/v1`,
    model: 'stand-in',
    said: 'a stand-in, no language model: a rule that repeats a sentence of the documents',
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

type Asked = { readonly messages: readonly { readonly content: string }[] }

/** Word by word, as models stream. */
function answer({ messages }: Asked, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const send = (delta: object, finish_reason: string | null) => {
    const chunk = { object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] }
    response.write(`data: ${JSON.stringify(chunk)}\n\n`)
  }
  for (const content of say(messages.at(-1)?.content ?? '').split(/(?<= )/)) send({ content }, null)
  send({}, 'stop')
  response.end('data: [DONE]\n\n')
}

function say(told: string): string {
  const documents = [...told.matchAll(/<(document\S*) [^>]*>\n([\s\S]*?)\n<\/\1>/g)]
  const asked = new Set(words(told.slice(told.lastIndexOf('\n\n'))))
  const sentences = documents.flatMap(([, , text]) => text!.split(/(?<=[.!?])\s+|\n{2,}/))
  const shared = (sentence: string) => words(sentence).filter((word) => asked.has(word)).length
  const best = sentences.toSorted((a, b) => shared(b) - shared(a))[0]
  return best === undefined ? 'No document was given to me.' : `The document says: “${best}”`
}

function words(text: string): string[] {
  return text.toLowerCase().match(/\p{L}{3,}/gu) ?? []
}
