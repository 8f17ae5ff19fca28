/**
 * @module Where an account stands with a node, in four words. Earned: a signed receipt says so. Funded:
 * the payment behind it is final on chain. Published: a root on chain states it. Claimed: the vault paid it.
 */
import { type Hex, Money } from 'requite/kernel'
import type { Node } from 'requite/server'

/** How far an account's earnings have come; each is a part of the one before. */
export type Standing = {
  readonly earnedNano: bigint
  readonly fundedNano: bigint
  readonly publishedAtoms: bigint
  readonly claimedAtoms: bigint
}

/** What is needed to claim: the account's leaf under the last published root, and its proof. */
export type Claim = { readonly leafWord: Hex.Hex; readonly proof: readonly Hex.Hex[] }

/** Where an account stands, by the node's books. */
export function standing({ books }: Node.Node, account: string): Standing {
  const { balances, receipts } = books.state.sales.accruals
  const balance = balances.get(account)
  const funded = [...receipts.values()]
    .filter(({ status }) => status === 'funded' || status === 'published')
    .flatMap(({ postings }) => postings.filter((posting) => posting.account === account))
  return {
    earnedNano: balance?.accruedNano ?? 0n,
    fundedNano: funded.reduce((sum, { nano }) => sum + nano, 0n),
    publishedAtoms: balance?.publishedAtoms ?? 0n,
    claimedAtoms: balance?.claimedAtoms ?? 0n,
  }
}

/** Every account that earned with a node, its own among them. */
export function known({ books }: Node.Node): string[] {
  return [...books.state.sales.accruals.balances.keys()]
}

/** Whether all that was paid to these nodes is earned with them, rounding, or the payers' change. */
export function adds(nodes: readonly Node.Node[], paidAtoms: bigint): boolean {
  let [receivedNano, placedNano] = [0n, 0n]
  for (const node of nodes) {
    const { sales } = node.books.state
    receivedNano += sales.receivedAtoms * Money.nanoPerAtom
    placedNano += sales.roundingNano
    for (const account of known(node)) placedNano += standing(node, account).earnedNano
    for (const { receipt } of sales.sales.values())
      placedNano += BigInt(receipt.money.changeAtoms) * Money.nanoPerAtom
  }
  return receivedNano === paidAtoms * Money.nanoPerAtom && placedNano === receivedNano
}

/** Prints a line for each account. */
export function print(when: string, node: Node.Node, accounts: readonly string[]): void {
  const { asset } = node.contracts
  console.log(`\n${when}`)
  for (const account of accounts) {
    const { earnedNano, fundedNano, publishedAtoms, claimedAtoms } = standing(node, account)
    const [earned, funded] = [earnedNano, fundedNano].map((nano) => Money.formatNano(nano, asset))
    const [published, claimed] = [publishedAtoms, claimedAtoms].map((atoms) =>
      Money.format(Money.of(asset, atoms)),
    )
    const words = `earned ${earned}, funded ${funded}, published ${published}, claimed ${claimed}`
    const shown = account.startsWith('0x') ? `${account.slice(0, 10)}…` : account
    console.log(`  ${shown.padEnd(11)} ${words}`)
  }
}

/** Asks the node, over HTTP, for what anybody needs to claim for an account. */
export async function claim(baseUrl: string, account: string): Promise<Claim> {
  const response = await fetch(`${baseUrl}/accounts/${encodeURIComponent(account)}`)
  const { claim } = (await response.json()) as { claim?: Claim }
  if (claim === undefined) throw new Error(`nothing is published for ${account}`)
  return claim
}
