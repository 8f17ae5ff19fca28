/**
 * A trading desk. It buys signals whose authors earn by them, takes the better quote of Uniswap v2 and v3,
 * tries each trade before its policy decides, and stops where the policy says: slippage, drawdown, switch.
 *
 *     npm run example -- 03
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Buyer } from 'requite/agents'
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

// One wallet and one budget, cut in two: what signals may cost, and how trades may go.
const [wallet, dir] = [Wallet.generate(), join(folder, 'desk')]
await market.fund(wallet.address, 5_000_000_000n)
const counted = count(weth.id, 18).atPrices('1m')
const rules = policy('desk', asset, [
  allow.payees(till, ...Object.values(routers)),
  cap('2000 USDC').perPayment(),
  cap('9000 USDC').per('24h'),
  counted,
])
const buyer = await Buyer.open({ dir, wallet, chain, contracts, policy: rules })
const cut = (name: string, narrower: Parameters<typeof policy>[2]) =>
  buyer.slice({ name, policy: policy(name, asset, narrower) })
const analyst = cut('signals', [cap('0.1 USDC').per('24h')])
const trader = cut('trades', [cap.slippage('1%'), stop.atDrawdown('2%').seenWithin('1m'), counted])
const desk = await ExchangeDesk.open({ buyer: trader, chain, exchange })
const run = buyer.run()

// A signal is words that somebody wrote: it chooses the side, and the policy all the rest.
async function round(content: string, step: number, buyAtoms = 0n) {
  const body = { model: 'docs-reader', messages: [{ role: 'user', content }] }
  const outcome = await analyst.buy({ baseUrl, model: body.model, body, run, step })
  const isBuy = /\bbuy\b/.test(outcome.delivered?.answered.output ?? '')
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
await round(flow, 1, 1_000_000_000n)
await exchange.crowd(asset, 12_000_000_000n) // Others buy: the price rises.
await round(season, 2)
await round(flow, 3, 1_900_000_000n) // So much that it moves the price too far.
await round(flow, 4, 900_000_000n)
await buyer.freeze({ kind: 'everything' }, { by: 'ops', because: 'a look at the books' })
console.log(`\nrefused  ${(await desk.trade(asset, 1_000_000n)).said}`)
await buyer.thaw({ kind: 'everything' }, { by: 'ops' })
await exchange.crowd(weth, 18n * 10n ** 18n) // Others sell: the price falls.
await round(flow, 5, 100_000_000n)

// What trades say they moved is what the wallet has more and less, to the atom, and gas to the wei.
const paidAtoms = analyst.spentAtoms()
const conserved = await desk.isConserved(paidAtoms)
console.log(`\ngas      ${desk.totals.feeWei} wei in all, of the chain's coin`)
await buyer.close()
await market.stop()
const verify = Verify.folders(join(folder, 'seller'), dir)
rmSync(folder, { recursive: true })
console.log(`verified ${verify.records} records: ${verify.failures} failures`)
const report = { v: 1, example: '03', conserved, paidAtoms: String(paidAtoms), verify }
if (process.argv.includes('--json')) console.log(JSON.stringify(report))
process.exitCode = conserved && verify.failures === 0 ? 0 : 1
