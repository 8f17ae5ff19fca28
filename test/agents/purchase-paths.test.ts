/**
 * The ways a purchase can go, honest and hostile sellers alike, each once as it is and once for each thing
 * it does outside with the buyer dead there, and taken up again from its journal: never over the cap,
 * never paid twice, every way ends. Each way is a simple path of the machine; not scripted here are those
 * through `unsigned`, through a payment found only by looking, and into `refunded`.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { getSimplePaths } from 'xstate/graph'
import type * as Buyer from '../../src/agents/Buyer.ts'
import * as Purchase from '../../src/agents/Purchase.ts'
import * as Id from '../../src/kernel/Id.ts'
import type { Chain } from '../../src/wallets/Chain.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import * as Market from '../harness/Market.ts'

let market: Market.Market
beforeAll(async () => {
  market = await Market.open()
})
afterAll(() => market.close())

type Json = { [key: string]: never }
/** What the outside does on one way. */
type Way = {
  readonly name: string
  readonly ends: Purchase.State
  readonly rules?: readonly string[]
  readonly cards?: 'none'
  /** What a lying seller makes of its quote. */
  readonly quote?: (signed: { quote: Json; signature: string }) => void
  /** Paid requests that get lost before they arrive. */
  readonly lost?: number
  readonly answer?: (answer: { choices: [{ message: { content: string } }] }) => void
  /** What the chain says of the payment, look by look; its own word afterwards. */
  readonly looks?: readonly object[]
}

const cap = 'cap 0.01 USDC per 24h'
const stranger = `0x${'9'.repeat(40)}`
const unused = { kind: 'unused', finalTimestampSec: 0 }
const ways: readonly Way[] = [
  { name: 'honest', ends: 'captured' },
  { name: 'no seller', ends: 'refused', cards: 'none' },
  {
    name: 'a quote to another payee',
    ends: 'refused',
    quote: ({ quote }) => Object.assign(quote, { payTo: stranger }),
  },
  {
    name: 'a quote that has expired',
    ends: 'refused',
    quote: ({ quote }) => Object.assign(quote, { expiresAtMs: 1 }),
  },
  {
    name: 'a quote with another price',
    ends: 'refused',
    quote: ({ quote }) => Object.assign(quote, { payAtoms: '9' }),
  },
  {
    name: 'a quote signed by nobody',
    ends: 'refused',
    quote: (signed) => Object.assign(signed, { signature: `0x${'11'.repeat(65)}` }),
  },
  { name: 'a quote over the cap', ends: 'refused', rules: ['cap 0.0001 USDC per payment', cap] },
  {
    name: 'a quote to be approved',
    ends: 'refused',
    rules: ['approve above 0.0001 USDC by ops', cap],
  },
  { name: 'a request that is lost', ends: 'captured', lost: 1 },
  {
    name: 'a payment that never came',
    ends: 'expired',
    lost: 9,
    looks: [{ kind: 'unused', finalTimestampSec: 1e12 }],
  },
  {
    name: 'a payment spent elsewhere',
    ends: 'refused',
    lost: 9,
    looks: [{ kind: 'elsewhere', tx: `0x${'7'.repeat(64)}` }],
  },
  {
    name: 'an answer that was altered',
    ends: 'disputed',
    answer: ({ choices: [first] }) => Object.assign(first.message, { content: 'Buy more.' }),
  },
  { name: 'an answer ahead of its payment', ends: 'captured', looks: [unused] },
]

/** One life of a buyer on a way; `dies`: at which thing that it does outside. */
async function live(way: Way, stand: Stand, dies: number) {
  let acts = 0
  const isDead = () => acts > dies
  const act = () => {
    acts += 1
    if (isDead()) throw new Error('killed')
  }
  let lost = way.lost ?? 0
  let looks = 0
  stand.handle = async (request, ask) => {
    acts += 1
    if (isDead()) return ask.drop()
    const { pathname } = new URL(request.url)
    const isPaid = request.headers.has('payment-signature')
    if (way.cards === 'none' && !pathname.endsWith('/quotes') && !isPaid)
      return new Response(null, { status: 500 })
    if (isPaid && lost-- > 0) return ask.drop()
    const response = await ask(request)
    if (pathname.endsWith('/quotes') && way.quote) return Market.altered(response, way.quote)
    return isPaid && way.answer ? Market.altered(response, way.answer) : response
  }
  // One address for all lives: what was begun is gone on with where it was begun.
  stand.baseUrl ??= await market.front((request, ask) => stand.handle!(request, ask))
  const { baseUrl } = stand
  const chain: Chain = {
    ...market.chain,
    async lookUpPayment(payment, options) {
      act()
      const said = way.looks?.[looks++]
      return (said as never) ?? market.chain.lookUpPayment(payment, options)
    },
  }
  const wallet: Wallet.Wallet = {
    ...stand.wallet,
    async signTypedData(data) {
      if (data.primaryType === 'TransferWithAuthorization') {
        act()
        stand.signed.set(String(data.message.nonce), BigInt(String(data.message.value)))
      }
      return stand.wallet.signTypedData(data)
    },
  }
  const rules = way.rules ?? [cap]
  const { buyer, dir } = await market.agent({
    wallet,
    chain,
    rules,
    fundAtoms: stand.dir ? 0n : 1_000_000n,
    ...(stand.dir && { dir: stand.dir }),
  })
  stand.dir = dir
  const said = await buyer
    .finish()
    .then(() => buyer.buy(Market.call({ baseUrl })))
    .catch((error: unknown) => error as Error)
  for (const { rule, meter } of buyer.status())
    if (BigInt(meter.used) + BigInt(meter.held) > BigInt(meter.limit))
      stand.wrong.push(`over ${rule}`)
  await buyer.close()
  return { said, acts }
}

type Stand = {
  readonly wallet: Wallet.Wallet
  readonly signed: Map<string, bigint>
  readonly wrong: string[]
  dir?: string
  baseUrl?: string
  handle?: Market.Front
}

function stand(): Stand {
  return { wallet: Wallet.generate(), signed: new Map(), wrong: [] }
}

/** What must be so of a stand, however it died. */
async function judge({ wallet, signed, wrong }: Stand, name: string): Promise<string[]> {
  const paid = await market.paid(wallet.address)
  const sum = [...signed.values()].reduce((total, atoms) => total + atoms, 0n)
  if (sum > 10_000n) wrong.push(`signed ${sum} atoms, over the cap`)
  if (paid.length > 1) wrong.push(`paid ${paid.length} times`)
  return wrong.map((each) => `${name}: ${each}`)
}

/** States without the loops that lead back to one of them. */
function straight(states: readonly string[]): string {
  return states
    .reduce<string[]>(
      (way, state) => [
        ...way.slice(0, way.includes(state) ? way.indexOf(state) : way.length),
        state,
      ],
      [],
    )
    .join(' ')
}

function simplePaths(): Set<string> {
  const key = { agent: `0x${'aa'.repeat(20)}` as const, run: 'run', step: 0, attempt: 0 }
  const input = { purchase: Id.purchase(key), key, requestDigest: `0x${'11'.repeat(32)}` } as const
  const events = Object.entries(Purchase.table).flatMap(([state, row]) =>
    Object.keys(row).map(
      (event) => ({ type: `xstate.done.actor.0.purchase.${state}`, output: { event } }) as never,
    ),
  )
  const paths = getSimplePaths(Purchase.machine, {
    input,
    events,
    serializeState: ({ value }) => String(value),
  })
  return new Set(paths.map(({ steps }) => steps.map(({ state }) => state.value).join(' ')))
}

test('every way, with a kill at everything it does outside: paid once, never over the cap', async () => {
  const simple = simplePaths()
  const taken = new Set<string>()
  const wrong: string[] = []
  const sums = { ways: ways.length, lives: 0, kills: 0 }
  for (const way of ways) {
    const whole = stand()
    const { said, acts } = await live(way, whole, Number.POSITIVE_INFINITY)
    const { state, states } = said as Buyer.Outcome
    if (state !== way.ends) wrong.push(`${way.name}: ended ${state}, ${String(said)}`)
    if (states !== undefined) taken.add(straight(states))
    wrong.push(...(await judge(whole, way.name)))
    for (let dies = 0; dies < acts; dies += 1) {
      const dead = stand()
      await live(way, dead, dies)
      // Back, with the outside as it was: it ends as it would have, or as its payment did.
      const { said: after } = await live(
        { ...way, looks: way.looks ?? [] },
        dead,
        Number.POSITIVE_INFINITY,
      )
      const name = `${way.name}, killed at ${dies} of ${acts}`
      const isEnd =
        'state' in (after as object) || (after as { code?: string }).code === 'purchase-exists'
      if (!isEnd) wrong.push(`${name}: ${String(after)}`)
      wrong.push(...(await judge(dead, name)))
      sums.lives += 2
      sums.kills += 1
    }
  }
  console.log(sums, `${taken.size} simple paths of ${simple.size}:`, taken)
  expect(wrong).toEqual([])
  for (const path of taken) expect(simple).toContain(path)
  expect(taken.size).toBeGreaterThanOrEqual(7)
  expect(sums.kills).toBeGreaterThanOrEqual(40)
}, 240_000)
