/**
 * Agents that hire one another: an analyst, two data brokers and an executor, each with a wallet, a policy
 * and something to sell. They find one another at a registry, compare quotes, haggle, pay, and name on
 * their receipts what they bought; a receipt leads back to everyone whose work is in it.
 *
 *     npm run example -- 04
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Skill } from 'requite/server'
import * as Agents from './support/Agents.ts'
import * as Market from './support/Market.ts'
import * as Report from './support/Report.ts'

const folder = mkdtempSync(join(tmpdir(), 'agents-'))
const almanac = `# Pier 4
A ship of deep keel may berth at pier 4 within two hours of high water, and at no other time. High water
at pier 4 is at ten past two in the afternoon; the harbour office keeps the book of berths.`
const documents = [{ path: 'pier-4.md', owner: 'author:harbour-office', text: almanac }]
const dear = { ...Market.terms.rates, executionNanoPerStdUs: '45000000' }
const reader = { ...Market.terms, description: 'passages of the almanac of the harbour' }
const booked: string[] = []

const market = await Agents.start(folder, [
  { name: 'broker', documents, offers: () => [reader] },
  {
    // Asks for more, and comes down to what others ask: its own share, never the authors'.
    ...{ name: 'dear-broker', documents },
    offers: () => [{ ...reader, rates: dear, floor: { executionNanoPerStdUs: '25000000' } }],
  },
  {
    name: 'executor',
    offers: (self) => [
      Skill.offer({
        ...{ name: 'berth', description: 'books a berth, if the tide allows', priceAtoms: 4_000n },
        async run({ input }) {
          const rule = await self().hire('docs-reader', `When may a deep keel berth at ${input}?`)
          booked.push(input)
          return { text: `Booked ${input}. The almanac: ${rule.text}`, consumed: [rule.receipt] }
        },
      }),
    ],
  },
  {
    name: 'analyst',
    offers: (self) => [
      Skill.offer({
        ...{ name: 'arrival', description: 'plans an arrival and books it', priceAtoms: 15_000n },
        async run({ input }) {
          const tide = await self().hire('docs-reader', `${input} When is high water?`)
          const berth = await self().hire('berth', 'pier 4')
          const text = `${tide.text}\n\n${berth.text}`
          return { text, consumed: [tide.receipt, berth.receipt] }
        },
      }),
    ],
  },
])

const { agents, asset, chain, client } = market
const { text, receipt, outcome } = await client.hire('arrival', 'We come to pier 4, deep keel.')
console.log(`${text}\n`)

// From one receipt back to all that is in it: who did what, for how much, and who shaped it.
Agents.trace(market, receipt)
await market.directory.attest(await client.buyer.attest(outcome.purchase))

// Every atom that left a wallet lies in a till, and everybody's folders tell one story.
const holders = [...market.tills, ...[client, ...agents].map(({ buyer }) => buyer.address)]
const held = await Promise.all(holders.map((each) => chain.balanceAtoms(asset, each)))
const funded = BigInt(agents.length + 1) * 1_000_000n
const conserved = held.reduce((sum, atoms) => sum + atoms, 0n) === funded && booked.length === 1
await market.stop()
const journals = [...agents.flatMap(({ node, buyer }) => [node.dir, buyer.dir]), client.buyer.dir]
Report.end({ example: '04', folder, journals, conserved, paidAtoms: outcome.paidAtoms })
