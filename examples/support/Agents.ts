/**
 * @module Agents that sell and buy: each with a key, a node, a till and a journal for either side, and a
 * policy that lets it pay the others. They announce themselves at a registry, and find one another there.
 */
import { join } from 'node:path'
import { Buyer, Directory } from 'requite/agents'
import { Money } from 'requite/kernel'
import { allow, cap, policy } from 'requite/policies'
import { Http, type Offer, Registry } from 'requite/server'
import { Wallet } from 'requite/wallets'
import * as Market from './Market.ts'

/** What an agent is made of. */
export type Options = {
  readonly name: string
  readonly documents?: readonly Market.Document[]
  /** What it sells; whoever it has to hire for it is found through the agent. */
  readonly offers: (self: () => Agent) => readonly Offer.Offer[]
}

/** An agent at work. */
export type Agent = Market.Served & {
  readonly name: string
  readonly buyer: Buyer.Buyer
  /** Has another do something: the best of those that sell it. */
  readonly hire: (model: string, content: string) => Promise<Hired>
}

/** What somebody else said, and the receipt for it. */
export type Hired = {
  readonly text: string
  readonly receipt: `0x${string}`
  readonly outcome: Buyer.Outcome
}

/** Starts a chain, a registry and agents, each with 1 USDC to spend; `stop` ends them all. */
export async function start(folder: string, [first, ...others]: readonly [Options, ...Options[]]) {
  const made = new Map<string, Agent>()
  const options = ({ name, documents = [], offers }: Options) => ({
    ...{ name, documents, dir: join(folder, name, 'node') },
    offers: offers(() => made.get(name)!),
  })
  const market = await Market.start(options(first))
  const { chain, contracts } = market
  const { asset } = contracts
  const app = Registry.create({ asset, chain })
  const http = await Http.serve(app.fetch, 0)
  const directory = Directory.open({ registries: [http.baseUrl], asset, chain })
  const nodes: [Options, Market.Served][] = [[first, market]]
  for (const other of others) nodes.push([other, await market.another(options(other))])
  const tills = nodes.map(([, { contracts }]) => contracts.till)
  /** A buyer that may pay any of the agents. */
  const open = async (name: string) => {
    const wallet = Wallet.generate()
    await market.fund(wallet.address, 1_000_000n)
    const rules = [allow.payees(...tills), cap('0.1 USDC').per('24h')]
    return Buyer.open({
      ...{ dir: join(folder, name, 'buyer'), name, wallet, chain, contracts },
      policy: policy(name, asset, rules),
    })
  }
  const hiring = (buyer: Buyer.Buyer) => async (model: string, content: string) => {
    const body = { model, messages: [{ role: 'user', content }] }
    const outcome = await buyer.hire({ model, body, run: buyer.run(), step: 0, directory })
    const { delivered } = outcome
    if (delivered === undefined) throw new Error(`nobody did ${model}: ${outcome.because}`)
    return { text: delivered.answered.output, receipt: delivered.receiptHash, outcome }
  }
  for (const [{ name }, served] of nodes) {
    const buyer = await open(name)
    made.set(name, { ...served, name, buyer, hire: hiring(buyer) })
    const offers = [...served.node.offers.values()].map(({ card, description = '' }) => ({
      ...{ model: card.model, kind: card.kind, description },
    }))
    await directory.announce(served.node.wallet, { name, baseUrl: served.baseUrl, offers })
  }
  const client = await open('client')
  return {
    ...{ agents: [...made.values()], asset, chain, directory, tills },
    client: { buyer: client, hire: hiring(client) },
    async stop() {
      for (const { buyer } of [...made.values(), { buyer: client }]) await buyer.close()
      await http.close()
      await market.stop()
    },
  }
}

/** Prints who did what for an answer, for how much, from its receipt back to all that was bought for it. */
export function trace(
  { agents, asset }: Pick<Awaited<ReturnType<typeof start>>, 'agents' | 'asset'>,
  receipt: Hired['receipt'],
  depth = 0,
): void {
  for (const { name, node } of agents) {
    const sale = node.books.state.sales.sales.get(receipt)
    if (sale === undefined) continue
    const { model, money, influence, consumed } = sale.receipt
    const paid = Money.format(Money.of(asset, BigInt(money.chargedAtoms)))
    const { length } = influence.entries
    const shaped = length === 0 ? '' : `, shaped by ${length} of its documents`
    console.log(`${'  '.repeat(depth)}paid     ${paid} to ${name} for ${model}${shaped}`)
    for (const part of consumed) trace({ agents, asset }, part, depth + 1)
  }
}
