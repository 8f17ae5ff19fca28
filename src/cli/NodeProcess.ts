/** @module The node as a process: opens the books, serves HTTP on loopback, takes operator's calls. */
import { serve } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import { BaseError } from '../kernel/Errors.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Accrual from '../royalties/Accrual.ts'
import * as App from '../server/App.ts'
import * as Node from '../server/Node.ts'
import * as Settlement from '../server/Settlement.ts'
import * as Import from '../store/Import.ts'
import * as Chain from './Chain.ts'
import type { Config } from './Config.ts'
import * as Control from './Control.ts'
import type * as Home from './Home.ts'

/** A running node. */
export type Running = { readonly baseUrl: string; close(): Promise<void> }

/** What a node sells here: the reader over the documentation of the installed packages. */
export function terms(config: Config): Node.Terms {
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
    terms: terms(config),
    now: Date.now,
    salt: () => Hex.encode(crypto.getRandomValues(new Uint8Array(32))),
    documents: () => {
      note('reading the documentation of the installed packages')
      return Import.importDocumentation({ root: process.cwd(), repositoryOwner: owner.address })
    },
    onProgress: note,
  })
  try {
    await Settlement.resume(node)
    const http = await listen(node, config.port)
    const control = await Control.serve(home.node, {
      epoch: async () => (await Settlement.closeEpoch(node)) ?? null,
      observe: async () => {
        await Settlement.observeClaims(node)
        return Accrual.totals(node.books.state.sales.accruals)
      },
    })
    return {
      baseUrl: `http://127.0.0.1:${http.port}`,
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

function listen(node: Node.Node, port: number): Promise<{ port: number; close(): Promise<void> }> {
  const app = App.create(node, {
    address: (context) => getConnInfo(context).remote.address ?? 'unknown',
  })
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, (info) =>
      resolve({
        port: info.port,
        close: () =>
          new Promise((done) => {
            server.close(() => done())
            if ('closeAllConnections' in server) server.closeAllConnections()
          }),
      }),
    )
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === 'EADDRINUSE'
          ? new BaseError(`port ${port} is taken`, {
              code: 'port-taken',
              hint: 'stop what listens there, or choose another: --port 0 takes any that is free',
              cause,
            })
          : cause,
      ),
    )
  })
}
