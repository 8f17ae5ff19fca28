/**
 * @module A buyer as a process of its own, made of what users make theirs of: it ends what a crash left
 * open, then buys the steps of a run, each until it has it. Places are marked where the harness may want it
 * dead: about to sign, and about to send what was signed just now, or in another life.
 */
import * as Buyer from '../../src/agents/Buyer.ts'
import { BaseError } from '../../src/kernel/Errors.ts'
import * as Hash from '../../src/kernel/Hash.ts'
import type { Hex } from '../../src/kernel/Hex.ts'
import * as Chain from '../../src/wallets/Chain.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import * as Wire from '../../src/wallets/x402/Wire.ts'
import * as Errand from './Errand.ts'
import type * as Terms from './Terms.ts'

/** What a buyer is told. */
export type Told = {
  readonly dir: string
  readonly key: Hex
  readonly chain: Chain.Options
  readonly contracts: Terms.Contracts
  readonly policy: string
  readonly baseUrl: string
  /** The same run and steps are the same purchases, whichever process buys them. */
  readonly runs: readonly string[]
  readonly calls: readonly { readonly [key: string]: unknown }[]
  /** Where it stops, once, to be killed. */
  readonly stopAt?: 'held' | 'paying' | 'sending'
}

const told = await Errand.read<Told>()
const wallet = Wallet.fromPrivateKey(told.key)
let signed = false
const marked: Wallet.Wallet = {
  ...wallet,
  async signTypedData(data) {
    if (data.primaryType === 'TransferWithAuthorization') {
      if (told.stopAt === 'held') await Errand.stop('held')
      signed = true
    }
    return wallet.signTypedData(data)
  },
}
const { fetch } = globalThis
globalThis.fetch = async (input, init) => {
  const paid = new Headers(init?.headers).has(Wire.headerNames.signature)
  if (paid && told.stopAt === 'sending') await Errand.stop('sending')
  if (paid && signed && told.stopAt === 'paying') await Errand.stop('paying')
  return fetch(input, init)
}

const buyer = await patiently(async () =>
  Buyer.open({
    dir: told.dir,
    name: 'desk',
    wallet: marked,
    chain: await Chain.open(told.chain),
    contracts: told.contracts,
    policy: told.policy,
    local: true,
    onPoisoned: () => process.exit(7),
  }),
)
Errand.say({ opened: buyer.name })
const ended = await patiently(() => buyer.finish())
if (ended.length > 0) Errand.say({ finished: ended.map(({ state }) => state) })

for (const run of told.runs) {
  for (const [step, body] of told.calls.entries()) {
    Errand.say({ begins: step, run })
    Errand.say(await bought({ run, step, body }))
  }
  Errand.say({ done: run, held: buyer.status().map(({ meter }) => meter.held) })
}
await buyer.close()
process.exit(0)

/** One step, bought: attempts that came to nothing are followed by others. */
async function bought(call: Pick<Buyer.Call, 'run' | 'step' | 'body'>) {
  const { run, step, body } = call
  const { baseUrl } = told
  for (;;) {
    const model = String(body.model)
    const outcome = await patiently(() => buyer.buy({ ...call, baseUrl, model }))
    const { delivered, purchase, state, because } = outcome
    if (delivered !== undefined) {
      const { receiptHash, answered } = delivered
      return { bought: step, run, purchase, receiptHash, text: Hash.text(answered.output) }
    }
    Errand.say({ step, state, because })
    await Errand.pause(100)
  }
}

/** Again while a failure says that again is safe. */
async function patiently<Result>(work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof BaseError) || error.retry === 'never') throw error
      Errand.say({ again: error.code, because: error.message })
      await Errand.pause(200)
    }
  }
}
