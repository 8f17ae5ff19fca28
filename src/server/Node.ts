/**
 * @module Node: the seller's process. It holds the books, the key, the chain and the library; everything
 * it sells goes through `Inference`, everything it is paid through `Settlement`.
 */
import { join } from 'node:path'
import * as Contribution from '../datanets/Contribution.ts'
import * as Datanet from '../datanets/Datanet.ts'
import * as Version from '../datanets/Version.ts'
import type { Event } from '../economy/Event.ts'
import type { Asset } from '../kernel/Asset.ts'
import type { Clock } from '../kernel/Clock.ts'
import { BaseError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Serial from '../kernel/Serial.ts'
import * as Card from '../market/Card.schema.ts'
import * as Books from '../store/Books.ts'
import * as Files from '../store/Files.ts'
import type * as Import from '../store/Import.ts'
import type { Chain } from '../wallets/Chain.ts'
import * as NoteKey from '../wallets/NoteKey.ts'
import type { Wallet } from '../wallets/Wallet.ts'
import * as Seller from '../wallets/x402/Seller.ts'
import * as Library from './Library.ts'
import * as Offer from './Offer.ts'

/** Contracts on the chain that a node works with. */
export type Contracts = {
  readonly asset: Asset
  readonly vault: Hex
  readonly till: Hex
  readonly scale: bigint
  /** EIP-712 domain of the token: what buyers sign under. */
  readonly tokenName: string
  readonly tokenVersion: string
  /** Challenge window of the vault. */
  readonly windowS: number
  readonly local: boolean
}

/** How a node is opened. */
export type Options = {
  readonly dir: string
  readonly name: string
  readonly wallet: Wallet
  readonly chain: Chain
  readonly contracts: Contracts
  /** At least one, a model each. */
  readonly offers: readonly Offer.Offer[]
  readonly now: Clock
  readonly salt: () => Hex
  /**
   * What the first batches of a new node are made of; not called when the books have a datanet. A seller
   * of skills may have none.
   */
  readonly documents?: () => Import.Imported
  readonly onProgress?: (text: string) => void
  /** Told when the books can no longer be trusted: the process must end. */
  readonly onPoisoned?: (error: unknown) => void
}

/** A running node. */
export type Node = Omit<Options, 'offers'> & {
  /** By model. */
  readonly offers: ReadonlyMap<string, Offer.Sold>
  readonly books: Books.Books
  readonly seller: Seller.Seller
  readonly library: Library.Library
  /** Receipts are numbered and chained: one at a time. */
  readonly receipts: Serial.Serial
  /** Answers in the making, by payment. */
  readonly working: Map<string, Promise<unknown>>
  close(): void
}

/** Opens books and library, registering the first datanet of a new node, as one commitment. */
export async function open(options: Options): Promise<Node> {
  const { dir, wallet, contracts, chain } = options
  Files.ensureFolder(Library.folder(dir))
  Files.ensureFolder(join(dir, 'epochs'))
  const books = Books.open({
    file: join(dir, 'journal.db'),
    origin: wallet.address,
    now: options.now,
    signer: await NoteKey.of(wallet),
    onNote: options.onProgress,
    ...(options.onPoisoned === undefined ? {} : { onPoisoned: options.onPoisoned }),
  })
  try {
    await introduce(books, options)
    const name = Offer.datanet(options.offers)
    if (books.state.sales.datanet === undefined) await register(books, options, name)
    const datanet = books.state.sales.datanet ?? Datanet.empty(name)
    const library = Library.open({ dir, datanet })
    options.onProgress?.(
      `datanet ${datanet.name}: ${Datanet.contributions(datanet).length} documents, version ${library.indexRoot}`,
    )
    const { asset, till: payTo, tokenName, tokenVersion } = contracts
    const token = { asset, tokenName, tokenVersion }
    const seller = Seller.open({ chain, wallet, payTo, ...token, now: options.now })
    return {
      ...options,
      books,
      seller,
      library,
      offers: Offer.open(options.offers, library),
      receipts: Serial.line(),
      working: new Map(),
      close: () => books.close(),
    }
  } catch (error) {
    books.close()
    throw error
  }
}

async function introduce(books: Books.Books, options: Options): Promise<void> {
  const { contracts, wallet, offers } = options
  const events: Event[] = []
  const opened = books.state.opened
  if (opened !== undefined && opened.vault !== contracts.vault)
    throw new BaseError(`these books belong to vault ${opened.vault}, not ${contracts.vault}`, {
      code: 'wrong-vault',
      hint: 'start with the chain that the folder was made with, or in an empty folder',
    })
  if (opened === undefined)
    events.push({
      type: 'opened',
      role: 'node',
      name: options.name,
      address: wallet.address,
      asset: contracts.asset,
      till: contracts.till,
      vault: contracts.vault,
      scale: String(contracts.scale),
      local: contracts.local,
      salt: options.salt(),
    })
  const cards = new Map(offers.map(({ card }) => [Card.hash(card), card]))
  for (const [hash, card] of cards)
    if (!books.state.sales.cards.has(hash)) events.push({ type: 'registered', card })
  if (events.length > 0) await books.record(events.map((event) => ({ event })))
}

/** Commons first, then all documents as one batch: what existed before is simultaneous. */
async function register(books: Books.Books, options: Options, name: string): Promise<void> {
  const imported = options.documents?.()
  if (imported === undefined) return
  for (const [commons, found] of [
    [true, imported.commons],
    [false, imported.documents],
  ] as const) {
    if (found.length === 0) continue
    const salt = options.salt()
    Files.putDocuments(
      Library.folder(options.dir),
      found.map(({ text }) => text),
    )
    const contributions = found.map(({ path, owner, text }) =>
      Contribution.document({ path, owner, text }),
    )
    const { root, count } = Datanet.commit(contributions, { salt })
    const committedAtMs = books.now()
    const [cause] = await books.record([
      { event: { type: 'committed', datanet: name, root, count, commons, committedAtMs } },
    ])
    const versionRoot = versionWith(books, { root, contributions, salt })
    await books.record([
      {
        event: { type: 'revealed', datanet: name, root, salt, contributions, versionRoot },
        causes: [cause!],
      },
    ])
  }
}

function versionWith(
  books: Books.Books,
  batch: { root: Hex; contributions: Contribution.Document[]; salt: Hex },
): Hex {
  const { contributions: documents, salt, root } = batch
  const change = Datanet.revealed(books.state.sales.datanet!, {
    root,
    opening: { documents, salt },
  })
  if (change.kind === 'refused')
    throw new BaseError(`the first datanet was refused: ${change.because}`, { code: change.code })
  return Version.of(change.datanet).root
}
