/**
 * @module A seller's log under way without keys or texts: documents of a few owners, artifacts with
 * parents, sales of any of them, epochs and claims, straight into the fold. What it tells must follow.
 */
import * as Contribution from '../../src/datanets/Contribution.ts'
import * as Datanet from '../../src/datanets/Datanet.ts'
import * as Version from '../../src/datanets/Version.ts'
import * as Economy from '../../src/economy/Economy.ts'
import * as Event from '../../src/economy/Event.ts'
import * as Lineage from '../../src/economy/Lineage.ts'
import type * as Sales from '../../src/economy/Sales.ts'
import * as Hash from '../../src/kernel/Hash.ts'
import type { Hex } from '../../src/kernel/Hex.ts'
import * as Receipt from '../../src/market/Receipt.ts'
import type * as Artifact from '../../src/royalties/Artifact.ts'
import * as Epoch from '../../src/royalties/Epoch.ts'
import * as Terms from './Terms.ts'

const signature = `0x${'11'.repeat(65)}` as const
const evidence = { chainId: 31337, tx: Hash.text('tx') }

/** What happened, when, and what follows. */
export type Stand = {
  readonly economy: Economy.Economy
  readonly told: [Event.Event, number][]
  /** Artifact of each document, in order. */
  readonly documents: Hex[]
  nowMs: number
  /** Looks at what follows from each event, as it is told. */
  look?: (sales: Sales.Sales) => void
}

/** A log with a card and one document of each owner. */
export function open(owners: readonly string[]): Stand {
  const stand: Stand = { economy: Economy.empty(), told: [], documents: [], nowMs: Terms.nowMs }
  tell(stand, {
    ...{ type: 'opened', role: 'node', name: 'node', address: Terms.address('seller') },
    ...{ asset: Terms.asset, till: Terms.address('till'), vault: Terms.address('vault') },
    ...{ scale: '1', local: true, salt: Hash.text('salt') },
  })
  tell(stand, { type: 'registered', card: Terms.card })
  reveal(stand, owners)
  return stand
}

/** Reveals a document of each owner as one batch. */
export function reveal(stand: Stand, owners: readonly string[]): Datanet.Batch {
  const { contributions, ...committed } = batch(stand, owners)
  const { root, salt } = committed
  const datanet = 'docs'
  const { count } = Datanet.commit(contributions, { salt })
  const committedAtMs = stand.nowMs
  tell(stand, { type: 'committed', datanet, root, count, commons: false, committedAtMs })
  const opening = { documents: contributions, salt }
  const change = Datanet.revealed(stand.economy.sales.datanet!, { root, opening })
  if (change.kind === 'refused') throw new Error(change.because)
  const versionRoot = Version.of(change.datanet).root
  tell(stand, { type: 'revealed', datanet, root, salt, contributions, versionRoot })
  stand.documents.push(...change.batch.contributions.map(({ artifact }) => artifact))
  return change.batch
}

function batch(stand: Stand, owners: readonly string[]) {
  const at = stand.documents.length
  const contributions = owners.map((owner, index) =>
    Contribution.document({ path: `${at + index}.md`, owner, text: `${at + index} of ${owner}` }),
  )
  const salt = Hash.text(`batch ${stand.told.length}`)
  return { contributions, salt, root: Datanet.commit(contributions, { salt }).root }
}

/** What the fold says of an event; undefined when it follows, and then it has. */
export function attempt(stand: Stand, event: Event.Event): string | undefined {
  const fault = Economy.apply(stand.economy, {
    ...{ v: 1, origin: Terms.address('seller'), previous: Hash.text(''), causes: [] },
    ...{ leaf: stand.told.length, atMs: stand.nowMs, id: Event.id(event), event },
  })
  if (fault !== undefined) return fault
  stand.told.push([event, stand.nowMs])
  stand.look?.(stand.economy.sales)
  return undefined
}

/** Tells an event that must follow. */
export function tell(stand: Stand, event: Event.Event): void {
  const fault = attempt(stand, event)
  if (fault !== undefined) throw new Error(`${event.type}: ${fault}`)
}

/** Registers artifacts; why not, when they are refused. */
export function register(
  stand: Stand,
  artifacts: readonly Artifact.Artifact[],
): string | undefined {
  return attempt(stand, Lineage.event(artifacts))
}

/** Sells an answer that these artifacts shaped, each by the same share; its receipt. */
export function sell(stand: Stand, shaped: readonly Hex[], sharePpb = 200_000_000n): Hex {
  const { sales } = stand.economy
  const issuedAtMs = stand.nowMs
  const quote = Terms.quote({
    ...{ issuedAtMs, expiresAtMs: issuedAtMs + 60_000, salt: Hash.text(`${stand.told.length}`) },
  })
  tell(stand, { type: 'quoted', quote, signature })
  const nonce = Hash.text(`nonce ${stand.told.length}`)
  const receipt = Terms.receipt(quote, {
    shaped: shaped.map((artifact) => ({ artifact, sharePpb, rarityPpb: 700_000_001n })),
    tokens: { in: 5, cached: 0, out: 1 + (stand.told.length % 120) },
    ...{ paymentNonce: nonce, seq: sales.nextSeq, prevHash: sales.lastReceipt, issuedAtMs },
  })
  const { payTo, payAtoms: valueAtoms } = quote
  const payment = { payer: receipt.payer, nonce, payTo, valueAtoms, validBeforeSec: 1, payload: {} }
  tell(stand, { type: 'served', receipt, signature, evidence: {}, outputs: '0x', payment })
  return Receipt.hash(receipt)
}

/** The payment of a receipt is final. */
export function fund(stand: Stand, receiptHash: Hex): void {
  tell(stand, { type: 'funded', receiptHash, evidence })
}

/** The payment of a receipt will never come. */
export function unfund(stand: Stand, receiptHash: Hex): void {
  tell(stand, { type: 'unfunded', receiptHash, because: 'cancelled' })
}

/** The closing of an epoch over what is due, once the dispute windows have passed. */
export function closing(stand: Stand): { event: Event.Of<'closing'>; lines: string } {
  const { sales } = stand.economy
  stand.nowMs += 1_000
  const proposal = Epoch.propose(sales.accruals, { nowMs: stand.nowMs, scale: 1n })
  const lines = Epoch.toLines(proposal.leaves)
  const event = {
    ...({ type: 'closing', epoch: sales.epochs.length } as const),
    ...{ root: proposal.rootWord, depth: proposal.depth, receipts: [...proposal.receipts] },
    totalAtoms: String(proposal.totalAtoms),
    leavesDigest: Hash.text(lines),
    checkpoint: { size: stand.told.length, root: Hash.text('root') },
  }
  return { event, lines }
}

/** The transaction of the epoch that is closed. */
export function publish(stand: Stand): void {
  tell(stand, { type: 'published', epoch: stand.economy.sales.epochs.length - 1, evidence })
}

/** An account takes all that it is owed. */
export function claim(stand: Stand, index: number): void {
  const { accruals } = stand.economy.sales
  const leaf = Epoch.leaves(accruals, { scale: 1n })[index]!
  const before = accruals.balances.get(accruals.leaves[index]!)!.claimedAtoms
  if (leaf.cumulative === before) return
  tell(stand, {
    ...{ type: 'claimed', account: leaf.account, index, evidence },
    cumulativeAtoms: String(leaf.cumulative),
    atoms: String(leaf.cumulative - before),
  })
}
