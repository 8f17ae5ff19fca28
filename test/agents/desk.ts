/**
 * @module An agent as a process of its own, made of what users make theirs of: it goes on with what a crash
 * left, is asked at most one thing, and stops where the harness wants it dead.
 */
import * as Agent from '../../src/agents/Agent.ts'
import * as Buyer from '../../src/agents/Buyer.ts'
import type { Hex } from '../../src/kernel/Hex.ts'
import * as Chain from '../../src/wallets/Chain.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import * as Errand from '../kill/Errand.ts'
import type * as Terms from '../kill/Terms.ts'

/** What an agent is told. */
export type Told = {
  readonly dir: string
  readonly key: Hex
  readonly chain: Chain.Options
  readonly contracts: Terms.Contracts
  readonly policy: string
  readonly baseUrl: string
  readonly body: { readonly [key: string]: unknown }
  /** In its first life: what it does, and where it is to die. */
  readonly asked?: 'work' | 'sleep' | 'timer' | 'again'
  /** Somebody approves what waits. */
  readonly approves?: boolean
  readonly sleepMs: number
}

const told = await Errand.read<Told>()
const { baseUrl, body, sleepMs } = told
const buyer = await Buyer.open({
  ...{ dir: told.dir, name: 'desk', policy: told.policy, local: true },
  wallet: Wallet.fromPrivateKey(told.key),
  chain: await Chain.open(told.chain),
  contracts: told.contracts,
  onPoisoned: () => process.exit(7),
})
const desk = Agent.create({
  name: 'desk',
  buyer,
  async work(task, { buy, step, sleep }) {
    const { delivered } = await buy({ baseUrl, model: String(body.model), body })
    await step('noted', async () => Errand.say({ noted: task }))
    if (task === 'sleep') await sleep(sleepMs)
    if (task === 'work' && told.asked !== undefined) await Errand.stop('working')
    return delivered!.answered.output
  },
})
await buyer.finish()
Errand.say({ goesOn: desk.open() })
if (told.asked === 'timer') await desk.at(Date.now() + sleepMs, 'timer')
else if (told.asked === 'again') await desk.every('5s', 'again')
else if (told.asked !== undefined)
  void desk.ask(told.asked).catch((error: unknown) => Errand.say({ wrong: String(error) }))
if (told.asked !== undefined) {
  const until = told.asked === 'work' ? 'awaitingApproval' : 'idle'
  const isThere = () => desk.runs().some(({ state }) => state === until)
  while (!isThere()) await Errand.pause(10)
  // What is folded is durable a moment later.
  await Errand.pause(300)
  await Errand.stop(until)
}
if (told.approves)
  for (const { purchase } of buyer.reviews()) await buyer.approve(purchase, { by: 'ops' })
const ended = []
for (let at = 0; at < desk.runs().length; at += 1) {
  const { id } = desk.runs()[at]!
  if (id.endsWith('.1')) await desk.stop(id)
  const { answer, state, spentAtoms } = await desk.ended(id)
  ended.push({ id, answer, state, spentAtoms: String(spentAtoms) })
}
await buyer.close()
Errand.say({ ended })
process.exit(0)
