/**
 * Contribute documents and be paid for them: registered, quoted in an answer, earned, funded, published,
 * claimed. One author has a key and signs to be paid elsewhere; the other is a name, which somebody must bind.
 *
 *     npm run example -- 07
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, Buyer } from 'requite/agents'
import { allow, cap, policy } from 'requite/policies'
import { Account } from 'requite/royalties'
import { Settlement } from 'requite/server'
import { LocalChain, Redirect, Vault, Wallet } from 'requite/wallets'
import * as Accounts from './support/Accounts.ts'
import * as Bill from './support/Bill.ts'
import * as Market from './support/Market.ts'
import * as Report from './support/Report.ts'

// Registered: two documents, one of an author's key, one of a package's name. A day to object to anything.
const folder = mkdtempSync(join(tmpdir(), 'contributor-'))
const [seller, dir] = [join(folder, 'seller'), join(folder, 'agent')]
const [wallet, author] = [Wallet.generate(), Wallet.generate()]
const [cold, owner] = [Wallet.generate().address, Wallet.generate().address]
const [named, windowSec] = ['npm:seasons', 86_400]
const accounts = [author.address, named]
const snow = `Snow that has lain for a year under new snow is called firn; in ten years more it is glacier ice.`
const leap = `A year is a leap year if four divides it, unless a hundred does and four hundred does not.`
const documents = [
  { path: 'firn.md', owner: author.address, text: `# Firn\n${snow}` },
  { path: 'seasons/README.md', owner: named, text: `# Leap years\n${leap}` },
]
const market = await Market.start({ dir: seller, windowSec, documents })
const { node, chain, contracts, baseUrl, local } = market
const { asset, till, vault } = contracts

// Earned and funded: an agent pays for two answers.
await market.fund(wallet.address, 1_000_000n)
const rules = policy('reader', asset, [allow.payees(till), cap('0.01 USDC').per('24h')])
const buyer = await Buyer.open({ dir, wallet, chain, contracts, policy: rules })
const desk = Agent.create({ name: 'reader', buyer, model: { baseUrl, model: 'docs-reader' } })
const { outcome: first } = await desk.ask('What is snow called that has lain a year?')
const { outcome: second } = await desk.ask('When is a year a leap year?')
Accounts.print('two answers are sold', node, accounts)

// Published: the root of what everybody earned stands on chain, and pays once nobody objected for a day.
await Settlement.closeEpoch(node)
Accounts.print('an epoch is published', node, accounts)
await local.mine({ aheadSec: windowSec + 1 })

// Claimed: anyone may send it. The key's is paid where its owner signed, the name's where the operator bound it.
const stranger = chain.sender(Wallet.fromPrivateKey(LocalChain.devKeys[9]!))
const leaf = (account: string) => Accounts.claim(baseUrl, account)
const claim = async (account: string) => Vault.claim(stranger, { vault, ...(await leaf(account)) })
const terms = { chainId: chain.chainId, vault, to: cold, sequence: 0n }
const signed = await Redirect.sign(author, { ...terms, validBeforeSec: 2 ** 40 })
await Redirect.submit({ chain, sender: stranger }, { signed, ...(await leaf(author.address)) })
const { to } = await claim(author.address)
const refused = await claim(named).catch((error: Error) => error.message)
console.log(`\n${author.address} is paid at ${to}; ${named}: ${refused}`)
const account = Account.leaf(named).address
const reason = 'its package.json names this address'
await Vault.bind(chain.sender(node.wallet), { vault, account, to: owner, reason })
await local.mine({ aheadSec: windowSec + 1 })
await claim(named)
await Settlement.observeClaims(node)
Accounts.print('a day after the name was bound', node, accounts)

// What moved, and why: all of it is with the agent, the authors, in the till, or in the vault for the rest.
const bill = Bill.print(Bill.of([first, second]), asset)
const places = [wallet.address, till, vault, cold, owner]
const held = await Promise.all(places.map((place) => chain.balanceAtoms(asset, place)))
const claims = accounts.map((each) => Accounts.standing(node, each).claimedAtoms)
const isPaid = claims.every((atoms, index) => atoms > 0n && atoms === held[3 + index])
const conserved = bill.adds && isPaid && held.reduce((sum, atoms) => sum + atoms) === 1_000_000n
await buyer.close()
await market.stop()
Report.end({ example: '07', folder, journals: [seller, dir], conserved, ...bill })
