/**
 * @module Settlement: how a node is paid and pays out. Every step looks at the chain before it acts, so
 * that a restart finishes what was begun and never does it twice.
 */
import { join } from 'node:path'
import type * as Event from '../economy/Event.ts'
import type * as Sales from '../economy/Sales.ts'
import { BaseError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import type * as Hex from '../kernel/Hex.ts'
import * as Json from '../kernel/Json.ts'
import * as Quote from '../market/Quote.ts'
import * as Epoch from '../royalties/Epoch.ts'
import * as Files from '../store/Files.ts'
import * as Redirect from '../wallets/Redirect.ts'
import * as Vault from '../wallets/Vault.ts'
import type * as Wire from '../wallets/x402/Wire.ts'
import * as Advance from './Advance.ts'
import type * as Node from './Node.ts'
import * as Payment from './Payment.ts'

/** The one way to pay for a quote, as x402 writes it. */
export function requirements(node: Node.Node, quote: Quote.Quote): Wire.Requirements {
  return node.seller.requirements({
    amountAtoms: BigInt(quote.payAtoms),
    maxTimeoutSec: Quote.timeoutSec(quote),
    extra: { quote: Quote.hash(quote) },
  })
}

/** Settles a served sale, or finds what became of its payment; the record of that is durable. */
export async function settle(node: Node.Node, sale: Sales.Sale): Promise<Payment.Settled> {
  if (sale.status === 'funded') return { kind: 'funded' }
  if (sale.status === 'unfunded')
    return { kind: 'unfunded', because: 'this payment came to nothing' }
  const found = await Payment.find(node, sale)
  if (found.kind === 'unclear') return found
  const { receiptHash } = sale
  const causes = [{ origin: node.books.origin, leaf: sale.leaf }]
  // Another call may have recorded the outcome while this one waited.
  const isOpen = () => sale.status === 'served'
  if (found.kind === 'paid') {
    const { evidence } = found
    if (isOpen())
      await node.books.record([{ event: { type: 'funded', receiptHash, evidence }, causes }])
    return { kind: 'funded' }
  }
  const because = found.because.slice(0, 200)
  if (isOpen())
    await node.books.record([{ event: { type: 'unfunded', receiptHash, because }, causes }])
  return { kind: 'unfunded', because }
}

/** Settles what was served or taken ahead and is neither paid nor given up yet. */
export async function settleOpen(node: Node.Node): Promise<void> {
  for (const sale of node.books.state.sales.sales.values())
    if (sale.status === 'served') await settle(node, sale)
  await Advance.settleOpen(node)
}

/** How often {@link tend} looks. */
const tendMs = 30_000

/**
 * Settles what is open and gives back what is over, again and again, so that nobody has to come and ask.
 * Ends when the function that it gives is called. A chain that does not answer is asked the next time.
 */
export function tend(
  node: Node.Node,
  { everyMs = tendMs }: { readonly everyMs?: number } = {},
): () => void {
  let timer: NodeJS.Timeout
  let isOver = false
  const later = () => {
    if (!isOver) timer = setTimeout(look, everyMs).unref()
  }
  const look = async () => {
    try {
      await settleOpen(node)
    } catch (error) {
      if (!(error instanceof BaseError)) throw error
      node.onProgress?.(`what is open could not be settled: ${error.message}`)
    }
    later()
  }
  later()
  return () => {
    isOver = true
    clearTimeout(timer)
  }
}

/** Finishes what a crash left open: served sales are settled, a closing epoch is published. */
export async function resume(node: Node.Node): Promise<void> {
  await settleOpen(node)
  const last = node.books.state.sales.epochs.at(-1)
  if (last !== undefined && last.published === undefined) await publish(node, last)
  await observeClaims(node)
}

/** What an epoch closed over, and where its leaves are published. */
export type Published = {
  readonly epoch: number
  readonly root: Hex.Hex
  readonly totalAtoms: bigint
  readonly tx: Hex.Hex
  /** File of JSON lines, relative to the node's folder. */
  readonly leavesFile: string
  readonly receipts: number
}

/** File of an epoch's leaves, relative to the node's folder. */
export function leavesFile(epoch: number): string {
  return join('epochs', `${epoch}.jsonl`)
}

/**
 * Closes an epoch over all funded receipts past their dispute window and publishes its root. Undefined
 * when there is nothing new to publish.
 */
export async function closeEpoch(node: Node.Node): Promise<Published | undefined> {
  await settleOpen(node)
  const closed = await node.receipts(async () => {
    const { books, contracts } = node
    const { sales } = books.state
    const last = sales.epochs.at(-1)
    if (last !== undefined && last.published === undefined) return last
    // The checkpoint is of every record before this one: none may still be on its way to the disk.
    for (let wait = books.unsettled(); wait !== undefined; wait = books.unsettled()) await wait
    const atMs = books.now()
    const proposal = Epoch.propose(sales.accruals, { nowMs: atMs, scale: contracts.scale })
    if (proposal.receipts.length === 0 || proposal.increaseAtoms === 0n) return undefined
    const lines = Epoch.toLines(proposal.leaves)
    const epoch = sales.epochs.length
    Files.writeAtomic(join(node.dir, leavesFile(epoch)), lines, { mode: 0o600 })
    const { size, root } = books.proof(books.size() - 1)
    await books.record(
      [
        {
          event: {
            type: 'closing',
            epoch,
            root: proposal.rootWord,
            depth: proposal.depth,
            totalAtoms: String(proposal.totalAtoms),
            receipts: [...proposal.receipts],
            leavesDigest: Hash.text(lines),
            checkpoint: { size, root },
          },
        },
      ],
      { atMs },
    )
    return sales.epochs.at(-1)!
  })
  return closed === undefined ? undefined : publish(node, closed)
}

/** What the chain anchors beside the root: digest of the log's size and root. */
export function checkpointDigest(checkpoint: { size: number; root: Hex.Hex }): Hex.Hex {
  return Hash.digest(checkpoint)
}

async function publish(node: Node.Node, state: Sales.EpochState): Promise<Published> {
  const { closing } = state
  const { vault } = node.contracts
  const standing = await Vault.standing(node.chain, { vault })
  const rootOnChain = standing.pending?.rootWord ?? standing.rootWord
  const evidence =
    rootOnChain === closing.root
      ? await Vault.publication(node.chain, { vault, rootWord: closing.root })
      : (
          await Vault.publish(node.chain.sender(node.wallet), {
            vault,
            rootWord: closing.root,
            checkpoint: checkpointDigest(closing.checkpoint),
            depth: closing.depth,
          })
        ).evidence
  if (evidence === undefined)
    throw new BaseError('the root is on chain, but its transaction was not found', {
      code: 'epoch-transaction-missing',
      retry: 'safe',
    })
  if (state.published === undefined)
    await node.books.record([
      {
        event: {
          type: 'published',
          epoch: closing.epoch,
          evidence: { ...plain(evidence), chainId: node.chain.chainId },
        },
      },
    ])
  return {
    epoch: closing.epoch,
    root: closing.root,
    totalAtoms: BigInt(closing.totalAtoms),
    tx: evidence.tx,
    leavesFile: leavesFile(closing.epoch),
    receipts: closing.receipts.length,
  }
}

function plain(evidence: Vault.Evidence): {
  tx: Hex.Hex
  [key: string]: unknown
} {
  return Json.plain(evidence) as { tx: Hex.Hex }
}

/** Records the redirects and claims that happened on chain since the last look, in the chain's order. */
export async function observeClaims(node: Node.Node): Promise<void> {
  const { vault } = node.contracts
  // Both up to one block: what is seen later is recorded later, behind all that came before it.
  const toBlock = await node.chain.blockNumber()
  const [redirects, claims] = await Promise.all([
    Redirect.list(node.chain, { vault, toBlock }),
    Vault.claims(node.chain, { vault, toBlock }),
  ])
  const happened = [
    ...redirects.map((made) => ({ ...made, event: () => redirected(node, made) })),
    ...claims.map((paid) => ({ ...paid, event: () => claimed(node, paid) })),
  ].sort((a, b) => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex)
  for (const each of happened) {
    const event = each.event()
    if (event !== undefined) await node.books.record([{ event }])
  }
}

/** The event of a redirect that is not recorded yet. */
function redirected(node: Node.Node, made: Redirect.Made): Event.Event | undefined {
  const { account, to, index, evidence } = made
  const { sales } = node.books.state
  if (sales.accruals.leaves[index] !== account) return undefined
  if (made.sequence < BigInt(sales.redirects.get(account)?.count ?? 0)) return undefined
  return {
    ...{ type: 'redirected', account, to, sequence: String(made.sequence), index },
    evidence: { ...plain(evidence), chainId: node.chain.chainId },
  }
}

/** The event of a claim that is not recorded yet. */
function claimed(node: Node.Node, { leaf, evidence }: Vault.Paid): Event.Event | undefined {
  const { accruals } = node.books.state.sales
  const account = accruals.leaves[leaf.index]
  if (account === undefined) return undefined
  const before = accruals.balances.get(account)!.claimedAtoms
  const cumulativeAtoms = leaf.cumulative * node.contracts.scale
  if (cumulativeAtoms <= before) return undefined
  return {
    ...{ type: 'claimed', account: leaf.account, index: leaf.index },
    cumulativeAtoms: String(cumulativeAtoms),
    atoms: String(cumulativeAtoms - before),
    evidence: { ...plain(evidence), chainId: node.chain.chainId },
  }
}
