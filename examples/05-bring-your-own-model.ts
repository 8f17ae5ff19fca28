/**
 * Sell the answers of your own model. Any OpenAI-compatible endpoint, or chat model of LangChain, is given
 * passages of a datanet, priced, streamed and attributed: whose words it quotes is paid with it.
 *
 *     npm run example -- 05
 *     OPENAI_BASE_URL=http://127.0.0.1:11434/v1 OPENAI_MODEL=llama3.2 npm run example -- 05
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Buyer } from 'requite/agents'
import { Tokenizer } from 'requite/attribution'
import { AttributedEngine, HttpEngine, Reader } from 'requite/models'
import { allow, cap, policy } from 'requite/policies'
import type { Offer } from 'requite/server'
import { Wallet } from 'requite/wallets'
import * as Bill from './support/Bill.ts'
import * as Market from './support/Market.ts'
import * as Report from './support/Report.ts'
import * as StandIn from './support/StandIn.ts'

// The model: yours, where the environment names one. A chat model of LangChain goes into ChatModelEngine.
const place = await StandIn.find(process.env)
console.log(`model    ${place.said}`)

// What it is sold as, and the engine behind it: what answers, over passages of the node's documents.
const terms: Offer.Terms = {
  ...Market.terms,
  card: { ...Market.terms.card, model: 'own-model', kind: 'generative' },
}
const { card } = terms
const engine = HttpEngine.open({ ...place, card, countTokens: Tokenizer.count })
const offer: Offer.Offer = {
  ...terms,
  description: 'Answers about bridges, from the notes of those who build them',
  engine: ({ documents }) =>
    AttributedEngine.of({ engine, retrieve: Reader.retriever({ documents }) }),
}
const folder = mkdtempSync(join(tmpdir(), 'own-model-'))
const [seller, dir] = [join(folder, 'seller'), join(folder, 'agent')]
const arches = 'An arch stands because each stone is pressed by its neighbours and none is pulled.'
const cables = 'A suspension bridge hangs from its cables, which are pulled and never pressed.'
const documents = [
  { path: 'arches.md', owner: 'author:mason', text: `# Arches\n\n${arches}` },
  { path: 'cables.md', owner: 'author:rigger', text: `# Cables\n\n${cables}` },
]
const market = await Market.start({ dir: seller, offers: [offer], documents })
const { chain, contracts, baseUrl } = market
const { asset, till } = contracts

// A buyer: anybody with a wallet and a policy. The answer is paid first, then told while it is made.
const wallet = Wallet.generate()
await market.fund(wallet.address, 1_000_000n)
const rules = policy('guest', asset, [allow.payees(till), cap('0.02 USDC').per('24h')])
const buyer = await Buyer.open({ dir, wallet, chain, contracts, policy: rules })
const outcomes: Buyer.Outcome[] = []
for (const content of [
  'Why does an arch of stone stand?',
  'What does a suspension bridge hang from?',
]) {
  console.log(`\n? ${content}`)
  const body = { model: card.model, messages: [{ role: 'user', content }], stream: true }
  const onDelta: Buyer.Call['onDelta'] = ({ text = '' }) => void process.stdout.write(text)
  const call = { baseUrl, model: card.model, body, run: buyer.run(), step: 0, onDelta }
  outcomes.push(Report.tell('\n\ndecided', await buyer.buy(call)))
}

// What moved, and why: the provider earns execution and fee, each author what was quoted of its words.
const bill = Bill.print(Bill.of(outcomes), asset)
const left = await chain.balanceAtoms(asset, wallet.address)
const conserved = bill.adds && bill.answers === 2 && left + bill.paidAtoms === 1_000_000n
await Promise.all([buyer.close(), place.close()])
await market.stop()
Report.end({ example: '05', folder, journals: [seller, dir], conserved, ...bill })
