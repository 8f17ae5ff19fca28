/** @module The node as a process: opens the books, serves HTTP on loopback, takes operator's calls. */
import * as Hex from '../kernel/Hex.ts'
import * as Record from '../provenance/Record.ts'
import * as Accrual from '../royalties/Accrual.ts'
import * as Http from '../server/Http.ts'
import * as Node from '../server/Node.ts'
import type * as Offer from '../server/Offer.ts'
import * as Settlement from '../server/Settlement.ts'
import * as Import from '../store/Import.ts'
import * as Chain from './Chain.ts'
import type { Config } from './Config.ts'
import * as Control from './Control.ts'
import type * as Home from './Home.ts'
import * as Supervisor from './Supervisor.ts'

/** A running node. */
export type Running = { readonly baseUrl: string; close(): Promise<void> }

/** What a node sells here: the reader over the documentation of the installed packages. */
export function terms(config: Config): Offer.Terms {
  return {
    card: {
      v: 1,
      model: 'docs-reader',
      kind: 'extractive',
      tokenizer: 'words@1',
      stdUsPerTokenIn: 50,
      stdUsPerTokenCached: 10,
      stdUsPerTokenOut: 50,
      maxTokensIn: 512,
      maxTokensOut: 1024,
      lineagePpb: '0',
      datanet: 'installed-docs',
    },
    rates: config.rates,
    coveragePromisedPpb: config.coveragePromisedPpb,
    disputeWindowMs: 0,
    quoteTtlMs: config.quoteTtlMs,
    device: { class: 'cpu', count: 1, tier: 'claimed' },
  }
}

/** Opens the node of a home and serves it. Throws `port-taken`, `journal-in-use`. */
export async function start(
  home: Home.Home,
  config: Config,
  note: (text: string) => void,
): Promise<Running> {
  const place = Chain.readPlace(home)
  const chain = await Chain.open(place)
  const wallet = await Chain.key(home.node)
  const owner = await Chain.key(home.owner)
  const node = await Node.open({
    dir: home.node,
    name: 'docs-node',
    wallet,
    chain,
    contracts: Chain.contracts(place),
    offers: [terms(config)],
    now: Date.now,
    salt: () => Hex.encode(crypto.getRandomValues(new Uint8Array(32))),
    documents: () => {
      note('reading the documentation of the installed packages')
      return Import.importDocumentation({ root: process.cwd(), repositoryOwner: owner.address })
    },
    onProgress: note,
    onPoisoned: Supervisor.die,
  })
  try {
    await expectHistory(home, node)
    await Settlement.resume(node)
    const http = await Http.listen(node, config.port)
    const control = await Control.serve(home.node, {
      epoch: async () => (await Settlement.closeEpoch(node)) ?? null,
      observe: async () => {
        await Settlement.observeClaims(node)
        return Accrual.totals(node.books.state.sales.accruals)
      },
    })
    return {
      baseUrl: http.baseUrl,
      async close() {
        await control.close()
        await http.close()
        node.close()
      },
    }
  } catch (error) {
    node.close()
    throw error
  }
}

/**
 * A chain that was killed comes back as it was last closed, while the books know more. Throws `chain-lost`
 * when it has forgotten the last transaction that they have evidence of.
 */
async function expectHistory(home: Home.Home, { books, chain }: Node.Node): Promise<void> {
  for (let leaf = books.size() - 1; leaf >= 0; leaf -= 1) {
    const { event } = Record.decode(books.text(leaf))
    const { evidence } = event as { evidence?: { tx?: unknown } }
    const tx = evidence?.tx
    if (!Hex.is(tx, 32)) continue
    if ((await chain.receipt(tx)) === undefined) throw Chain.lost(home)
    return
  }
}
