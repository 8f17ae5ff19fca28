/**
 * @module Assets: what money is in. The id (CAIP-19) is the identity; the symbol is for eyes only, since
 * anyone can deploy a token of the same name.
 */
import { InputError } from './Errors.ts'
import type { Hex } from './Hex.ts'

/** An ERC-20 token on an EVM chain. `decimals`: atoms per unit as a power of ten. */
export type Asset = {
  /** CAIP-19, e.g. `eip155:8453/erc20:0x8335…2913`; the address in lower case. */
  readonly id: string
  readonly decimals: number
  readonly symbol: string
}

const pattern = /^eip155:([1-9]\d{0,17})\/erc20:(0x[0-9a-fA-F]{40})$/

/** Builds an asset. Throws `InputError` unless id, decimals and symbol are well formed. */
export function from(options: Asset): Asset {
  const { chainId, address } = parts(options.id)
  if (!Number.isInteger(options.decimals) || options.decimals < 0 || options.decimals > 36)
    throw new InputError(`expected decimals from 0 to 36, got ${options.decimals}`)
  if (!/^[A-Za-z][A-Za-z0-9.]{0,15}$/.test(options.symbol))
    throw new InputError(
      `expected a symbol of letters and digits, got ${JSON.stringify(options.symbol)}`,
    )
  return {
    id: `eip155:${chainId}/erc20:${address}`,
    decimals: options.decimals,
    symbol: options.symbol,
  }
}

/** Chain id and token address of an asset id. */
export function parts(id: string): { chainId: number; address: Hex } {
  const match = pattern.exec(id)
  if (match === null)
    throw new InputError(
      `expected an asset id such as eip155:8453/erc20:0x833589fcd6edb6e08f4c7c32d4f71b54bda02913, got ${JSON.stringify(id)}`,
    )
  const chainId = Number(match[1])
  if (!Number.isSafeInteger(chainId))
    throw new InputError(
      `expected a chain id of at most ${Number.MAX_SAFE_INTEGER}, got ${match[1]}`,
    )
  return { chainId, address: match[2]!.toLowerCase() as Hex }
}

/** CAIP-2 network of an asset: `eip155:<chain id>`. */
export function network(asset: Asset): `eip155:${string}` {
  return `eip155:${parts(asset.id).chainId}`
}

/** Same identity; symbols do not matter. */
export function equal(left: Asset, right: Asset): boolean {
  return left.id === right.id && left.decimals === right.decimals
}
