/**
 * A trading desk. It buys signals whose authors earn by them, takes the better quote of Uniswap v2 and v3,
 * tries each trade before its policy decides, and stops where the policy says: slippage, drawdown, switch.
 *
 *     npm run example -- 03
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, Buyer } from 'requite/agents'
import { allow, cap, count, policy, stop } from 'requite/policies'
import { Wallet } from 'requite/wallets'
import * as Exchange from './support/Exchange.ts'
import * as ExchangeDesk from './support/ExchangeDesk.ts'
import * as ExchangeSignals from './support/ExchangeSignals.ts'
import * as Verify from './support/Verify.ts'

const folder = mkdtempSync(join(tmpdir(), 'trading-desk-'))
const market = await ExchangeSignals.start(join(folder, 'seller'))
const { chain, contracts, baseUrl } = market
const { asset, till } = contracts
const exchange = await Exchange.open({ chain, dollar: asset })
const { weth, routers } = exchange

// Two wallets and two policies: what signals may cost, and how trades may go.
const open = async (name: string, atoms: bigint, rules: Parameters<typeof policy>[2]) => {
  const [wallet, dir] = [Wallet.generate(), join(folder, name)]
  await market.fund(wallet.address, atoms)
  return Buyer.open({ dir, wallet, chain, contracts, policy: policy(name, asset, rules) })
}
const analyst = await open('analyst', 1_000_000n, [allow.payees(till), cap('0.1 USDC').per('24h')])
const trader = await open('desk', 5_000_000_000n, [
  allow.payees(...Object.values(routers)),
  cap('2000 USDC').perPayment(),
  cap('9000 USDC').per('24h'),
  cap.slippage('1%'),
  stop.atDrawdown('2%').seenWithin('1m'),
  count(weth.id, 18).atPrices('1m'),
])
const reader = Agent.create({ name: 'a', buyer: analyst, model: { baseUrl, model: 'docs-reader' } })
const desk = await ExchangeDesk.open({ buyer: trader, chain, exchange })

// A signal is words that somebody wrote: it chooses the side, and the policy all the rest.
async function round(question: string, buyAtoms: bigint) {
  const { answer = '', outcome } = await reader.ask(question)
  const isBuy = /\bbuy\b/.test(answer)
  const side = isBuy ? 'buy' : 'sell half'
  console.log(`\npaid     ${desk.show(asset, outcome.paidAtoms)} for the signal to ${side}`)
  console.log(ExchangeSignals.earned(outcome, asset))
  const half = (await desk.holds()).coins / 2n
  const trade = isBuy ? await desk.trade(asset, buyAtoms) : await desk.trade(weth, half)
  console.log(`${trade.state.padEnd(8)} ${trade.said}`)
  const { profitAtoms, lost } = await desk.mark()
  console.log(`won      ${desk.show(asset, profitAtoms)} since the start; ${lost} below the peak`)
}
const [flow, season] = ['What does the flow of coin say?', 'What does the season say?']
await round(flow, 1_000_000_000n)
await exchange.crowd(asset, 12_000_000_000n) // Others buy: the price rises.
await round(season, 0n)
await round(flow, 1_900_000_000n) // So much that it moves the price too far.
await round(flow, 900_000_000n)
await exchange.crowd(weth, 18n * 10n ** 18n) // Others sell: the price falls.
await round(flow, 100_000_000n)
await trader.freeze({ kind: 'everything' }, { by: 'ops', because: 'enough for a day' })
await round(season, 0n)

// What trades say they moved is what the wallet has more and less, to the atom, and gas to the wei.
const paidAtoms = analyst.spentAtoms()
const left = await chain.balanceAtoms(asset, analyst.address)
const conserved = left + paidAtoms === 1_000_000n && (await desk.isConserved())
console.log(`\ngas      ${desk.totals.feeWei} wei in all, of the chain's coin`)
for (const each of [analyst, trader, market]) await ('stop' in each ? each.stop() : each.close())
const verify = Verify.folders(...['seller', 'analyst', 'desk'].map((name) => join(folder, name)))
rmSync(folder, { recursive: true })
console.log(`verified ${verify.records} records: ${verify.failures} failures`)
const report = { v: 1, example: '03', conserved, paidAtoms: String(paidAtoms), verify }
if (process.argv.includes('--json')) console.log(JSON.stringify(report))
process.exitCode = conserved && verify.failures === 0 ? 0 : 1
