/**
 * Pay for an answer. An agent with a wallet and a policy asks a question; a seller answers from documents
 * that belong to people; the price splits between the seller and those whose words it used.
 *
 *     npm run example -- 01
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, Buyer } from 'requite/agents'
import { Money } from 'requite/kernel'
import { allow, cap, policy } from 'requite/policies'
import { Wallet } from 'requite/wallets'
import * as Market from './support/Market.ts'
import * as Verify from './support/Verify.ts'

const folder = mkdtempSync(join(tmpdir(), 'pay-for-an-answer-'))
const tides = `# Tides
High water comes about fifty minutes later each day, because the moon moves on while the earth turns
beneath it. Spring tides follow the new and the full moon within two days.`
const bees = `# Bees
A forager tells her sisters where the clover stands by dancing: the angle of the run against the
vertical is the angle of the flight against the sun, and its length is the distance.`

// What runs elsewhere: a chain, and a seller with the documents of two authors.
const market = await Market.start({
  dir: join(folder, 'seller'),
  documents: [
    { path: 'tides.md', owner: 'author:harbour-master', text: tides },
    { path: 'bees.md', owner: 'author:bee-keeper', text: bees },
  ],
})
const { chain, contracts, baseUrl } = market
const { asset, till } = contracts

// A wallet with 1 USDC, and a policy that says what may be done with it.
const wallet = Wallet.generate()
await market.fund(wallet.address, 1_000_000n)
const rules = policy('desk', asset, [
  allow.payees(till),
  cap('0.005 USDC').perPayment(),
  cap('0.02 USDC').per('24h'),
])

// The buyer decides, records and pays, once, whatever crashes. The agent asks.
const dir = join(folder, 'agent')
const buyer = await Buyer.open({ dir, wallet, chain, contracts, policy: rules })
const desk = Agent.create({ name: 'desk', buyer, model: { baseUrl, model: 'docs-reader' } })
const run = await desk.ask('How do bees tell where the clover stands?')
const { delivered } = run.outcome
if (delivered === undefined) throw new Error(`not bought: ${run.outcome.because}`)

// What moved, and why.
const { money } = delivered.receipt
const { earnings } = delivered.answered
const usdc = (atoms: string) => Money.format(Money.of(asset, BigInt(atoms)))
console.log(`${run.answer}\n\npaid     ${usdc(money.paidAtoms)} in ${delivered.evidence.tx}`)
console.log(
  `charged  ${usdc(money.chargedAtoms)}; change for next time: ${usdc(money.changeAtoms)}`,
)
for (const { account, nano, reason } of earnings)
  console.log(`earned   ${Money.formatNano(BigInt(nano), asset)} by ${account} for ${reason}`)
for (const { outcome, because } of run.decisions) console.log(`${outcome}    ${because}`)

// Nothing is lost: what left the wallet is in the till, and all of it is earned, rounding or change.
const inTill = await chain.balanceAtoms(asset, till)
const left = await chain.balanceAtoms(asset, wallet.address)
const earnedNano = earnings.reduce((sum, { nano }) => sum + BigInt(nano), 0n)
const placedNano = earnedNano + BigInt(money.roundingNano) + BigInt(money.changeAtoms) * 10n ** 9n
const conserved = inTill + left === 1_000_000n && placedNano === inTill * 10n ** 9n
await buyer.close()
await market.stop()

// Both parties' files, recomputed by somebody who trusts neither.
const verify = Verify.folders(join(folder, 'seller'), dir)
rmSync(folder, { recursive: true })
console.log(`verified ${verify.records} records: ${verify.failures} failures`)
const report = { v: 1, example: '01', conserved, paidAtoms: money.paidAtoms, verify }
if (process.argv.includes('--json')) console.log(JSON.stringify(report))
process.exitCode = conserved && verify.failures === 0 ? 0 : 1
