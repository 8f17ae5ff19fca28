/**
 * @module The local chain of a home: started from its last state, its contracts deployed once, keys funded.
 * What stands in `chain/contracts.json` is how every other process finds it.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import * as Asset from '../kernel/Asset.ts'
import { BaseError, InputError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Json from '../kernel/Json.ts'
import * as Money from '../kernel/Money.ts'
import * as Fields from '../market/Fields.schema.ts'
import type { Contracts } from '../server/Node.ts'
import * as Files from '../store/Files.ts'
import * as Chain from '../wallets/Chain.ts'
import * as Keystore from '../wallets/Keystore.ts'
import * as LocalChain from '../wallets/LocalChain.ts'
import * as Vault from '../wallets/Vault.ts'
import * as Wallet from '../wallets/Wallet.ts'
import type { Config } from './Config.ts'
import * as Home from './Home.ts'

const place = z.strictObject({
  rpcUrl: z.url(),
  chainId: Fields.count,
  asset: Fields.asset,
  vault: Fields.address,
  till: Fields.address,
  tokenName: z.string(),
  tokenVersion: z.string(),
  /** Public URL of the node, once it runs. */
  baseUrl: z.string().optional(),
})

/** Where a home's chain, contracts and node are. */
export type Place = z.infer<typeof place>

/** A running local chain with its contracts. */
export type Started = { readonly local: LocalChain.LocalChain; readonly place: Place }

/** Less than a quote lives, so that an unpaid one is given up soon after. */
const blockEverySec = 10

/** 1 unit of the native coin: gas for a long time. */
const gasWei = 10n ** 18n

/** Starts the chain of a home, deploying on first use. Throws `chain-lost` when journals outlived it. */
export async function start(
  home: Home.Home,
  config: Config,
  note: (text: string) => void,
): Promise<Started> {
  mkdirSync(home.chain, { recursive: true, mode: 0o700 })
  const stateFile = existsSync(home.chainState) ? home.chainState : undefined
  if (stateFile === undefined && Home.isUsed(home)) throw lost(home)
  note(stateFile === undefined ? 'starting a local chain' : 'resuming the local chain')
  const local = await LocalChain.start({
    port: config.chainPort,
    blockEverySec,
    ...(stateFile === undefined ? {} : { stateFile }),
  })
  try {
    const chain = await Chain.open({ rpcUrl: local.rpcUrl, chainId: local.chainId })
    // Killed before anything was recorded: what was deployed went with its chain, and nobody misses it.
    const isOld = stateFile !== undefined && existsSync(home.contracts)
    const known = isOld ? readPlace(home) : undefined
    if (known !== undefined && (await chain.code(known.vault)) === '0x') throw lost(home)
    const contracts = known ?? (await deploy(chain, home, config, note))
    const current = { ...contracts, rpcUrl: local.rpcUrl }
    writePlace(home, current)
    return { local, place: current }
  } catch (error) {
    await local.stop()
    throw error
  }
}

async function deploy(
  chain: Chain.Chain,
  home: Home.Home,
  config: Config,
  note: (text: string) => void,
): Promise<Omit<Place, 'rpcUrl'>> {
  note('deploying the test dollar, the till and the royalty vault')
  const faucet = chain.sender(Wallet.fromPrivateKey(LocalChain.devKeys[0]!))
  const node = await key(home.node)
  const agent = await key(home.agent)
  const owner = await key(home.owner)
  const token = await Vault.deployToken(faucet)
  const { vault, till } = await Vault.deploy(faucet, {
    token,
    operator: node.address,
    windowSec: 0,
    scale: 1n,
  })
  const asset = Asset.from({
    id: `eip155:${chain.chainId}/erc20:${token}`,
    decimals: 6,
    symbol: 'USDC',
  })
  const { atoms } = Money.parse(config.allowance, asset)
  await Vault.mint(faucet, { token, to: agent.address, atoms })
  for (const { address } of [node, owner])
    await faucet.wait(await faucet.send({ to: address, valueWei: gasWei }))
  return {
    chainId: chain.chainId,
    asset,
    ...{ vault, till },
    tokenName: 'USD Coin',
    tokenVersion: '2',
  }
}

/** A folder's key on the local chain, made on first use without a password. */
export function key(folder: string): Promise<Wallet.Wallet> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return Keystore.open({ file: Home.key(folder), create: true, localChain: true })
}

/** Where a home's chain is. Throws `not-started`, `InputError`. */
export function readPlace(home: Home.Home): Place {
  if (!existsSync(home.contracts)) throw notStarted(home)
  const parsed = place.safeParse(Json.parse(readFileSync(home.contracts, 'utf8'), home.contracts))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  throw new InputError(`${home.contracts}: ${issue.path.join('.')}: ${issue.message}`)
}

/** Where a home's node is. Throws `not-started` when it never got so far. */
export function baseUrl(home: Home.Home, { baseUrl }: Place): string {
  if (baseUrl === undefined) throw notStarted(home)
  return baseUrl
}

/** Nothing was started in a home: what to do. */
export function notStarted(home: Home.Home): BaseError {
  return new BaseError(`nothing was started in ${home.root} yet`, {
    code: 'not-started',
    hint: 'run `npm start` first; it makes the folder, the chain and the first datanet',
  })
}

/** Tells the other processes where things are. */
export function writePlace(home: Home.Home, value: Place): void {
  Files.writeAtomic(home.contracts, `${Json.encode(value)}\n`, { mode: 0o600 })
}

/** Opens the chain that a place names. Throws `chain-unreachable` with what to do. */
export async function open({ rpcUrl, chainId }: Place): Promise<Chain.Chain> {
  try {
    return await Chain.open({ rpcUrl, chainId })
  } catch (cause) {
    if (!(cause instanceof BaseError) || cause.code !== 'chain-unreachable') throw cause
    throw new BaseError('the local chain is not running', {
      code: 'chain-unreachable',
      hint: '`npm start` runs it; leave that terminal open and try again in another',
      retry: 'safe',
      cause,
    })
  }
}

/** A place as nodes and buyers are told of it. */
export function contracts(place: Place): Contracts {
  const { asset, vault, till, tokenName, tokenVersion } = place
  return {
    ...{ asset, tokenName, tokenVersion },
    vault: vault as Hex,
    till: till as Hex,
    scale: 1n,
    windowS: 0,
    local: true,
  }
}

/** Journals outlived their chain: what they say was paid, no chain remembers. */
export function lost(home: Home.Home): BaseError {
  return new BaseError(`the journals in ${home.root} belong to a local chain whose state is gone`, {
    code: 'chain-lost',
    hint: 'start anew with `npm start -- --fresh`: the old folder is kept beside it',
  })
}
