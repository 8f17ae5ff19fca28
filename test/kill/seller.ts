/**
 * @module A seller as a process of its own, made as `requite node` makes it: books, then what a crash left
 * open, then HTTP. Two places are marked where the harness may want it dead: an answer is served and not
 * settled, and the settlement is known and not recorded.
 */
import { BaseError } from '../../src/kernel/Errors.ts'
import * as Hex from '../../src/kernel/Hex.ts'
import * as Http from '../../src/server/Http.ts'
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
  readonly stopAt?: 'served' | 'settled'
}

const told = await Errand.read<Told>()
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
    offers: [Terms.terms(told.quoteTtlMs)],
    now: Date.now,
    salt: () => Hex.encode(crypto.getRandomValues(new Uint8Array(32))),
    documents: () => ({ documents: Terms.documents, commons: [], skipped: [] }),
    onPoisoned: () => process.exit(7),
  })
  Errand.say({ opened: opened.name })
  const node = { ...opened, seller: marked(opened.seller) }
  await Settlement.resume(node)
  const http = await Http.listen(node, 0)
  Errand.say({ listening: http.baseUrl })
}

function marked(seller: Node.Node['seller']): Node.Node['seller'] {
  return {
    ...seller,
    async settleOrFind(payment) {
      if (told.stopAt === 'served') await Errand.stop('served')
      const found = await seller.settleOrFind(payment)
      if (told.stopAt === 'settled' && found.kind === 'paid') await Errand.stop('settled')
      return found
    },
  }
}
