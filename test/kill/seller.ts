/**
 * @module A seller as a process of its own, made as `requite node` makes it: books, then what a crash left
 * open, then HTTP. Places are marked where the harness may want it dead: an answer is served and not
 * settled, the settlement is known and not recorded; of what is told while it is made: its payment is
 * accepted and not settled, it is paid and nothing is said, something is said.
 */
import * as Prepaid from '../../src/economy/Prepaid.ts'
import { BaseError } from '../../src/kernel/Errors.ts'
import * as Hex from '../../src/kernel/Hex.ts'
import type * as Engine from '../../src/models/Engine.ts'
import * as Http from '../../src/server/Http.ts'
import * as Library from '../../src/server/Library.ts'
import * as Node from '../../src/server/Node.ts'
import * as Settlement from '../../src/server/Settlement.ts'
import * as Chain from '../../src/wallets/Chain.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import * as Errand from './Errand.ts'
import * as Terms from './Terms.ts'

/** What a seller is told. */
export type Told = {
  readonly dir: string
  readonly key: Hex.Hex
  readonly chain: Chain.Options
  readonly contracts: Terms.Contracts
  readonly quoteTtlMs: number
  /** Where it stops, once, to be killed. */
  readonly stopAt?: 'served' | 'settled' | 'accepted' | 'funded' | 'telling'
}

const told = await Errand.read<Told>()
let running: Node.Node | undefined
try {
  await start()
} catch (error) {
  // What a supervisor starts again: the chain was away.
  if (!(error instanceof BaseError) || error.retry === 'never') throw error
  Errand.say({ away: error.code })
  process.exit(0)
}

async function start(): Promise<void> {
  const opened = await Node.open({
    dir: told.dir,
    name: 'docs-node',
    wallet: Wallet.fromPrivateKey(told.key),
    chain: await Chain.open(told.chain),
    contracts: { ...told.contracts, scale: 1n },
    offers: [{ ...Terms.terms(told.quoteTtlMs), engine: speaking }],
    now: Date.now,
    salt: () => Hex.encode(crypto.getRandomValues(new Uint8Array(32))),
    documents: () => ({ documents: Terms.documents, commons: [], skipped: [] }),
    onPoisoned: () => process.exit(7),
  })
  Errand.say({ opened: opened.name })
  running = opened
  const node = { ...opened, seller: marked(opened) }
  await Settlement.resume(node)
  const http = await Http.listen(node, 0)
  Errand.say({ listening: http.baseUrl })
}

function marked({ seller, books }: Node.Node): Node.Node['seller'] {
  return {
    ...seller,
    async settleOrFind(asked) {
      const key = asked.payment && Prepaid.key(asked.payment)
      const isAhead = key !== undefined && books.state.sales.prepaid.has(key)
      if (told.stopAt === (isAhead ? 'accepted' : 'served')) await Errand.stop(told.stopAt)
      const found = await seller.settleOrFind(asked)
      if (told.stopAt === 'settled' && !isAhead && found.kind === 'paid')
        await Errand.stop('settled')
      return found
    },
  }
}

/** The reader; what is wanted while it is made, it says in pieces. */
function speaking(library: Library.Library): Engine.Engine {
  const reader = Library.reader(library, Terms.terms(told.quoteTtlMs).card)
  return {
    ...reader,
    async answer(request, { onDelta } = {}) {
      const answer = await reader.answer(request)
      const question = String(request.messages.at(-1)?.content)
      if (answer.kind === 'refused' || !Terms.isTold(question)) return answer
      const isStopped = told.stopAt === 'funded' || told.stopAt === 'telling'
      if (isStopped) await paid()
      if (told.stopAt === 'funded') await Errand.stop('funded')
      const pieces = answer.text.split(/(?<=\. )/)
      for (const [index, text] of pieces.entries()) {
        if (request.signal?.aborted) break
        onDelta?.({ text })
        await Errand.pause(40)
        if (told.stopAt === 'telling' && index === 0) await Errand.stop('telling')
      }
      return answer
    },
  }
}

/** Waits until something is paid that is not answered, and the disk holds that it is. */
async function paid(): Promise<void> {
  const isPaid = () => {
    const { books } = running!
    const open = Prepaid.open(books.state.sales)
    return books.unsettled() === undefined && open.some(({ status }) => status === 'funded')
  }
  while (!isPaid()) await Errand.pause(5)
}
