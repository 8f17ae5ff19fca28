/**
 * @module Uniswap v2 and v3 as their npm packages ship them: ABI and bytecode, compiled by their authors.
 * Development dependencies only; nothing is compiled here.
 */
import { createRequire } from 'node:module'
import type { Hex } from 'requite/kernel'

/** A compiled contract. */
export type Code = { readonly abi: readonly unknown[]; readonly bytecode: Hex.Hex }

const require = createRequire(import.meta.url)

function read({ abi, bytecode }: { readonly abi: unknown[]; readonly bytecode: string }): Code {
  return { abi, bytecode: `0x${bytecode.replace(/^0x/, '')}` }
}

/** The wrapped coin, an ERC-20 of 18 decimals. */
export const weth = read(require('@uniswap/v2-periphery/build/WETH9.json'))
/** Makes v2 pairs. */
export const factoryV2 = read(require('@uniswap/v2-core/build/UniswapV2Factory.json'))
/** A v2 pair: two reserves whose product never falls. */
export const pairV2 = read(require('@uniswap/v2-core/build/UniswapV2Pair.json'))
/** Quotes and swaps on v2 pairs. */
export const routerV2 = read(require('@uniswap/v2-periphery/build/UniswapV2Router02.json'))
/** Makes v3 pools. */
export const factoryV3 = read(
  require('@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json'),
)
/** A v3 pool: liquidity between two prices. */
export const poolV3 = read(
  require('@uniswap/v3-core/artifacts/contracts/UniswapV3Pool.sol/UniswapV3Pool.json'),
)
/** Swaps on v3 pools. */
export const routerV3 = read(
  require('@uniswap/v3-periphery/artifacts/contracts/SwapRouter.sol/SwapRouter.json'),
)
/** Tells what a v3 swap would bring. */
export const quoterV3 = read(
  require('@uniswap/v3-periphery/artifacts/contracts/lens/QuoterV2.sol/QuoterV2.json'),
)
/** Holds liquidity of v3 pools. */
export const positionsV3 = read(
  require('@uniswap/v3-periphery/artifacts/contracts/NonfungiblePositionManager.sol/NonfungiblePositionManager.json'),
)
