/**
 * Every maximal simple path of the purchase machine, walked by a real buyer of each kind of purchase, with
 * honest and hostile sellers and chains: once as it is, and once for each thing that it does outside with
 * the buyer dead there and opened again on its folder; what had signed is killed a second time after that.
 * Never over the cap, never paid twice, every way at its end, every journal audited.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { getSimplePaths } from 'xstate/graph'
import type * as Buyer from '../../src/agents/Buyer.ts'
import * as Purchase from '../../src/agents/Purchase.ts'
import * as Id from '../../src/kernel/Id.ts'
import * as Pair from '../harness/Pair.ts'
import * as Ledger from './Ledger.ts'
import * as Shop from './Shop.ts'
import * as Stage from './Stage.ts'
import * as Ways from './Ways.ts'

vi.mock(import('../../src/store/Books.ts'), async (original) =>
  (await import('./Seams.ts')).books(await original()),
)
vi.mock(import('../../src/agents/Runtime.ts'), async (original) =>
  (await import('./Seams.ts')).runtime(await original()),
)
vi.mock(import('../../src/wallets/Wallet.ts'), async (original) =>
  (await import('./Seams.ts')).wallets(await original()),
)
vi.mock(import('../../src/wallets/NoteKey.ts'), async (original) =>
  (await import('./Seams.ts')).noteKeys(await original()),
)

let stage: Stage.Stage
/** Whether a life begins with `finish`, or with the step that was left. */
let finishes = true
/** Where the budget has room for many: then nothing but the buyer itself keeps it from paying twice. */
let isRoomy = false
const roomy = { capAtoms: 1_000_000n, cap: 'cap 1 USDC per 24h' }
beforeAll(() => {
  const ask = (url: string | URL | Request, init?: RequestInit) => stage.fetch(String(url), init)
  vi.stubGlobal('fetch', ask)
})
afterAll(() => void vi.unstubAllGlobals())

/** One life: whatever is open is finished, at once or with its step, which is gone through again. */
async function live(way: Ways.Way, diesAt?: number): Promise<Buyer.Outcome | Error> {
  const buyer = await stage.open(diesAt)
  try {
    if (finishes) await buyer.finish()
    const said = await buy(way, buyer)
    const [review] = way.approves ? buyer.reviews() : []
    return review === undefined ? said : await buyer.approve(review.purchase, { by: 'ops' })
  } catch (error) {
    return error as Error
  } finally {
    await stage.close()
  }
}

function buy({ kind, cancels }: Ways.Way, buyer: Buyer.Buyer): Promise<Buyer.Outcome> {
  const controller = new AbortController()
  stage.onStepped = (at) => at === cancels && controller.abort()
  const named = { run: 'run', step: 0, ...(cancels && { signal: controller.signal }) }
  if (kind === 'resource') return buyer.fetch(Shop.resourceUrl, undefined, named)
  const { model, baseUrl } = Shop
  const messages = [{ role: 'user', content: 'When does high water come?' }]
  if (kind === 'inference')
    return buyer.buy({ baseUrl, model, body: { model, messages }, ...named })
  const spends = { asset: Pair.asset, mostAtoms: Ledger.callAtoms }
  return buyer.transact({ ...Ledger.call, spends, model: 'token', ...named })
}

/** Where a purchase may begin: with nothing, and with a payment that a crash left. */
const starts = ['discovering', 'executing'] as const

/** Every simple path of the table that no other goes on from: its start, then what its effects answer. */
function simplePaths(): string[] {
  const key = { agent: `0x${'aa'.repeat(20)}` as const, run: 'run', step: 0, attempt: 0 }
  const fresh = { purchase: Id.purchase(key), key, requestDigest: `0x${'11'.repeat(32)}` } as const
  const events = Object.entries(Purchase.table).flatMap(([state, row]) =>
    Object.keys(row).map(
      (event) => ({ type: `xstate.done.actor.0.purchase.${state}`, output: { event } }) as never,
    ),
  )
  return starts.flatMap((start) => {
    const input = start === 'executing' ? { ...fresh, payload: {} as never } : fresh
    const serializeState = ({ value }: { value: unknown }) => String(value)
    const paths = getSimplePaths(Purchase.machine, { input, events, serializeState })
    const names = paths.map(({ steps }) => {
      const answers = steps.slice(1).map(({ event }) => (event as never as Answer).output.event)
      return [start, ...answers].join(' ')
    })
    return names.filter((name) => !names.some((other) => other.startsWith(`${name} `)))
  })
}
type Answer = { readonly output: { readonly event: string } }

/** What all lives of all ways went through. */
const seen = {
  ...{ exact: new Set<string>(), edges: new Set<string>() },
  ...{ kills: new Map<string, number>(), steps: 0, stages: 0, resumed: 0 },
}
const wrong: string[] = []

/** A way, killed at these places, and then to its end. */
async function walk(way: Ways.Way, kills: readonly number[]): Promise<readonly string[]> {
  const { rules = [Stage.cap] } = way
  const widened = rules.map((rule) => (rule === Stage.cap ? roomy.cap : rule))
  stage = Stage.set(isRoomy ? { ...way, capAtoms: roomy.capAtoms, rules: widened } : way)
  const name = `${way.kind}, ${way.name}${kills.length > 0 ? `, killed at ${kills}` : ''}`
  try {
    for (const at of kills) {
      await live(way, at)
      const where = stage.state()
      seen.kills.set(where, (seen.kills.get(where) ?? 0) + 1)
    }
    const said = await live(way)
    const acts = [...stage.acts]
    stage.judge()
    const end = 'state' in said ? said.state : (said as { code?: string }).code
    const isRight =
      end === way.ends ||
      (way.ends === 'disputed' && end === 'purchase-exists') ||
      (kills.length > 0 && end === way.or)
    if (!isRight) stage.wrong.add(`ended ${end}: ${'state' in said ? said.because : String(said)}`)
    const isPaid = 'state' in said && ['captured', 'disputed'].includes(said.state)
    if (isPaid && said.paidAtoms !== stage.ledger.settledAtoms())
      stage.wrong.add(`said to have cost ${said.paidAtoms} atoms`)
    const [first] = stage.walks
    if (kills.length === 0 && first?.events.join(' ') !== way.path)
      stage.wrong.add(`went ${first?.events.join(' ')}, told ${way.path}`)
    tally(way)
    wrong.push(...[...stage.wrong].map((each) => `${name}: ${each}`))
    return acts
  } finally {
    Stage.strike(stage)
  }
}

function tally({ kind }: Ways.Way): void {
  seen.stages += 1
  for (const walked of stage.walks) {
    const { start, events, states } = walked
    seen.steps += events.length
    for (const [at, event] of events.entries()) seen.edges.add(`${states[at]} ${event}`)
    if (states.at(-1)! in Purchase.table) continue
    if (start === 'executing') seen.resumed += 1
    if (new Set(states).size === states.length)
      seen.exact.add(`${kind}: ${start} ${events.join(' ')}`)
  }
}

test('every simple path, killed at everything it does outside: never over, never twice', async () => {
  const twice = new Set<string>()
  for (const way of Ways.ways) {
    const acts = await walk(way, [])
    for (const at of way.lives ? [] : acts.keys()) {
      finishes = at % 2 === 0
      isRoomy = at % 4 >= 2
      await walk(way, [at])
    }
    finishes = true
    isRoomy = false
    const signed = acts.indexOf('records paying') + 1
    const path = `${way.kind} ${way.path}`
    // Killed once more after that: once a path, and where nothing is gone through again and again.
    if (signed === 0 || twice.has(path) || path.includes('again unclear')) continue
    twice.add(path)
    const resumed = await walk(way, [signed])
    for (const at of resumed.keys()) await walk(way, [signed, at])
  }
  const kinds = ['inference', 'resource', 'call'] as const
  const simple = kinds.flatMap((kind) => simplePaths().map((path) => `${kind}: ${path}`))
  const nevers = Ways.nevers.map(({ kinds, ends }) =>
    simple.filter((path) => kinds.some((kind) => path.startsWith(`${kind}:`)) && ends.test(path)),
  )
  const possible = simple.filter((path) => !nevers.some((paths) => paths.includes(path)))
  const kills = [...seen.kills.values()].reduce((sum, count) => sum + count, 0)
  const { steps, stages, resumed } = seen
  console.log(
    `${Ways.ways.length} ways, ${seen.exact.size} of ${simple.length} simple paths,`,
    `${simple.length - possible.length} that cannot be,`,
    ...[{ stages, kills, steps, resumed }, Object.fromEntries(seen.kills)],
  )
  expect(wrong).toEqual([])
  expect([...seen.exact].sort()).toEqual(possible.sort())
  for (const paths of nevers) expect(paths).not.toEqual([])
  const table = Object.entries(Purchase.table)
  const edges = table.flatMap(([state, row]) =>
    Object.keys(row).map((event) => `${state} ${event}`),
  )
  expect([...seen.edges].sort()).toEqual(edges.sort())
  for (const [state] of table) expect(seen.kills.get(state) ?? 0, state).toBeGreaterThanOrEqual(20)
  expect(kills).toBeGreaterThanOrEqual(400)
  expect(resumed).toBeGreaterThanOrEqual(150)
}, 120_000)
