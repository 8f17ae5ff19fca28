/**
 * @module A shop for tests: a market whose node sells what a scripted engine says, word by word, and a
 * stranger with a wallet who pays for it by hand.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import * as Verify from '../../examples/support/Verify.ts'
import type { Hex } from '../../src/kernel/Hex.ts'
import type * as Receipt from '../../src/market/Receipt.ts'
import type * as Engine from '../../src/models/Engine.ts'
import * as Record from '../../src/provenance/Record.ts'
import type * as Offer from '../../src/server/Offer.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import * as Payer from '../../src/wallets/x402/Payer.ts'
import * as Wire from '../../src/wallets/x402/Wire.ts'
import * as Market from '../harness/Market.ts'
import * as Terms from '../harness/Terms.ts'

/** What the engine says to a request, piece by piece; what it returns becomes its answer's finish. */
export type Script = (
  question: string,
  asked: { readonly signal: AbortSignal; readonly request: Engine.Request },
) => AsyncGenerator<string | Engine.Delta, Engine.Answer['finish'] | undefined>

/** The model that is sold. */
export const model = 'parrot'

/** On what terms; two hundred tokens at most. */
export function terms(change: Partial<Offer.Terms['card']> = {}): Offer.Terms {
  return {
    card: {
      ...Terms.card,
      model,
      kind: 'generative',
      maxTokensOut: 200,
      maxTokensIn: 400,
      ...change,
    },
    rates: { ...Terms.rates, gasNano: '200000000000' },
    coveragePromisedPpb: '0',
    disputeWindowMs: 0,
    quoteTtlMs: 30_000,
    device: { class: 'cpu', count: 1, tier: 'claimed' },
  }
}

/** An engine that says what a script does; aborted, it says no more. */
export function engine(card: Engine.ModelCard, script: Script): Engine.Engine {
  return {
    card,
    async answer(request, { onDelta } = {}) {
      const signal = request.signal ?? new AbortController().signal
      const said = { text: '', toolCalls: [] as Engine.ToolCall[] }
      const question = String(request.messages.at(-1)!.content)
      const saying = script(question, { signal, request })
      let finish: Engine.Answer['finish'] | undefined
      for (;;) {
        const { done, value } = await saying.next()
        if (done) finish = value ?? (signal.aborted ? 'length' : 'stop')
        if (done || signal.aborted) break
        const delta = typeof value === 'string' ? { text: value } : value
        said.text += delta.text ?? ''
        for (const { index, id = '', name = '', arguments: json = '' } of delta.toolCalls ?? []) {
          const { [index]: before = { id: '', name: '', arguments: '' } } = said.toolCalls
          said.toolCalls[index] = {
            ...{ id: before.id + id, name: before.name + name },
            arguments: before.arguments + json,
          }
        }
        onDelta?.(delta)
      }
      if (signal.aborted && said.text === '' && said.toolCalls.length === 0)
        return { kind: 'refused', code: 'cancelled', because: 'cancelled' }
      return {
        ...{ kind: 'answered', ...said, citations: [] },
        usage: { tokensIn: 0, tokensOut: 0 },
        meter: { computeMs: 1, meter: 'engine', basis: 'wall', device: 'cpu' },
        finish: finish ?? 'length',
      }
    },
  }
}

/** Opens one; `close` it whatever happened. */
export async function open(script: Script, change: Partial<Offer.Terms['card']> = {}) {
  const sold = terms(change)
  let current = script
  const offer: Offer.Offer = {
    ...sold,
    engine: () => engine(sold.card, (question, asked) => current(question, asked)),
  }
  const market = await Market.open({ offers: [offer] })
  return {
    ...{ market, offer, sold },
    /** What the engine says from now on. */
    says(next: Script) {
      current = next
    },
    /** Asks without paying. */
    ask: (body: unknown, init: RequestInit = {}) => post(market.baseUrl, body, init),
    /** Pays what the 402 asks, as somebody with money; sent as often as it is called. */
    async payment(body: unknown) {
      const wallet = Wallet.generate()
      await market.agent({ wallet, fundAtoms: 1_000_000n })
      return payment(market, body, { wallet })
    },
    /** Ends it, and gives what an auditor finds in the node's folder. */
    async close() {
      // Bounded: an engine that never ends fails the test, and holds up no other.
      const late = sleep(3_000, undefined, { ref: false })
      await Promise.race([Promise.all(market.node.working.values()), late])
      const found = Verify.folders(`${market.scratch}/node`)
      await market.close()
      return found
    },
  }
}

/** A running shop. */
export type Shop = Awaited<ReturnType<typeof open>>

let drawn = 0

/** A payment of what the 402 asks, by a wallet with money. */
export async function payment(
  market: Pick<Market.Market, 'baseUrl' | 'now' | 'contracts'>,
  body: unknown,
  { wallet }: { readonly wallet: Wallet.Wallet },
) {
  const response = await post(market.baseUrl, body)
  const asked = Payer.parseRequired({ header: response.headers.get('payment-required') })
  drawn += 1
  const [requirements] = asked.accepts
  const nonce: Hex = `0x${String(drawn).padStart(64, '0')}`
  const { asset, till: payTo } = market.contracts
  const signed = await Payer.sign({
    ...{ wallet, requirements: requirements!, nonce, validAfterSec: 0 },
    validBeforeSec: Math.ceil(market.now() / 1000) + requirements!.maxTimeoutSeconds,
    expected: { asset, payTo, maxAtoms: BigInt(requirements!.amount) },
  })
  if (!signed.ok) throw new Error(signed.because)
  const headers = { [Wire.headerNames.signature]: signed.header }
  const send = (init: RequestInit = {}) => post(market.baseUrl, body, { headers, ...init })
  return { ...{ wallet, nonce, headers, send }, amountAtoms: BigInt(requirements!.amount) }
}

/** A chat request of one message. */
export function chat(content: string, more: object = {}) {
  return { model, messages: [{ role: 'user', content }], ...more }
}

function post(baseUrl: string, body: unknown, init: RequestInit = {}): Promise<Response> {
  return fetch(`${baseUrl}/chat/completions`, {
    method: 'POST',
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(20_000),
    ...init,
    headers: { 'content-type': 'application/json', ...init.headers },
  })
}

/** What proves a sale. */
export type Proved = {
  readonly receipt: Receipt.Receipt
  readonly receiptHash: Hex
  readonly signature: Hex
  readonly promptSalt: Hex
  readonly outputSalt: Hex
}

/** One event of a stream, read. */
export type Event = {
  readonly choices?: readonly {
    readonly delta: {
      readonly role?: string
      readonly content?: string
      readonly tool_calls?: unknown[]
    }
    readonly finish_reason: string | null
  }[]
  readonly usage?: { readonly completion_tokens: number }
  readonly requite?: Proved
  readonly error?: { readonly code: string; readonly message: string }
}

/** The events of a stream one by one; `[DONE]` as it stands. */
export async function* events(
  response: Response,
): AsyncGenerator<Event | '[DONE]', void, undefined> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const part of response.body!) {
    rest += decoder.decode(part, { stream: true })
    const whole = rest.split('\n\n')
    rest = whole.pop()!
    for (const event of whole) {
      const data = event.replace(/^data: /, '')
      yield data === '[DONE]' ? data : JSON.parse(data)
    }
  }
}

/** A stream to its end: what it said, and what stood around. */
export async function read(response: Response) {
  const all: (Event | '[DONE]')[] = []
  for await (const event of events(response)) all.push(event)
  const told = all.filter((event) => event !== '[DONE]')
  const text = told.map(({ choices }) => choices?.[0]?.delta.content ?? '').join('')
  const requite = told.find((event) => event.requite !== undefined)?.requite
  const finish = told.map(({ choices }) => choices?.[0]?.finish_reason).find((one) => one != null)
  const error = told.find((event) => event.error !== undefined)?.error
  return { ...{ all, text, requite, finish, error }, isDone: all.at(-1) === '[DONE]' }
}

/** Waits for what happens beside, bounded. */
export async function until(holds: () => boolean): Promise<void> {
  for (let waited = 0; !holds() && waited < 5_000; waited += 10) await sleep(10)
  if (!holds()) throw new Error('expected something to happen within five seconds')
}

/** What the node recorded of a type. */
export function recorded({ market }: Pick<Shop, 'market'>, type: string) {
  const { books } = market.node
  const texts = Array.from({ length: books.size() }, (_, leaf) => books.text(leaf))
  return texts.map((text) => Record.decode(text).event).filter((event) => event.type === type)
}

/** An engine that says a word each time it is let to. */
export function gated(said: readonly string[]) {
  const steps: (() => void)[] = []
  const gates = said.map((_, at) =>
    new Promise<void>((resolve) => steps.push(resolve)).then(() => at),
  )
  let aborted = false
  const script: Script = async function* (_, { signal }) {
    const gone = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    for (const [at, word] of said.entries()) {
      await Promise.race([gates[at], gone])
      aborted = signal.aborted
      if (aborted) return 'length'
      yield word
    }
    return 'stop'
  }
  return { script, let: (at: number) => steps[at]!(), isAborted: () => aborted }
}
