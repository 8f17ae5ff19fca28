/**
 * @module A market whose every part can die: a real chain, a seller's and buyers' folders, relays in
 * between that see and lose what passes. Processes come and go; the folders and the chain stay.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Hex } from '../../src/kernel/Hex.ts'
import * as Chain from '../../src/wallets/Chain.ts'
import * as LocalChain from '../../src/wallets/LocalChain.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import * as Exact from '../../src/wallets/x402/Exact.ts'
import * as Wire from '../../src/wallets/x402/Wire.ts'
import * as Autopsy from './Autopsy.ts'
import type * as BuyerProcess from './buyer.ts'
import * as Child from './Child.ts'
import * as Program from './Program.ts'
import * as Relay from './Relay.ts'
import type * as SellerProcess from './seller.ts'
import * as Terms from './Terms.ts'

/** How a market is opened. */
export type Options = {
  readonly buyers?: number
  readonly quoteTtlMs?: number
  /** Confirmations both sides wait for; 1 unless told. */
  readonly finality?: number
  /** A block at least this often; none but for transactions unless told. */
  readonly blockEverySec?: number
}

/** One buyer: a key, a folder, and its place in the next run. */
export type Desk = {
  readonly dir: string
  readonly key: Hex
  readonly address: Hex
  readonly name: string
}

/** What is done with one passing request; `pass` hands it on. */
export type Trap<About> = (
  about: About,
  pass: () => Promise<Relay.Reply>,
) => Promise<Relay.Reply | 'lost'>

/** A paid request on its way to the seller. */
export type Paid = { readonly payer: Hex; readonly nonce: Hex }

/** A running market. */
export type World = Awaited<ReturnType<typeof open>>

/** Opens a market; `close` it whatever happened. */
export async function open(options: Options = {}) {
  const scratch = mkdtempSync(join(tmpdir(), 'requite-kill-'))
  const closing: (() => Promise<void>)[] = []
  const close = async () => {
    for (const each of closing.splice(0).reverse()) await each()
    rmSync(scratch, { recursive: true, force: true })
  }
  try {
    return { ...(await furnish(scratch, options, closing)), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function furnish(scratch: string, options: Options, closing: (() => Promise<void>)[]) {
  const { buyers = 1, quoteTtlMs = 20_000, finality = 1, blockEverySec } = options
  const startChain = (more: LocalChain.Options = {}) =>
    LocalChain.start({ ...(blockEverySec === undefined ? {} : { blockEverySec }), ...more })
  let local = await startChain()
  closing.push(() => local.stop())
  const program = await Program.make(scratch)
  const nurseries = {
    buyer: Child.nursery(program('buyer'), buyers),
    seller: Child.nursery(program('seller')),
  }
  closing.push(async () => {
    await Promise.all(Object.values(nurseries).map((nursery) => nursery.close()))
  })
  const traps = {
    /** By payer. */
    paid: new Map<Hex, Trap<Paid>>(),
    delivered: new Map<Hex, () => void>(),
    /** Words of an answer went by. */
    told: new Map<Hex, () => void>(),
    /** A transaction on its way to the chain. */
    sent: undefined as Trap<string> | undefined,
  }
  const wire = new Map<Hex, Autopsy.Seen>()
  const rpc = await Relay.open((passing, pass) =>
    traps.sent !== undefined && passing.body.includes('"eth_sendRawTransaction"')
      ? traps.sent(passing.body, pass)
      : pass(),
  )
  const front = await Relay.open(
    async (passing, pass) => {
      const paid = paidRequest(passing)
      if (paid === undefined) return pass()
      const seen = wire.get(paid.nonce) ?? { asked: 0, answered: 0, open: 0, isTold: false }
      wire.set(paid.nonce, seen)
      seen.asked += 1
      seen.open += 1
      try {
        const trap = traps.paid.get(paid.payer)
        return await (trap === undefined ? pass() : trap(paid, pass))
      } finally {
        seen.open -= 1
      }
    },
    {
      delivered(passing, reply) {
        const paid = paidRequest(passing)
        if (paid === undefined || reply.status !== 200) return
        wire.get(paid.nonce)!.answered += 1
        traps.delivered.get(paid.payer)?.()
      },
      told(passing, part) {
        const paid = paidRequest(passing)
        if (paid === undefined || !/"content":"[^"]/.test(part)) return
        wire.get(paid.nonce)!.isTold = true
        traps.told.get(paid.payer)?.()
      },
      over(passing) {
        const paid = paidRequest(passing)
        if (paid !== undefined) wire.get(paid.nonce)!.isTold = false
      },
    },
  )
  closing.push(front.close, rpc.close)
  const direct = { rpcUrl: local.rpcUrl, chainId: local.chainId, finality: 1 }
  const chain = await Chain.open(direct)
  const contracts = await Terms.deploy(chain)
  rpc.lead(local.rpcUrl)
  const policy = join(scratch, 'policy.yaml')
  writeFileSync(policy, Terms.policy(contracts))
  const desks: readonly Desk[] = Terms.keys.buyers.slice(0, buyers).map((key, index) => {
    const name = `desk-${index}`
    const dir = join(scratch, name)
    mkdirSync(dir, { mode: 0o700 })
    return { dir, key, name, address: Wallet.fromPrivateKey(key).address }
  })
  const sellerDir = join(scratch, 'node')
  const told = {
    chain: { rpcUrl: rpc.url, chainId: local.chainId, finality, timeoutMs: 1_500 },
    contracts,
  }
  return {
    ...{ scratch, chain, contracts, desks, sellerDir, traps, wire, rpc, front, finality },
    local: () => local,
    /** A buyer that finishes what is open and buys the calls of a run. */
    buyer(desk: Desk, errand: Pick<BuyerProcess.Told, 'runs' | 'calls' | 'stopAt'>): Child.Child {
      const { dir, key } = desk
      const baseUrl = `${front.url}/v1`
      const all: BuyerProcess.Told = { ...told, dir, key, policy, baseUrl, ...errand }
      return nurseries.buyer.send(all)
    },
    /** A seller; what asks reaches it once it listens. */
    seller(errand: Partial<Pick<SellerProcess.Told, 'stopAt' | 'quoteTtlMs'>> = {}): Child.Child {
      const all = { ...told, dir: sellerDir, key: Terms.keys.seller, quoteTtlMs, ...errand }
      const child = nurseries.seller.send(all)
      void child.says('listening', 30_000).then((line) => {
        if (line !== undefined && !child.isGone()) front.lead(String(line.listening))
      })
      return child
    },
    /** Every nonce of a buyer that is used on chain. */
    async used(desk: Desk): Promise<ReadonlySet<Hex>> {
      const found = await Autopsy.payments(chain, paymentsOf(desk))
      return new Set(found.map(({ nonce }) => nonce))
    },
    /** Takes blocks back, and whatever was in them. */
    async rollBack(blocks: number) {
      const response = await fetch(local.rpcUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'anvil_rollback', params: [blocks] }),
      })
      const { error } = (await response.json()) as { error?: unknown }
      if (error !== undefined) throw new Error(`rolling back: ${JSON.stringify(error)}`)
    },
    payments: (desk: Desk) => Autopsy.payments(chain, paymentsOf(desk)),
    /** Dumps the chain, ends it, and starts it again on the same port. */
    async restartChain() {
      rpc.lead(undefined)
      await rpc.idle()
      const stateFile = join(scratch, 'chain.json')
      writeFileSync(stateFile, await local.dump())
      await local.stop()
      const port = Number(new URL(local.rpcUrl).port)
      local = await startChain({ port, stateFile })
      rpc.lead(local.rpcUrl)
    },
  }

  function paymentsOf({ address: payer }: Desk) {
    return { asset: contracts.asset, payer, payTo: contracts.till }
  }
}

function paidRequest({ headers }: Relay.Passing): Paid | undefined {
  const header = headers[Wire.headerNames.signature.toLowerCase()]
  if (header === undefined) return undefined
  const { from: payer, nonce } = Exact.authorization(Wire.decodePayload(header))
  return { payer, nonce }
}
