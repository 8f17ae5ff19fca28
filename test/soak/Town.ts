/**
 * @module A town: one chain with its test dollar, a clock that nobody waits for, and twenty agents on it. The
 * chain is a real one: the vault's own code closes every epoch and pays every claim. Its blocks take their
 * time from the town's clock, and all keys and draws follow from the seed, so a seed is one story.
 */
import * as Asset from '../../src/kernel/Asset.ts'
import * as Hash from '../../src/kernel/Hash.ts'
import * as Hex from '../../src/kernel/Hex.ts'
import type * as Offer from '../../src/server/Offer.ts'
import * as Chain from '../../src/wallets/Chain.ts'
import * as LocalChain from '../../src/wallets/LocalChain.ts'
import * as Vault from '../../src/wallets/Vault.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import * as Terms from '../harness/Terms.ts'
import * as World from '../simulation/World.ts'

/** A day, in milliseconds. */
export const dayMs = 86_400_000
/** When every story begins: 1 January 2030, UTC. */
export const startMs = Date.UTC(2030, 0, 1)

/** The town's time. */
export type Clock = { nowMs: number }

/** What agents live on. */
export type Town = {
  readonly seed: number
  readonly scratch: string
  readonly local: LocalChain.LocalChain
  readonly chain: Chain.Chain
  readonly asset: Asset.Asset
  readonly clock: Clock
  readonly faucet: Vault.Writer
  /** Atoms that were ever minted. */
  mintedAtoms: bigint
  /** Draws below 1. */
  readonly random: () => number
  readonly below: (limit: number) => number
  readonly chance: (probability: number) => boolean
}

/** On what terms an agent sells: some are dearer than others. */
export function terms(index: number): Offer.Terms {
  const executionNanoPerStdUs = index % 4 === 1 ? '50000000' : '20000000'
  return { ...common, rates: { ...Terms.rates, executionNanoPerStdUs, gasNano: '50000000000' } }
}

/** What all sell alike. */
export const common: Omit<Offer.Terms, 'rates'> = {
  card: Terms.card,
  coveragePromisedPpb: '0',
  disputeWindowMs: 0,
  quoteTtlMs: 30_000,
  device: { class: 'cpu', count: 1, tier: 'claimed' },
}

/** Everything that draws at random draws from the seed: salts, names of runs. */
export function drawFrom(seed: number): void {
  let drawn = 0
  Object.defineProperty(globalThis.crypto, 'getRandomValues', {
    value: (bytes: Uint8Array) => {
      drawn += 1
      for (let at = 0; at < bytes.length; at += 32)
        bytes.set(
          Hex.decode(Hash.text(`${seed} ${drawn} ${at}`)).subarray(0, bytes.length - at),
          at,
        )
      return bytes
    },
  })
}

/** Starts the chain; `local.stop` ends it. */
export async function open(options: { readonly seed: number; readonly scratch: string }) {
  const { seed, scratch } = options
  const local = await LocalChain.start()
  try {
    const chain = await Chain.open(local)
    const clock = { nowMs: startMs }
    // A second a block, whatever a watch says.
    await rpc(local.rpcUrl, 'anvil_setBlockTimestampInterval', [1])
    await tick({ local, clock })
    const faucet = chain.sender(Wallet.fromPrivateKey(LocalChain.devKeys[0]!))
    const token = await Vault.deployToken(faucet)
    const id = `eip155:${LocalChain.chainId}/erc20:${token}`
    const asset = Asset.from({ id, decimals: 6, symbol: 'USDC' })
    const random = World.generator(seed)
    const below = (limit: number) => Math.floor(random() * limit)
    const chance = (probability: number) => random() < probability
    const draws = { random, below, chance }
    const town: Town = {
      ...{ seed, scratch, local, chain, clock, faucet, asset, mintedAtoms: 0n },
      ...draws,
    }
    return town
  } catch (error) {
    await local.stop()
    throw error
  }
}

/** A key of the town, by what it is for. */
export function wallet({ seed }: Pick<Town, 'seed'>, of: string): Wallet.Wallet {
  return Wallet.fromPrivateKey(Hash.text(`town ${seed}: ${of}`))
}

/** Test dollars, and native coins for gas. */
export async function fund(town: Town, to: Hex.Hex, atoms: bigint): Promise<void> {
  await rpc(town.local.rpcUrl, 'anvil_setBalance', [to, '0xde0b6b3a7640000'])
  const { address: token } = Asset.parts(town.asset.id)
  await Vault.mint(town.faucet, { token, to, atoms })
  town.mintedAtoms += atoms
}

/** Deploys the vault of a seller, with its till. */
export function deploy(town: Town, operator: Hex.Hex): Promise<{ vault: Hex.Hex; till: Hex.Hex }> {
  const { address: token } = Asset.parts(town.asset.id)
  return Vault.deploy(town.faucet, { token, operator, windowSec: 0, scale: 1n })
}

/** The clock goes on to a time, never back, and the chain's time with it. */
export async function pass(town: Town, untilMs: number): Promise<void> {
  town.clock.nowMs = Math.max(town.clock.nowMs, untilMs)
  await tick(town)
}

async function tick({ local, clock }: Pick<Town, 'local' | 'clock'>): Promise<void> {
  const latest = (await rpc(local.rpcUrl, 'eth_getBlockByNumber', ['latest', false])) as {
    timestamp: string
  }
  const atSec = Math.max(Math.floor(clock.nowMs / 1000), Number(latest.timestamp) + 1)
  await rpc(local.rpcUrl, 'evm_setNextBlockTimestamp', [atSec])
  await rpc(local.rpcUrl, 'anvil_mine', [1])
}

/** Asks the chain's node. */
export async function rpc(url: string, method: string, params: readonly unknown[]) {
  return (await batch(url, [{ method, params }]))[0]
}

/** Asks it several things at once. */
export async function batch(
  url: string,
  calls: readonly { readonly method: string; readonly params: readonly unknown[] }[],
): Promise<readonly unknown[]> {
  const body = calls.map((call, id) => ({ jsonrpc: '2.0', id, ...call }))
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const answers = (await response.json()) as { id: number; result?: unknown; error?: unknown }[]
  return answers
    .sort((one, two) => one.id - two.id)
    .map(({ result, error }) => {
      if (error !== undefined) throw new Error(`the chain refused: ${JSON.stringify(error)}`)
      return result
    })
}
