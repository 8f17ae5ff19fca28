/**
 * @module A trader: an agent that is a seller (a node with its own key, journal and documents) and a buyer
 * (its own wallet, journal and policy). Its processes come and go; folders, key and address stay.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import * as Buyer from '../../src/agents/Buyer.ts'
import * as Hash from '../../src/kernel/Hash.ts'
import type { Hex } from '../../src/kernel/Hex.ts'
import * as Policy from '../../src/policies/Policy.ts'
import * as App from '../../src/server/App.ts'
import * as Http from '../../src/server/Http.ts'
import * as Node from '../../src/server/Node.ts'
import * as Settlement from '../../src/server/Settlement.ts'
import * as Keeper from '../../src/store/Keeper.ts'
import * as Chain from '../../src/wallets/Chain.ts'
import type { Wallet } from '../../src/wallets/Wallet.ts'
import * as Limits from './Limits.ts'
import * as Town from './Town.ts'

/** An agent of the town. */
export type Trader = {
  readonly index: number
  readonly name: string
  /** It buys with this key. */
  readonly wallet: Wallet
  /** And sells under this one. */
  readonly seller: Wallet
  readonly dir: string
  readonly contracts: Node.Contracts
  readonly limits: Limits.Limits
  /** Atoms it was given. */
  readonly fundedAtoms: bigint
  /** Where it sells, for as long as the town stands. */
  readonly baseUrl: string
  readonly documents: readonly Document[]
  /** Whom its policy lets it pay. */
  payees: readonly Hex[]
  node: Node.Node
  app: ReturnType<typeof App.create>
  buyer: Buyer.Buyer
  /** Its next purchase. */
  step: number
  restarts: number
  /** What becomes of the next paid request to it. */
  front: Front | undefined
  close(): Promise<void>
}

/** In front of a seller: hands a paid request on, or does not. */
export type Front = (
  request: Request,
  ask: () => Promise<Response>,
  drop: () => Response,
) => Promise<Response>

type Document = { readonly path: string; readonly owner: string; readonly text: string }

const topics = ['tides', 'bees', 'granite', 'kilns', 'wool', 'herring', 'clocks', 'maples']

/** What one asks a trader about. */
export function question(trader: Trader, draw: number): string {
  const { path } = trader.documents[draw % trader.documents.length]!
  return `What is there to know about ${path.split('/')[0]}?`
}

/** The key that an agent buys with. */
export function buyerOf(town: Town.Town, index: number): Wallet {
  return Town.wallet(town, `agent-${index} buys`)
}

/** Moves in: money, contracts, documents, both processes. */
export async function create(
  town: Town.Town,
  index: number,
  neighbours: readonly Hex[],
): Promise<Trader> {
  const name = `agent-${index}`
  const [wallet, seller] = [buyerOf(town, index), Town.wallet(town, `${name} sells`)]
  const dir = join(town.scratch, name)
  const fundedAtoms = 2_000_000n
  await Town.fund(town, wallet.address, fundedAtoms)
  await Town.fund(town, seller.address, 0n)
  const { vault, till } = await Town.deploy(town, seller.address)
  const contracts = {
    ...{ asset: town.asset, vault, till, scale: 1n, windowS: 0, local: true },
    ...{ tokenName: 'USD Coin', tokenVersion: '2' },
  }
  const trader = {
    ...{ index, name, wallet, seller, dir, contracts, fundedAtoms },
    limits: Limits.draw(town, index),
    documents: documents(index, neighbours),
    ...{ step: 0, restarts: -1, front: undefined, payees: [] },
  } as unknown as Mutable<Trader>
  const http = await Http.serve((request, env) => {
    const drop = () => {
      ;(env as unknown as { outgoing: { destroy(): void } }).outgoing.destroy()
      return new Response(null)
    }
    const ask = async () => trader.app.fetch(request)
    const { front } = trader
    const isPaid = request.headers.has('payment-signature')
    return front === undefined || !isPaid ? ask() : front(request, ask, drop)
  }, 0)
  trader.baseUrl = `${http.baseUrl}/v1`
  trader.close = async () => {
    await http.close()
    await closeProcesses(trader)
  }
  await openNode(town, trader)
  return trader
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Three documents: of two neighbours, who can claim what they earn, and of a name that nobody has bound. */
function documents(index: number, neighbours: readonly Hex[]): readonly Document[] {
  const owner = (distance: number) => neighbours[(index + distance) % neighbours.length]!
  return [owner(1), owner(7), `npm:house-${index}`].map((owner, at) => {
    const topic = topics[(index + 3 * at) % topics.length]!
    const text = `# The ${topic} of house ${index}

There is this to know about ${topic}: house ${index} keeps ${3 + ((index * 7 + at) % 40)} of them, and
counts the ${topic} each spring before the river rises over the lower meadow.
`
    return { path: `${topic}/${index}-${at}.md`, owner, text }
  })
}

/** Opens both processes, which take up what they left. */
export async function open(town: Town.Town, trader: Trader): Promise<void> {
  await openNode(town, trader)
  await openBuyer(town, trader)
}

/**
 * Opens both processes from the records alone, without the state that was kept beside: what is then in
 * memory is what a process must hold that has made these records itself.
 */
export async function openFromJournals(town: Town.Town, trader: Trader): Promise<void> {
  for (const side of ['node', 'buyer'])
    rmSync(Keeper.snapshotFile(join(trader.dir, side, 'journal.db')), { force: true })
  await open(town, trader)
}

/** Ends both processes in good order. */
export async function closeProcesses(trader: Trader): Promise<void> {
  await trader.buyer?.close()
  trader.node?.close()
  const bare = trader as { node?: unknown; app?: unknown; buyer?: unknown }
  bare.node = undefined
  bare.app = undefined
  bare.buyer = undefined
}

/** Ends both processes and opens them from their journals. */
export async function reopen(town: Town.Town, trader: Trader): Promise<void> {
  await closeProcesses(trader)
  await open(town, trader)
}

/** The selling process. */
export async function openNode(town: Town.Town, trader: Trader): Promise<void> {
  const { dir, name, seller: wallet, contracts } = trader
  const { rpcUrl, chainId } = town.local
  let drawn = 0
  trader.node = await Node.open({
    ...{ dir: join(dir, 'node'), name, wallet, contracts, now: () => town.clock.nowMs },
    chain: await Chain.open({ rpcUrl, chainId }),
    offers: [Town.terms(trader.index)],
    salt: () => {
      drawn += 1
      return Hash.text(`${town.seed} ${name} ${trader.restarts} ${drawn} ${town.clock.nowMs}`)
    },
    documents: () => ({
      documents: trader.documents.map((one) => ({ ...one, package: name })),
      ...{ commons: [], skipped: [] },
    }),
  })
  trader.app = App.create(trader.node)
  trader.restarts += 1
  await Settlement.resume(trader.node)
}

/** The buying process; it ends first what was left open. */
export async function openBuyer(town: Town.Town, trader: Trader) {
  const { dir, name, wallet, contracts, limits } = trader
  const { rpcUrl, chainId } = town.local
  const text = Limits.text(limits, town.asset, trader.payees)
  trader.buyer = await Buyer.open({
    ...{ dir: join(dir, 'buyer'), name, wallet, contracts, local: true },
    now: () => town.clock.nowMs,
    chain: await Chain.open({ rpcUrl, chainId }),
    policy: Policy.parse(text, { file: 'policy.yaml', assets: [town.asset] }),
  })
  return trader.buyer.finish()
}
