/**
 * Operate an agent that spends: a policy in sentences, an approval with a ceiling, a refusal, a kill switch,
 * and every decision with its reasons. `npx requite policy` does the same beside a running agent.
 *
 *     npm run example -- 06
 */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, Buyer } from 'requite/agents'
import { Hash } from 'requite/kernel'
import { Wallet } from 'requite/wallets'
import * as Bill from './support/Bill.ts'
import * as Market from './support/Market.ts'
import * as Report from './support/Report.ts'

// A seller of two models over the same documents: one for small change, one that is dear.
const folder = mkdtempSync(join(tmpdir(), 'operator-'))
const [seller, dir, policy] = ['seller', 'agent', 'policy.yaml'].map((name) => join(folder, name))
const text = `# Clocks
A pendulum a metre long beats once a second; four times as long, it beats half as often. A balance wheel
keeps its time aboard a ship, where a pendulum cannot, since its spring pulls the same at every angle.`
const card = { ...Market.terms.card, model: 'archive-reader' }
const rates = { ...Market.terms.rates, executionNanoPerStdUs: '200000000' }
const market = await Market.start({
  dir: seller!,
  documents: [{ path: 'clocks.md', owner: 'author:clockmaker', text }],
  offers: [Market.terms, { ...Market.terms, card, rates }],
})
const { chain, contracts, baseUrl } = market
const { asset, till } = contracts

// The operator's file. It is read again before each purchase.
const sentences = `policy: watched-desk
asset: ${asset.id} # USDC, 6 decimals
rules:
  - allow payees ${till}
  - cap 0.02 USDC per payment
  - cap 0.05 USDC per 24h
  - approve above 0.005 USDC within 15m by ops
`
writeFileSync(policy!, sentences)
const wallet = Wallet.generate()
await market.fund(wallet.address, 1_000_000n)
const buyer = await Buyer.open({ dir: dir!, wallet, chain, contracts, policy: policy! })
const outcomes: Buyer.Outcome[] = []
const tell = (what: string, outcome: Buyer.Outcome) => outcomes.push(Report.tell(what, outcome))
const [reader, archive] = ['docs-reader', 'archive-reader'].map((model) => {
  const desk = Agent.create({ name: `asks-${model}`, buyer, model: { baseUrl, model } })
  return async () => (await desk.ask('What keeps its time aboard a ship?')).outcome
})

tell('a small answer', await reader!())
tell('a dear answer', await archive!())
await buyer.decline(buyer.reviews()[0]!.purchase, { by: 'ops', because: 'can wait' })
tell('declined; asked again', await archive!())
// Within the ceiling a fresh quote is bought; a dearer one would be asked about again.
const approval = { by: 'ops', ceilingAtoms: 19_000n }
tell('approved', await buyer.approve(buyer.reviews()[0]!.purchase, approval))

// The switch stops it, whatever the rules say. What they would say is told without paying.
await buyer.freeze({ kind: 'everything' }, { by: 'ops', because: 'wrong answers since noon' })
tell('frozen', await reader!())
await buyer.thaw({ kind: 'everything' }, { by: 'ops' })
tell('thawed', await reader!())
const id = Hash.text('nobody makes this payment')
const what = { id, digest: id, agent: wallet.address, asset: asset.id, payee: till, atoms: 30_000n }
const named = { host: new URL(baseUrl).host, model: 'docs-reader' }
Report.tell('0.03 USDC, if it were asked', buyer.explain({ ...what, ...named }))

// What moved, and why. What was declined or refused cost nothing.
const bill = Bill.print(Bill.of(outcomes), asset)
const left = await chain.balanceAtoms(asset, wallet.address)
const conserved = bill.adds && left + bill.paidAtoms === 1_000_000n
await buyer.close()
await market.stop()
Report.end({ example: '06', folder, journals: [seller!, dir!], conserved, ...bill })
