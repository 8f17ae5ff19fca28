/**
 * @module Conservation, counted across the whole town: what wallets, tills and vaults hold on chain is what
 * was minted, and each of them holds what the books of both sides say.
 */
import { join } from 'node:path'
import * as Sales from '../../src/economy/Sales.ts'
import * as Asset from '../../src/kernel/Asset.ts'
import type { Hex } from '../../src/kernel/Hex.ts'
import * as SumTree from '../../src/royalties/SumTree.ts'
import * as Settlement from '../../src/server/Settlement.ts'
import * as Files from '../../src/store/Files.ts'
import * as Vault from '../../src/wallets/Vault.ts'
import type { Payments } from './Payments.ts'
import * as Town from './Town.ts'
import type { Trader } from './Trader.ts'

/** What does not hold between chain and books, at a moment when nobody is paying. */
export async function across(
  town: Town.Town,
  traders: readonly Trader[],
  payments: Payments,
  claimedBy: ReadonlyMap<Hex, bigint>,
): Promise<readonly string[]> {
  const wrong: string[] = []
  const expect = (what: string, got: bigint, expected: bigint) => {
    if (got !== expected) wrong.push(`${what}: ${got} atoms, expected ${expected}`)
  }
  const paidBy = new Map<Hex, bigint>()
  const paidTo = new Map<Hex, bigint>()
  for (const { payer, to, atoms } of payments.all) {
    paidBy.set(payer, (paidBy.get(payer) ?? 0n) + atoms)
    paidTo.set(to, (paidTo.get(to) ?? 0n) + atoms)
  }
  const held = await balances(
    town,
    traders.flatMap(({ wallet, seller, contracts: { till, vault } }) => [
      wallet.address,
      seller.address,
      till,
      vault,
    ]),
  )
  let total = 0n
  for (const [at, trader] of traders.entries()) {
    const { name, wallet, seller, contracts, fundedAtoms, node, buyer } = trader
    const [own, earnings, till, vault] = held.slice(4 * at, 4 * at + 4) as Four
    total += own + earnings + till + vault
    const { sales } = node.books.state
    Sales.assertConserved(sales)
    const published = sales.epochs.findLast((each) => each.published !== undefined)
    const publishedAtoms = published?.proposal.totalAtoms ?? 0n
    let claimedAtoms = 0n
    for (const balance of sales.accruals.balances.values()) claimedAtoms += balance.claimedAtoms
    const spentAtoms = paidBy.get(wallet.address) ?? 0n
    expect(`${name}'s till`, till, sales.receivedAtoms - publishedAtoms)
    expect(`${name}'s vault`, vault, publishedAtoms - claimedAtoms)
    expect(`${name}'s sales`, sales.receivedAtoms, paidTo.get(contracts.till) ?? 0n)
    expect(`${name}'s open sales`, sales.receivableAtoms, 0n)
    expect(`${name}'s purchases`, buyer.spentAtoms(), spentAtoms)
    const taken = (of: Hex) => claimedBy.get(of) ?? 0n
    expect(`${name}'s wallet`, own, fundedAtoms - spentAtoms + taken(wallet.address))
    expect(`${name}'s earnings`, earnings, taken(seller.address))
  }
  expect('the whole town', total, town.mintedAtoms)
  return wrong
}

type Four = [bigint, bigint, bigint, bigint]

/** What does not hold of an epoch: its total is what was claimed and what can be, leaf by leaf on chain. */
export async function ofEpoch(
  town: Town.Town,
  { name, node, contracts }: Trader,
  { epoch, totalAtoms }: Settlement.Published,
): Promise<readonly string[]> {
  const lines = Files.readText(join(node.dir, Settlement.leavesFile(epoch)))!
  let [claimed, claimable] = [0n, 0n]
  for (const { index, cumulative } of SumTree.fromLines(lines)) {
    const taken = await Vault.claimed(town.chain, { vault: contracts.vault, index })
    if (taken > cumulative) return [`${name}: leaf ${index} claimed ${taken} of ${cumulative}`]
    claimed += taken
    claimable += cumulative - taken
  }
  const held = await Vault.balance(town.chain, {
    token: Asset.parts(town.asset.id).address,
    account: contracts.vault,
  })
  const wrong: string[] = []
  if (claimed + claimable !== totalAtoms)
    wrong.push(`${name}: epoch ${epoch} states ${totalAtoms}, its leaves ${claimed} + ${claimable}`)
  if (held !== claimable)
    wrong.push(`${name}: the vault holds ${held}, and ${claimable} can be claimed`)
  return wrong
}

const balanceOf = '0x70a08231'

/** Token balances, asked for at once. */
async function balances(town: Town.Town, of: readonly Hex[]): Promise<readonly bigint[]> {
  const { address: to } = Asset.parts(town.asset.id)
  const calls = of.map((account) => ({
    method: 'eth_call',
    params: [{ to, data: `${balanceOf}${account.slice(2).padStart(64, '0')}` }, 'latest'],
  }))
  return (await Town.batch(town.local.rpcUrl, calls)).map((word) => BigInt(word as string))
}
