/**
 * @module A market for tests, of real parts: a local chain, a node serving on loopback, buyers with wallets,
 * journals and folders of their own; sellers in front of the node that can be made to lie, and a clock
 * that moves the processes' and the chain's time together.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as Start from '../../examples/support/Market.ts'
import * as Buyer from '../../src/agents/Buyer.ts'
import * as Asset from '../../src/kernel/Asset.ts'
import * as Hex from '../../src/kernel/Hex.ts'
import * as Id from '../../src/kernel/Id.ts'
import * as Policy from '../../src/policies/Policy.ts'
import * as Http from '../../src/server/Http.ts'
import * as TestDollar from '../../src/wallets/abi/TestDollar.ts'
import * as LocalChain from '../../src/wallets/LocalChain.ts'
import { transferTopic } from '../../src/wallets/PaymentEvidence.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import * as Exact from '../../src/wallets/x402/Exact.ts'

export const model = 'docs-reader'

/** What the node answers from. */
export const documents: readonly Start.Document[] = [
  {
    path: 'tides/README.md',
    owner: 'npm:tides',
    text: `# Tides

High water comes about fifty minutes later each day, because the moon moves on while the earth turns
beneath it. Spring tides follow the new and the full moon within two days.
`,
  },
  {
    path: 'bees/README.md',
    owner: 'npm:bees',
    text: `# Bees

A forager tells her sisters where the clover stands by dancing: the angle of the run against the
vertical is the angle of the flight against the sun, and its length is the distance.
`,
  },
]

/** A running market. */
export type Market = Awaited<ReturnType<typeof open>>

/** A seller in front of the node: answers itself, or hands the request on. */
export type Front = (request: Request, ask: Ask) => Promise<Response>
type Ask = {
  /** What the node answers. */
  (request: Request): Promise<Response>
  /** Breaks the connection: the caller sees neither answer nor error. */
  readonly drop: () => Response
}

/** How a buyer is opened; what is left out is made up. */
export type Agent = {
  readonly dir?: string
  readonly wallet?: Wallet.Wallet
  /** Sentences, besides the one that allows the till; `cap 1 USDC per 24h` unless told. */
  readonly rules?: readonly string[]
  /** Tills it may pay; that of the first node unless told. */
  readonly payees?: readonly Hex.Hex[]
  readonly policy?: string
  /** A policy on trial: a file, or sentences besides the one that allows the till. */
  readonly shadow?: string | readonly string[]
  readonly chain?: Buyer.Options['chain']
  readonly fundAtoms?: bigint
}

/** Opens a market; `close` it whatever happened. */
export async function open(
  options: Partial<Pick<Start.Options, 'terms' | 'documents' | 'offers'>> = {},
) {
  const scratch = mkdtempSync(join(tmpdir(), 'requite-market-'))
  let aheadMs = 0
  const now = () => Date.now() + aheadMs
  const started = await Start.start({ dir: join(scratch, 'node'), documents, now, ...options })
  const { chain, contracts, local, node } = started
  const fronts: { close(): Promise<void> }[] = []
  const buyers = new Set<Buyer.Buyer>()
  let drawn = 0

  const policyText = (rules: readonly string[], payees: readonly string[] = [contracts.till]) =>
    [
      'policy: desk',
      `asset: ${contracts.asset.id}`,
      'rules:',
      `  - allow payees ${payees.join(', ')}`,
      ...rules.map((rule) => `  - ${rule}`),
    ].join('\n')
  const policy = (rules: readonly string[], payees?: readonly string[]) =>
    Policy.parse(policyText(rules, payees), { file: 'policy.yaml', assets: [contracts.asset] })
  const trial = (given: string | readonly string[]) =>
    typeof given === 'string' ? given : policy(given)

  return {
    ...{ chain, contracts, node, now, scratch },
    baseUrl: started.baseUrl,
    rpcUrl: local.rpcUrl,
    ...{ policy, policyText },
    /** A wallet with money, and a buyer that spends it. */
    async agent(agent: Agent = {}) {
      drawn += 1
      const wallet = agent.wallet ?? Wallet.generate()
      const dir = agent.dir ?? join(scratch, `agent-${drawn}`)
      const { fundAtoms = agent.wallet === undefined ? 1_000_000n : 0n } = agent
      if (fundAtoms > 0n) await started.fund(wallet.address, fundAtoms)
      const buyer = await Buyer.open({
        ...{ dir, wallet, now, contracts },
        name: 'desk',
        chain: agent.chain ?? chain,
        policy: agent.policy ?? policy(agent.rules ?? ['cap 1 USDC per 24h'], agent.payees),
        ...(agent.shadow === undefined ? {} : { shadow: trial(agent.shadow) }),
        local: true,
      })
      buyers.add(buyer)
      return { buyer, wallet, dir }
    },
    /** Another node on the same chain, with its own key and till. */
    another: (given: Omit<Start.Options, 'dir' | 'now'> = {}) => {
      drawn += 1
      return started.another({ dir: join(scratch, `node-${drawn}`), now, documents, ...given })
    },
    /** A seller in front of a node: the first unless told. */
    async front(handler: Front, { app } = started as Pick<Start.Served, 'app'>) {
      const http = await Http.serve(async (request, env) => {
        const drop = () => {
          ;(env as { outgoing: ServerResponse }).outgoing.destroy()
          return new Response(null)
        }
        const ask = Object.assign(async (given: Request) => app.fetch(given), { drop })
        return handler(request, ask)
      }, 0)
      fronts.push(http)
      return `${http.baseUrl}/v1`
    },
    /** Atoms that left `payer` for the till, by the chain's own logs, one entry a payment. */
    async paid(payer: Hex.Hex): Promise<bigint[]> {
      const { address } = Asset.parts(contracts.asset.id)
      const topics = [transferTopic, payer, contracts.till].map((topic) =>
        Hex.is(topic, 20) ? Hex.word(BigInt(topic)) : topic,
      )
      const logs = await chain.logs({ address, topics, fromBlock: 0 })
      return logs.map(({ data }) => BigInt(data))
    },
    /** Uses up a purchase's nonce on chain: cancelled by the payer, or spent on another payee. */
    async burn(how: 'cancel' | 'spend', wallet: Wallet.Wallet, purchase: Hex.Hex) {
      const { address, chainId } = Asset.parts(contracts.asset.id)
      const nonce = Id.nonce(wallet.address, purchase)
      const signature = await wallet.signTypedData({
        domain: { name: 'USD Coin', version: '2', chainId, verifyingContract: address },
        ...(how === 'cancel'
          ? cancellation(wallet.address, nonce)
          : Exact.typedData(elsewhere(wallet.address, nonce), {
              asset: contracts.asset,
              name: 'USD Coin',
              version: '2',
            })),
      })
      const stranger = chain.sender(Wallet.fromPrivateKey(LocalChain.devKeys[5]!))
      await stranger.execute({
        ...{ address, abi: TestDollar.abi },
        ...(how === 'cancel'
          ? { functionName: 'cancelAuthorization', args: [wallet.address, nonce, signature] }
          : {
              functionName: 'transferWithAuthorization',
              args: [wallet.address, nobody, 7n, 0n, 2n ** 40n, nonce, signature],
            }),
      })
    },
    /** Moves everybody's time forward, and mines a block then. */
    async pass(aheadSec: number) {
      aheadMs += aheadSec * 1000
      await local.mine({ aheadSec })
    },
    /** Moves the clocks of buyers and node forward; the chain's time stands until `mine` follows. */
    skew(aheadSec: number) {
      aheadMs += aheadSec * 1000
    },
    mine: (aheadSec = 0) => local.mine({ aheadSec }),
    async close() {
      await Promise.all([...buyers].map((buyer) => buyer.close()))
      await Promise.all(fronts.map((front) => front.close()))
      await started.stop()
      rmSync(scratch, { recursive: true, force: true })
    },
  }
}

const nobody = `0x${'9'.repeat(40)}` as const

function elsewhere(from: Hex.Hex, nonce: Hex.Hex): Exact.Authorization {
  return { from, to: nobody, valueAtoms: 7n, validAfterSec: 0, validBeforeSec: 2 ** 40, nonce }
}

function cancellation(authorizer: Hex.Hex, nonce: Hex.Hex) {
  const fields = [
    { name: 'authorizer', type: 'address' },
    { name: 'nonce', type: 'bytes32' },
  ]
  const primaryType = 'CancelAuthorization'
  return { primaryType, types: { [primaryType]: fields }, message: { authorizer, nonce } }
}

/** An answer whose JSON was changed in place. */
export async function altered(
  response: Response,
  change: (json: ReturnType<typeof JSON.parse>) => void,
): Promise<Response> {
  const json = await response.json()
  change(json)
  return Response.json(json, { status: response.status })
}

/** A call for one answer. */
export function call(
  market: Pick<Market, 'baseUrl'>,
  options: Partial<Buyer.Call> & { readonly question?: string } = {},
): Buyer.Call {
  const { question = 'When does high water come?', ...rest } = options
  const messages = [{ role: 'user', content: question }]
  const body = { model, messages }
  return { baseUrl: market.baseUrl, model, body, run: 'run', step: 0, ...rest }
}
