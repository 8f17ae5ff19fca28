/** The exchange of example 03: Uniswap's own bytecode, quoting and trading to the atom. */
import { Asset } from 'requite/kernel'
import { Chain, LocalChain, Vault, Wallet } from 'requite/wallets'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Exchange from '../examples/support/Exchange.ts'

let local: LocalChain.LocalChain
let chain: Chain.Chain
let dollar: Asset.Asset
let exchange: Exchange.Exchange
const somebody = Wallet.fromPrivateKey(LocalChain.devKeys[3]!)

beforeAll(async () => {
  local = await LocalChain.start()
  chain = await Chain.open({ rpcUrl: local.rpcUrl, chainId: local.chainId })
  const faucet = chain.sender(Wallet.fromPrivateKey(LocalChain.devKeys[0]!))
  const token = await Vault.deployToken(faucet)
  dollar = Asset.from({ id: `${chain.network}/erc20:${token}`, decimals: 6, symbol: 'USDC' })
  exchange = await Exchange.open({ chain, dollar })
  await Vault.mint(faucet, { token, to: somebody.address, atoms: 100_000_000_000n })
})
afterAll(() => local.stop())

/** Sells at a venue, and gives what it brought. */
async function sold(trade: Pick<Exchange.Trade, 'venue' | 'sell' | 'atoms' | 'leastAtoms'>) {
  const bought = Asset.equal(trade.sell, dollar) ? exchange.weth : dollar
  const sender = chain.sender(somebody)
  await sender.wait(await sender.send(exchange.approval(trade)))
  const before = await chain.balanceAtoms(bought, somebody.address)
  const call = exchange.swap({ ...trade, to: somebody.address, deadlineSec: 2 ** 40 })
  const { status } = await sender.wait(await sender.send({ ...call, gas: 400_000n }))
  return { status, atoms: (await chain.balanceAtoms(bought, somebody.address)) - before }
}

describe.each(Exchange.venues)('%s', (venue) => {
  test('opens at 2,000 dollars, to a hundred-thousandth of a cent', async () => {
    const price = await exchange.price(venue)
    expect(price >= 1_999_999_999n && price <= 2_000_000_000n, `${price}`).toBe(true)
  })

  test('brings what it quoted, to the atom, both ways; each trade moves the price', async () => {
    const { weth } = exchange
    const before = await exchange.price(venue)
    const buy = { venue, sell: dollar, atoms: 2_000_000_000n }
    const quoted = await exchange.quote(buy)
    // One coin at 2,000, less 0.3 %, less what the trade itself moves a pool of 100.
    expect(quoted < 997n * 10n ** 15n && quoted > 986n * 10n ** 15n, `${quoted}`).toBe(true)
    expect(await sold({ ...buy, leastAtoms: quoted })).toEqual({ status: 'success', atoms: quoted })
    const raised = await exchange.price(venue)
    expect(raised).toBeGreaterThan(before)
    const back = { venue, sell: weth, atoms: quoted }
    const dollars = await exchange.quote(back)
    expect(dollars).toBeLessThan(buy.atoms)
    expect(await sold({ ...back, leastAtoms: 1n })).toEqual({ status: 'success', atoms: dollars })
    expect(await exchange.price(venue)).toBeLessThan(raised)
  })

  test('moved by somebody else in between, brings nothing less than the least: it reverts', async () => {
    const buy = { venue, sell: dollar, atoms: 1_000_000_000n }
    const leastAtoms = await exchange.quote(buy)
    const other = Wallet.fromPrivateKey(LocalChain.devKeys[4]!)
    await exchange.disturb(other, { venue, sell: dollar, atoms: 5_000_000_000n })
    const dollars = await chain.balanceAtoms(dollar, somebody.address)
    expect(await sold({ ...buy, leastAtoms })).toEqual({ status: 'reverted', atoms: 0n })
    expect(await chain.balanceAtoms(dollar, somebody.address)).toBe(dollars)
  })
})

test.each([
  [1_000n, 1_000n, 0n],
  [1_000n, 1_001n, 0n],
  [1_000n, 990n, 10_000_000n],
  [3n, 2n, 333_333_334n],
  [1_000n, 0n, 1_000_000_000n],
])('slippage of %d with at least %d is %d ppb, rounded up', (fair, least, ppb) => {
  expect(Exchange.slippagePpb(fair, least)).toBe(ppb)
})
