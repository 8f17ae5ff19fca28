/**
 * A research desk with a day's budget over two datanets. A LangChain agent, made payable, asks one question
 * after another; a rule chooses who is asked; the policy stops it. Citations and cost stand under each answer.
 *
 *     npm run example -- 02
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createAgent, createMiddleware } from 'langchain'
import { Buyer } from 'requite/agents'
import { ChatRequite, type Metadata, payable } from 'requite/agents/langchain'
import { Money } from 'requite/kernel'
import { Wallet } from 'requite/wallets'
import * as Accounts from './support/Accounts.ts'
import * as Market from './support/Market.ts'
import * as Report from './support/Report.ts'
import * as Shelves from './support/Shelves.ts'

// Two sellers on one chain, each with the documents of its own contributors.
const folder = mkdtempSync(join(tmpdir(), 'research-desk-'))
const [skyDir, seaDir, dir] = ['sky', 'sea', 'desk'].map((name) => join(folder, name))
const market = await Market.start({ dir: skyDir!, ...Shelves.sky })
const sellers = [market, await market.another({ dir: seaDir!, ...Shelves.sea })]
const { chain, contracts } = market
const { asset } = contracts

// The desk: a wallet with 1 USDC, and a policy file with the day's budget.
const wallet = Wallet.generate()
await market.fund(wallet.address, 1_000_000n)
const policy = fileURLToPath(new URL('./support/research-desk.yaml', import.meta.url))
const buyer = await Buyer.open({ dir: dir!, wallet, chain, contracts, policy })
const models = sellers.map(
  ({ baseUrl }, at) => new ChatRequite({ buyer, baseURL: baseUrl, model: Shelves.models[at]! }),
)

// No model plans here: a rule asks whoever says of itself that it knows more of the question's words.
const choosing = createMiddleware({
  name: 'choosing',
  wrapModelCall: async (request, handler) => {
    const at = await Shelves.choose(sellers, request.messages.at(-1)!.text)
    return handler({ ...request, model: models[at]! })
  },
})
const middleware = [payable(buyer), choosing] as const
const desk = createAgent({ model: models[0]!, tools: [], middleware })

const money = (atoms: string) => Money.format(Money.of(asset, BigInt(atoms)))
for (const content of Shelves.questions) {
  console.log(`\n? ${content}`)
  const run = await desk.invoke({ messages: [{ role: 'user', content }] }).catch((error) => {
    if (error.name !== 'PurchaseRefused') throw error
    console.log(`  ${error.message}`)
  })
  if (run === undefined) break
  const said = run.messages.at(-1)!
  const { requite } = said.response_metadata as Metadata
  console.log(said.text.split('\n\nSources')[0])
  for (const { document, owner } of requite.sources) console.log(`  cites ${document} of ${owner}`)
  console.log(
    `  costs ${money(requite.chargedAtoms)}; left the wallet: ${money(requite.paidAtoms)}`,
  )
}

// What moved, and why: what left the wallet stands in the books of the two sellers, to the last nano-atom.
const paidAtoms = buyer.spentAtoms()
console.log(`\npaid     ${money(String(paidAtoms))}; the policy's meters now:`)
for (const { rule, meter } of buyer.status())
  console.log(`  ${rule}: ${money(meter.used)} used of ${money(meter.limit)}`)
for (const { node } of sellers) Accounts.print(node.name, node, Accounts.known(node))
const left = await chain.balanceAtoms(asset, wallet.address)
const nodes = sellers.map(({ node }) => node)
const conserved = left + paidAtoms === 1_000_000n && Accounts.adds(nodes, paidAtoms)
await buyer.close()
await market.stop()
Report.end({ example: '02', folder, journals: [skyDir!, seaDir!, dir!], conserved, paidAtoms })
