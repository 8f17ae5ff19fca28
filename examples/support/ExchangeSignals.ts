/**
 * @module Who sells signals, and what the day brings. Two people keep notes on the market; both follow a
 * strategy that somebody else wrote, so a part of what their notes earn is that author's.
 */
import type { Buyer } from 'requite/agents'
import { type Asset, Hash, Money, Share } from 'requite/kernel'
import { Artifacts } from 'requite/server'
import * as Market from './Market.ts'

const flow = `# Flow
The flow of coin says buy: more coin leaves the exchanges than comes to them, for the ninth day in a row,
and what leaves is not offered for sale.`
const season = `# Season
The season says sell: in the week before quarterly options expire the price has fallen in seven of ten
quarters, and half of what was bought is taken home.`
const strategy = 'Buy what leaves the exchanges; take half home before options expire.'

/** A market whose documents are signals, and whose strategy's author shares in what they earn. */
export async function start(dir: string) {
  const documents = [
    { path: 'flow.md', owner: 'author:flow-watcher', text: flow },
    { path: 'season.md', owner: 'author:calendar-keeper', text: season },
  ]
  const market = await Market.start({ dir, name: 'signals', documents })
  const id = Hash.text(strategy)
  const owners = [{ account: 'author:strategist', sharePpb: Share.whole }]
  const follow = [{ artifact: id, sharePpb: Share.parse('30%') }]
  const notes = [...market.node.books.state.sales.artifacts.values()]
  await Artifacts.register(market.node, [
    { id, kind: 'strategy', owners, parents: [] },
    ...notes.map((note) => ({ ...note, parents: follow })),
  ])
  return market
}

/** Who earned by an answer, in a line: the seller for its work, authors for their words. */
export function earned({ delivered }: Buyer.Outcome, asset: Asset.Asset): string {
  const sums = new Map<string, bigint>()
  for (const { account, nano } of delivered?.answered.earnings ?? []) {
    const name = account.startsWith('0x') ? 'the seller' : account
    sums.set(name, (sums.get(name) ?? 0n) + BigInt(nano))
  }
  const parts = [...sums].map(([name, nano]) => `${name} ${Money.formatNano(nano, asset)}`)
  return `earned   ${parts.join(', ')}`
}
