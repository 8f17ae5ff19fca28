/**
 * @module An exchange on the local chain: Uniswap v2 and v3 from the bytecode of their npm packages, each
 * with a pool of test dollars and wrapped coin at 2,000 dollars. It quotes, states prices and writes calls;
 * who sends them, and whether, is not its business.
 */
import { Asset, type Hex } from 'requite/kernel'
import { type Chain, LocalChain, type Sender, Vault, Wallet } from 'requite/wallets'
import { type Abi, encodeFunctionData } from 'viem'
import * as Code from './ExchangeCode.ts'

/** Where one can trade. */
export type Venue = 'uniswap-v2' | 'uniswap-v3'
/** Both. */
export const venues: readonly Venue[] = ['uniswap-v2', 'uniswap-v3']

/** A call of a contract, as it is sent. */
export type Call = { readonly to: Hex.Hex; readonly data: Hex.Hex }

/** A trade: so much of one asset for the other. */
export type Trade = {
  readonly venue: Venue
  readonly sell: Asset.Asset
  readonly atoms: bigint
  /** Of the other asset; with less the call reverts, and nothing is sold. */
  readonly leastAtoms: bigint
  readonly to: Hex.Hex
  readonly deadlineSec: number
}

/** An open exchange. */
export type Exchange = Awaited<ReturnType<typeof open>>

/** v3's fee of 0.3 %, in millionths: v2 takes the same. */
const fee = 3_000
const tickSpacing = 60
/** The widest range of a v3 position whose ticks are multiples of the spacing. */
const widestTick = Math.floor(887_272 / tickSpacing) * tickSpacing
const coin = 10n ** 18n
const pooledCoins = 100n
const dollarsPerCoin = 2_000n
const endless = 2n ** 48n

/** Deploys both and fills a pool on each; `dollar` is the chain's test dollar. Half a second. */
export async function open({ chain, dollar }: { chain: Chain.Chain; dollar: Asset.Asset }) {
  const { address: usd } = Asset.parts(dollar.id)
  const maker = chain.sender(Wallet.fromPrivateKey(LocalChain.devKeys[9]!))
  const made = await deploy(maker)
  const { wethAddress, factory2, factory3, router2, router3, quoter } = made
  const [token0, token1] = [wethAddress, usd].sort() as [Hex.Hex, Hex.Hex]
  await fill(maker, { ...made, usd, token0, token1 })
  const wethId = `eip155:${chain.chainId}/erc20:${wethAddress}`
  const weth = Asset.from({ id: wethId, decimals: 18, symbol: 'WETH' })
  const routers: Readonly<Record<Venue, Hex.Hex>> = { 'uniswap-v2': router2, 'uniswap-v3': router3 }
  const view = (address: Hex.Hex, code: Code.Code, functionName: string, args: unknown[] = []) =>
    chain.read({ address, abi: code.abi, functionName, args })
  const pair = (await view(factory2, Code.factoryV2, 'getPair', [token0, token1])) as Hex.Hex
  const pool = (await view(factory3, Code.factoryV3, 'getPool', [token0, token1, fee])) as Hex.Hex
  /** Of two sums in the order of the tokens, what one coin costs in dollar atoms. */
  const ratio = (sum0: bigint, sum1: bigint) =>
    token0 === wethAddress ? (sum1 * coin) / sum0 : (sum0 * coin) / sum1
  const tokenOf = (asset: Asset.Asset) => Asset.parts(asset.id).address
  const other = (asset: Asset.Asset) => (Asset.equal(asset, weth) ? usd : wethAddress)
  return {
    ...{ weth, dollar, routers },
    /** The price of one coin at a venue, in dollar atoms, before its fee and whatever one trades. */
    async price(venue: Venue): Promise<bigint> {
      if (venue === 'uniswap-v2') {
        const [sum0, sum1] = (await view(pair, Code.pairV2, 'getReserves')) as [bigint, bigint]
        return ratio(sum0, sum1)
      }
      const [sqrtPrice] = (await view(pool, Code.poolV3, 'slot0')) as [bigint]
      return ratio(1n << 192n, sqrtPrice * sqrtPrice)
    },
    /** What so much of an asset would bring of the other at a venue now. */
    async quote({ venue, sell, atoms }: Pick<Trade, 'venue' | 'sell' | 'atoms'>): Promise<bigint> {
      const [tokenIn, tokenOut] = [tokenOf(sell), other(sell)]
      if (venue === 'uniswap-v2') {
        const path = [atoms, [tokenIn, tokenOut]]
        return ((await view(router2, Code.routerV2, 'getAmountsOut', path)) as bigint[])[1]!
      }
      const asked = { tokenIn, tokenOut, amountIn: atoms, fee, sqrtPriceLimitX96: 0n }
      return ((await view(quoter, Code.quoterV3, 'quoteExactInputSingle', [asked])) as [bigint])[0]
    },
    /** The call that makes a trade; the router must be approved for what it sells. */
    swap({ venue, sell, atoms, leastAtoms, to, deadlineSec }: Trade): Call {
      const [tokenIn, tokenOut, deadline] = [tokenOf(sell), other(sell), BigInt(deadlineSec)]
      if (venue === 'uniswap-v2') {
        const args = [atoms, leastAtoms, [tokenIn, tokenOut], to, deadline]
        return written(router2, Code.routerV2, 'swapExactTokensForTokens', args)
      }
      const bounds = { amountOutMinimum: leastAtoms, sqrtPriceLimitX96: 0n }
      const asked = { tokenIn, tokenOut, fee, recipient: to, deadline, amountIn: atoms, ...bounds }
      return written(router3, Code.routerV3, 'exactInputSingle', [asked])
    },
    /** The call that lets a venue's router take so much of an asset, and no more. */
    approval({ venue, sell, atoms }: Pick<Trade, 'venue' | 'sell' | 'atoms'>): Call {
      return written(tokenOf(sell), Code.weth, 'approve', [routers[venue], atoms])
    },
    /** What somebody else does at a venue: trades at any price, with money made for it. */
    async disturb(by: Wallet.Wallet, { venue, sell, atoms }: Omit<Trade, Given>): Promise<void> {
      const sender = chain.sender(by)
      const token = tokenOf(sell)
      if (token === wethAddress) await wrap(sender, token, atoms)
      else await Vault.mint(sender, { token, to: by.address, atoms })
      await approve(sender, { token, spender: routers[venue], atoms })
      const trade = { venue, sell, atoms, leastAtoms: 0n, to: by.address }
      const call = this.swap({ ...trade, deadlineSec: Number(endless) })
      const { status } = await sender.wait(await sender.send(call))
      if (status !== 'success') throw new Error(`a trade at ${venue} failed`)
    },
    /** What many do at once: sell so much of an asset, half at each venue. */
    async crowd(sell: Asset.Asset, atoms: bigint): Promise<void> {
      const somebody = Wallet.fromPrivateKey(LocalChain.devKeys[8]!)
      for (const venue of venues) await this.disturb(somebody, { venue, sell, atoms: atoms / 2n })
    },
  }
}

type Given = 'leastAtoms' | 'to' | 'deadlineSec'

/** What may be lost against a price before, at least `leastAtoms` being brought: in ppb, rounded up. */
export function slippagePpb(fairAtoms: bigint, leastAtoms: bigint): bigint {
  if (leastAtoms >= fairAtoms) return 0n
  return ((fairAtoms - leastAtoms) * 1_000_000_000n + fairAtoms - 1n) / fairAtoms
}

function written(to: Hex.Hex, code: Code.Code, functionName: string, args: unknown[]): Call {
  return { to, data: encodeFunctionData({ abi: code.abi as Abi, functionName, args }) }
}

async function wrap(sender: Sender.Sender, weth: Hex.Hex, valueWei: bigint): Promise<void> {
  const { data } = written(weth, Code.weth, 'deposit', [])
  await sender.wait(await sender.send({ to: weth, data, valueWei }))
}

async function approve(
  sender: Sender.Sender,
  { token, spender, atoms }: { token: Hex.Hex; spender: Hex.Hex; atoms: bigint },
): Promise<void> {
  const call = { address: token, abi: Code.weth.abi, functionName: 'approve' }
  await sender.execute({ ...call, args: [spender, atoms] })
}

/** The whole part of a square root (Newton's method). */
function squareRoot(value: bigint): bigint {
  let [root, next] = [value, (value + 1n) / 2n]
  while (next < root) [root, next] = [next, (next + value / next) / 2n]
  return root
}

type Deployed = Awaited<ReturnType<typeof deploy>>

async function deploy(maker: Sender.Sender) {
  const [wethAddress, factory2, factory3] = await Promise.all([
    maker.deploy(Code.weth),
    maker.deploy({ ...Code.factoryV2, args: [maker.address] }),
    maker.deploy(Code.factoryV3),
  ])
  const after = (factory: Hex.Hex) => ({ args: [factory, wethAddress] })
  const [router2, router3, quoter, positions] = await Promise.all([
    maker.deploy({ ...Code.routerV2, ...after(factory2) }),
    maker.deploy({ ...Code.routerV3, ...after(factory3) }),
    maker.deploy({ ...Code.quoterV3, ...after(factory3) }),
    // No descriptor: nobody looks at pictures of these positions.
    maker.deploy({ ...Code.positionsV3, args: [factory3, wethAddress, wethAddress] }),
  ])
  return { wethAddress, factory2, factory3, router2, router3, quoter, positions }
}

async function fill(
  maker: Sender.Sender,
  made: Deployed & { usd: Hex.Hex; token0: Hex.Hex; token1: Hex.Hex },
): Promise<void> {
  const { wethAddress, usd, token0, token1, router2, positions } = made
  const [coins, dollars] = [pooledCoins * coin, pooledCoins * dollarsPerCoin * 10n ** 6n]
  const [amount0, amount1] = token0 === wethAddress ? [coins, dollars] : [dollars, coins]
  await Promise.all([
    wrap(maker, wethAddress, 2n * coins),
    Vault.mint(maker, { token: usd, to: maker.address, atoms: 2n * dollars }),
  ])
  await Promise.all(
    [router2, positions].flatMap((spender) => [
      approve(maker, { token: wethAddress, spender, atoms: coins }),
      approve(maker, { token: usd, spender, atoms: dollars }),
    ]),
  )
  const pooling = { address: positions, abi: Code.positionsV3.abi }
  await Promise.all([
    maker.execute({
      ...{ address: router2, abi: Code.routerV2.abi, functionName: 'addLiquidity' },
      args: [token0, token1, amount0, amount1, 0n, 0n, maker.address, endless],
    }),
    maker.execute({
      ...{ ...pooling, functionName: 'createAndInitializePoolIfNecessary' },
      args: [token0, token1, fee, squareRoot((amount1 << 192n) / amount0)],
    }),
  ])
  const range = { tickLower: -widestTick, tickUpper: widestTick }
  const amounts = { amount0Desired: amount0, amount1Desired: amount1 }
  const least = { amount0Min: 0n, amount1Min: 0n, recipient: maker.address, deadline: endless }
  const position = { token0, token1, fee, ...range, ...amounts, ...least }
  await maker.execute({ ...pooling, functionName: 'mint', args: [position] })
}
