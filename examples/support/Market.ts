/**
 * @module What runs elsewhere when you buy: a chain, and a seller on it. Here both run in this process, on
 * loopback, until `stop`: a local chain with a test dollar and a royalty vault, and a node that answers
 * from documents, each of which belongs to somebody.
 */
import { Asset, Hex } from 'requite/kernel'
import { App, Http, Node, type Offer } from 'requite/server'
import { Chain, LocalChain, Vault, Wallet } from 'requite/wallets'

/** A document and the account that earns by it: an address, or a name such as `npm:zod`. */
export type Document = { readonly path: string; readonly owner: string; readonly text: string }

/** What a market is made of. */
export type Options = {
  /** Folder of the node's journal and documents. */
  readonly dir: string
  readonly name?: string
  /** None: a seller of skills. */
  readonly documents?: readonly Document[]
  /** Of the reader, which is sold unless `offers` says what is. */
  readonly terms?: Partial<Offer.Terms>
  readonly offers?: readonly Offer.Offer[]
  /** Milliseconds since 1970; the system's clock unless given. */
  readonly now?: () => number
  /** How long a published root can be challenged, and a binding be seen coming; 0 unless given. */
  readonly windowSec?: number
}

/** A running chain and node. */
export type Market = Awaited<ReturnType<typeof start>>

/** How the node is paid: amounts in nano-atoms a standard GPU-microsecond, shares in ppb. */
const rates = {
  executionNanoPerStdUs: '20000000',
  influenceNanoPerStdUs: '60000000',
  premiumPpb: '0',
  qualityPpb: '0',
  feePpb: '50000000',
  gasNano: '200000000000',
}

/** On what terms the reader is sold. */
export const terms: Offer.Terms = {
  card: {
    v: 1,
    model: 'docs-reader',
    kind: 'extractive',
    tokenizer: 'words@1',
    stdUsPerTokenIn: 50,
    stdUsPerTokenCached: 10,
    stdUsPerTokenOut: 50,
    maxTokensIn: 256,
    maxTokensOut: 512,
    lineagePpb: '0',
    datanet: 'docs',
  },
  rates,
  coveragePromisedPpb: '0',
  disputeWindowMs: 0,
  quoteTtlMs: 30_000,
  device: { class: 'cpu', count: 1, tier: 'claimed' },
}

/** A node that is served: where it sells, and how to end it. */
export type Served = Awaited<ReturnType<typeof serve>>

/** Starts a chain, deploys the contracts, opens a node and serves it on a free port. */
export async function start(options: Options) {
  const local = await LocalChain.start()
  try {
    const chain = await Chain.open({ rpcUrl: local.rpcUrl, chainId: local.chainId })
    const [faucetKey, nodeKey] = LocalChain.devKeys as [Hex.Hex, Hex.Hex]
    const faucet = chain.sender(Wallet.fromPrivateKey(faucetKey))
    const token = await Vault.deployToken(faucet)
    const served = [
      await serve(options, { chain, faucet, token, wallet: Wallet.fromPrivateKey(nodeKey) }),
    ]
    const [first] = served as [Served]
    return {
      ...{ local, chain },
      ...first,
      /** Test dollars for an agent. */
      fund: (to: Hex.Hex, atoms: bigint) => Vault.mint(faucet, { token, to, atoms }),
      /** Another seller on the same chain, with a key, a vault and a till of its own. */
      async another(given: Options) {
        const key = LocalChain.devKeys[served.length + 1]
        if (key === undefined) throw new Error('expected at most nine sellers on a local chain')
        const wallet = Wallet.fromPrivateKey(key)
        const opened = await serve(given, { chain, faucet, token, wallet })
        served.push(opened)
        return opened
      },
      async stop() {
        for (const each of served) await each.close()
        await local.stop()
      },
    }
  } catch (error) {
    await local.stop()
    throw error
  }
}

type Ground = {
  readonly chain: Chain.Chain
  readonly faucet: Vault.Writer
  readonly token: Hex.Hex
  readonly wallet: Wallet.Wallet
}

async function serve(options: Options, { chain, faucet, token, wallet }: Ground) {
  const { documents } = options
  const { windowSec = 0 } = options
  const contracts = await deploy(faucet, { token, operator: wallet.address, windowSec })
  const node = await Node.open({
    dir: options.dir,
    name: options.name ?? 'docs-node',
    ...{ wallet, chain, contracts },
    offers: options.offers ?? [{ ...terms, ...options.terms }],
    now: options.now ?? Date.now,
    salt: () => Hex.encode(crypto.getRandomValues(new Uint8Array(32))),
    ...(documents === undefined ? {} : { documents: () => imported(documents) }),
  })
  const app = App.create(node)
  const http = await Http.serve(app.fetch, 0)
  return {
    ...{ contracts, node, app, baseUrl: `${http.baseUrl}/v1` },
    async close() {
      await http.close()
      node.close()
    },
  }
}

function imported(documents: readonly Document[]) {
  const own = documents.map((one) => ({ ...one, package: 'docs' }))
  return { documents: own, commons: [], skipped: [] }
}

async function deploy(
  faucet: Vault.Writer,
  given: { readonly token: Hex.Hex; readonly operator: Hex.Hex; readonly windowSec: number },
): Promise<Node.Contracts> {
  const { token, windowSec } = given
  const { vault, till } = await Vault.deploy(faucet, { ...given, scale: 1n })
  const id = `eip155:${LocalChain.chainId}/erc20:${token}`
  return {
    asset: Asset.from({ id, decimals: 6, symbol: 'USDC' }),
    ...{ vault, till, scale: 1n, windowS: windowSec, local: true },
    tokenName: 'USD Coin',
    tokenVersion: '2',
  }
}
