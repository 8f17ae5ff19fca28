/**
 * @module A desk at the exchange: asks both venues, takes the better price, states what it could lose and
 * what it has lost, and lets its buyer decide. It marks to market by what selling all of it would bring now,
 * to the atom.
 */
import type { Buyer } from 'requite/agents'
import { Asset, Money, Share } from 'requite/kernel'
import { type Chain, LocalChain, Wallet } from 'requite/wallets'
import * as Exchange from './Exchange.ts'

/** What a desk trades with. */
export type Options = {
  readonly buyer: Pick<Buyer.Buyer, 'address' | 'run' | 'transact'>
  readonly chain: Chain.Chain
  readonly exchange: Exchange.Exchange
}

/** Where the account stands: worth now, won or lost since the start, lost since the peak. */
export type Mark = {
  readonly valueAtoms: bigint
  readonly profitAtoms: bigint
  readonly drawdown: { readonly ppb: bigint; readonly asOfMs: number }
  /** The same for eyes. */
  readonly lost: string
}

/** A desk. */
export type Desk = Awaited<ReturnType<typeof open>>

/** One trade may bring a thousandth less than was quoted, and not less. */
const tolerance = { of: 999n, in: 1_000n }

/** An amount, for eyes. */
function show(asset: Asset.Asset, atoms: bigint): string {
  return Money.format(Money.of(asset, atoms))
}

/** Opens a desk whose buyer holds the dollars, and gives it coin for gas. */
export async function open({ buyer, chain, exchange }: Options) {
  const { weth, dollar } = exchange
  const { address } = buyer
  const faucet = chain.sender(Wallet.fromPrivateKey(LocalChain.devKeys[0]!))
  await faucet.wait(await faucet.send({ to: address, valueWei: 10n ** 18n }))
  const holds = async () => ({
    dollars: await chain.balanceAtoms(dollar, address),
    coins: await chain.balanceAtoms(weth, address),
  })
  const start = await holds()
  let peakAtoms = start.dollars
  const totals = { dollars: 0n, coins: 0n, feeWei: 0n, paidAtoms: 0n }
  const run = buyer.run()
  let step = 0

  const best = async (sell: Asset.Asset, atoms: bigint) => {
    const quotes = await Promise.all(
      Exchange.venues.map(async (venue) => ({
        venue,
        atoms: await exchange.quote({ venue, sell, atoms }),
      })),
    )
    return quotes.reduce((one, other) => (other.atoms > one.atoms ? other : one))
  }

  const mark = async (): Promise<Mark> => {
    const { dollars, coins } = await holds()
    const valueAtoms = dollars + (coins === 0n ? 0n : (await best(weth, coins)).atoms)
    if (valueAtoms > peakAtoms) peakAtoms = valueAtoms
    const ppb = ((peakAtoms - valueAtoms) * Share.whole) / peakAtoms
    const profitAtoms = valueAtoms - start.dollars
    const drawdown = { ppb, asOfMs: Date.now() }
    return { valueAtoms, profitAtoms, drawdown, lost: Share.round(ppb) }
  }

  return {
    mark,
    holds,
    totals,
    /** Sells so much of an asset for the other at the better venue, if the policy lets it. */
    async trade(sell: Asset.Asset, atoms: bigint) {
      const { venue, atoms: quoted } = await best(sell, atoms)
      const leastAtoms = (quoted * tolerance.of) / tolerance.in
      const price = { atoms: await exchange.price(venue), asOfMs: Date.now() }
      const isBuy = Asset.equal(sell, dollar)
      const fairAtoms = isBuy
        ? (atoms * 10n ** 18n) / price.atoms
        : (atoms * price.atoms) / 10n ** 18n
      const slippagePpb = Exchange.slippagePpb(fairAtoms, leastAtoms)
      const { drawdown } = await mark()
      // By the chain's clock: where blocks are mined on demand it runs ahead of ours.
      const deadlineSec = (await chain.finalBlock(1)).timestampSec + 60
      const call = exchange.swap({ venue, sell, atoms, leastAtoms, to: address, deadlineSec })
      const done = await buyer.transact({
        ...{ ...call, model: venue, category: 'trade', run, step: step++ },
        spends: { asset: sell, mostAtoms: atoms },
        facts: { slippagePpb, drawdown, price },
      })
      for (const { token, atoms } of done.moved)
        totals[token === Asset.parts(dollar.id).address ? 'dollars' : 'coins'] += atoms
      totals.feeWei += done.feeWei
      if (isBuy) totals.paidAtoms += done.paidAtoms
      const came = show(isBuy ? weth : dollar, quoted)
      const said = done.because ?? `${show(sell, atoms)} for ${came} at ${venue}`
      return { ...done, venue, quoted, said }
    },
    /** Whether all that came and went is what trades say, and what was paid for signals. */
    async isConserved(paidAtoms: bigint): Promise<boolean> {
      const { dollars, coins } = await holds()
      const gasWei = 10n ** 18n - (await chain.balanceWei(address))
      const isExact =
        dollars === start.dollars + totals.dollars - paidAtoms && coins === totals.coins
      return isExact && gasWei === totals.feeWei
    },
    show,
  }
}
