/**
 * @module A stage: one buyer with a folder, a scripted chain and scripted sellers, time that passes when
 * somebody waits. The buyer can be dropped at anything it does outside and opened again on its folder; all
 * the while somebody looks whether more is signed, sent or paid than the policy allowed.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as AgentMachine from '../../src/agents/AgentMachine.ts'
import * as Buyer from '../../src/agents/Buyer.ts'
import * as Purchase from '../../src/agents/Purchase.ts'
import * as Audit from '../../src/economy/Audit.ts'
import type * as Purchases from '../../src/economy/Purchases.ts'
import * as PurchaseTerms from '../../src/economy/PurchaseTerms.ts'
import type { Hex } from '../../src/kernel/Hex.ts'
import * as Id from '../../src/kernel/Id.ts'
import * as Json from '../../src/kernel/Json.ts'
import * as Policy from '../../src/policies/Policy.ts'
import * as Answers from '../../src/store/Answers.ts'
import type * as Books from '../../src/store/Books.ts'
import * as Journal from '../../src/store/Journal.ts'
import * as Calls from '../../src/wallets/Calls.ts'
import * as PaymentEvidence from '../../src/wallets/PaymentEvidence.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import type * as Wire from '../../src/wallets/x402/Wire.ts'
import * as Pair from '../harness/Pair.ts'
import * as Ledger from './Ledger.ts'
import * as Seams from './Seams.ts'
import * as Shop from './Shop.ts'

/** What happens to a buyer on a stage. */
export type Script = Shop.Script &
  Ledger.Script & {
    readonly rules?: readonly string[]
    /** The most in a day, where it is not {@link capAtoms}. */
    readonly capAtoms?: bigint
    /** Who waits sleeps until somebody lets time pass; unless told, time passes for whoever waits. */
    readonly sleeps?: true
    /** After a state's effect: `deciding allow`. */
    readonly after?: Readonly<Record<string, (stage: Stage) => unknown>>
  }

/** A purchase's way through its machine: where it began, what its effects answered, where that led. */
export type Walked = {
  readonly start: string
  readonly events: string[]
  readonly states: string[]
  readonly life: number
}

/** Somebody pulled the plug. */
class Killed extends Error {}

/** A stage. */
export type Stage = ReturnType<typeof set>

/** Most that a stage's buyer may sign away in a day: one price and a half, so that two never fit. */
export const capAtoms = (Shop.priceAtoms * 3n) / 2n
/** The rule that says so. */
export const cap = `cap ${usdc(capAtoms)} USDC per 24h`

const documents = [
  {
    ...{ path: 'tides.md', owner: 'npm:tides' },
    text: 'High water comes about fifty minutes later each day, because the moon moves on.',
  },
]

/** On memory where there is such a folder: what a disk keeps is not what is looked at here. */
const scratch = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** Sets a stage; {@link strike} it. */
export function set(script: Script) {
  const pair = Pair.open()
  Pair.register(pair, documents)
  const dir = mkdtempSync(join(scratch, 'requite-stage-'))
  const wrong = new Set<string>()
  const walks: Walked[] = []
  const acts: string[] = []
  let books: Books.Books
  let buyer: Buyer.Buyer | undefined
  let life = -1
  let dies = Number.POSITIVE_INFINITY
  let done = 0
  let waits = 0
  let isArmed = false
  const sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>()
  const isDead = () => done > dies
  const act = (what: string) => {
    if (!isArmed) return
    done += 1
    if (isDead()) throw new Killed(what)
    acts.push(what)
  }
  const ledger = Ledger.open({ pair, script, act })
  const purchases = () => [...books.state.purchases.purchases.values()]
  const nonceOf = (id: Hex) => Id.nonce(pair.buyer.wallet.address, id)
  const shop = Shop.open(pair, script, {
    settle: (payload) => ledger.settle(payload),
    next: (what, payload) => ledger.next(what, payload),
    returned: (payload) => ledger.returned(payload),
    look: (payload) => lookAtSent(payload),
  })
  const policy = Policy.parse(policyText(script.rules ?? [cap]), {
    ...{ file: 'policy.yaml', assets: [Pair.asset] },
  })

  const seams: Seams.Stage = {
    act,
    async wait(ms, signals) {
      for (const signal of signals) signal?.throwIfAborted()
      waits += 1
      if (waits > 500) throw new Error('it waits for ever')
      if (script.sleeps) await sleep(pair.nowMs + ms, signals)
      else pair.nowMs += ms
    },
    async stepped(state, result) {
      const { event } = (result ?? {}) as Partial<Purchase.Result>
      if (event === undefined) return
      if (isDead()) return
      note(state, event)
      look(`${state} ${event}`)
      stage.onStepped?.(`${state} ${event}`)
      await script.after?.[`${state} ${event}`]?.(stage)
    },
    books(opened) {
      books = opened
    },
  }

  const stage = {
    ...{ pair, dir, wrong, walks, acts, ledger, policy },
    wallet: watched(pair.buyer.wallet),
    /** Told what an effect answered: `deciding allow`. */
    onStepped: undefined as ((at: string) => void) | undefined,
    get buyer() {
      return buyer!
    },
    /** Something outside that is no port of the buyer's. */
    async fetch(url: string, init: RequestInit = {}): Promise<Response> {
      act(`asks ${new URL(url).pathname}`)
      const response = await shop.fetch(url, init).catch((error: unknown) => {
        if (!(error instanceof Shop.Broken)) wrong.add(`the seller broke: ${String(error)}`)
        throw error
      })
      if (isDead()) throw new Killed('dead')
      return response
    },
    /** Opens the buyer, which dies at its so many-th act; undefined: lives. */
    async open(diesAt?: number, options: Partial<Buyer.Options> = {}): Promise<Buyer.Buyer> {
      life += 1
      done = 0
      waits = 0
      dies = diesAt ?? Number.POSITIVE_INFINITY
      isArmed = false
      acts.length = 0
      Seams.use(seams)
      buyer = await Buyer.open({
        ...{ dir, wallet: stage.wallet, chain: ledger.chain, policy, name: 'desk', local: true },
        contracts: { asset: Pair.asset, till: Pair.till, vault: Pair.vault },
        now: () => pair.nowMs,
        ...options,
      })
      isArmed = true
      return buyer
    },
    /** Time passes, and whoever waited for it wakes. */
    pass(ms: number): void {
      pair.nowMs += ms
      for (const sleeper of sleepers)
        if (sleeper.untilMs <= pair.nowMs) {
          sleepers.delete(sleeper)
          sleeper.wake()
        }
    },
    /** Where its purchase stands: where a life that did nothing yet begins. */
    state(): string {
      const last = walks.at(-1)
      if (last?.life === life) return last.states.at(-1)!
      return last?.events.includes('signed') ? 'executing' : 'discovering'
    },
    look,
    /** Ends a life; where nobody was killed, everything is at its end. */
    async close(): Promise<void> {
      if (!isDead()) judgeEnd()
      await buyer!.close()
      isArmed = false
    },
    judge,
  }
  return stage

  function sleep(untilMs: number, signals: readonly (AbortSignal | undefined)[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const sleeper = { untilMs, wake: resolve }
      sleepers.add(sleeper)
      for (const signal of signals)
        signal?.addEventListener('abort', () => {
          sleepers.delete(sleeper)
          reject(signal.reason)
        })
    })
  }

  function note(state: string, event: string) {
    const to = (Purchase.table as Audit.Table)[state]?.[event]
    if (to === undefined) return
    const last = walks.at(-1)
    const goesOn = last?.life === life && last.states.at(-1) === state
    if (!goesOn) walks.push({ start: state, events: [], states: [state], life })
    walks.at(-1)!.events.push(event)
    walks.at(-1)!.states.push(to)
  }

  /** Whether meters are within their caps, and nothing can be paid that they do not count. */
  function look(when: string) {
    for (const { rule, meter } of buyer!.status())
      if (BigInt(meter.used) + BigInt(meter.held) > BigInt(meter.limit))
        wrong.add(`after ${when}: over ${rule}`)
    const gone = ledger.exposedAtoms()
    if (gone > (script.capAtoms ?? capAtoms))
      wrong.add(`after ${when}: ${gone} atoms paid or payable, over the cap`)
  }

  function known(nonce: string): Purchases.Purchase | undefined {
    return purchases().find(({ id }) => nonceOf(id) === nonce)
  }

  /** A wallet that is looked at whenever it signs a payment. */
  function watched(wallet: Wallet.Wallet): Wallet.Wallet {
    return {
      ...wallet,
      async signTypedData(data) {
        act(`signs ${data.primaryType}`)
        if (data.primaryType === 'TransferWithAuthorization') {
          const { nonce, value, to } = data.message as { [key: string]: unknown }
          lookAtSigned(known(String(nonce)), BigInt(String(value)), String(to))
        }
        return wallet.signTypedData(data)
      },
      async signTransaction(transaction) {
        act('signs a transaction')
        const held = purchases().find(({ status }) => status === 'held')
        lookAtSigned(held, 0n, transaction.to ?? '')
        return wallet.signTransaction(transaction)
      },
    }
  }

  function lookAtSigned(purchase: Purchases.Purchase | undefined, atoms: bigint, to: string) {
    if (purchase?.status !== 'held') {
      wrong.add('signed without a hold')
      return
    }
    const { decided } = purchase
    const { payAtoms, payTo } = PurchaseTerms.of(decided)
    if (decided.verdict !== 'allow') wrong.add(`signed what the policy said ${decided.verdict} to`)
    if (atoms > BigInt(payAtoms)) wrong.add(`signed ${atoms} atoms, allowed ${payAtoms}`)
    if (to.toLowerCase() !== payTo) wrong.add('signed to another payee than was allowed')
    if (books.state.purchases.usage.freezes.size > 0) wrong.add('signed while frozen')
    for (const before of purchases()) {
      const isSameStep = before.id !== purchase.id && before.decided.key.step === decided.key.step
      if (!isSameStep || before.paying === undefined) continue
      if (!ledger.isDead(before.paying)) wrong.add('signed while the attempt before may be paid')
    }
  }

  function lookAtSent(payload: Wire.Payload) {
    const { nonce } = payload.payload.authorization as { nonce: string }
    ledger.seen(payload)
    const paying = known(nonce)?.paying
    if (paying === undefined) wrong.add('sent before it was recorded')
    else if (Json.encode(paying.payload) !== Json.encode(Json.members(payload)))
      wrong.add('sent another payload than was recorded')
  }

  /** What must be so once everything is at its end. */
  function judgeEnd(): void {
    for (const { status, decided } of purchases())
      if (['held', 'paying', 'decided'].includes(status))
        wrong.add(`left ${status}: ${decided.key.attempt}`)
    const { spentAtoms } = books.state.purchases
    if (spentAtoms !== ledger.settledAtoms())
      wrong.add(`spent ${spentAtoms} atoms by the journal, ${ledger.settledAtoms()} by the chain`)
    const paid = purchases().filter(({ paying }) => paying && ledger.isPaid(paying))
    const again = paid.filter(({ status }) => status !== 'refunded').map(stepOf)
    for (const step of again)
      if (again.indexOf(step) !== again.lastIndexOf(step)) wrong.add(`paid ${step} twice`)
    if (paid.length !== ledger.payments()) wrong.add('paid what no purchase knows')
  }

  /** The journal, audited. */
  function judge(): void {
    const texts = read(dir)
    const report = Audit.run({
      texts,
      document: () => ({ kind: 'erased' }),
      answer: (hash) => Answers.read(dir, hash) as never,
      leaves: () => undefined,
      verifySignature: Wallet.verifyTypedData,
      readTransaction: Calls.read,
      checkPayment: (evidence, payment) =>
        PaymentEvidence.check(evidence as PaymentEvidence.Evidence, payment),
      transitionTables: new Map<Hex, Audit.Table>([
        [Purchase.machineDigest, Purchase.table],
        [AgentMachine.machineDigest, AgentMachine.table],
      ]),
    })
    for (const { name, subject, because } of report.failures)
      wrong.add(`audit: ${name}: ${subject}: ${because}`)
    if (report.replayed !== texts.length)
      wrong.add(`replayed ${report.replayed} of ${texts.length}`)
  }
}

function stepOf({ decided: { key } }: Purchases.Purchase): string {
  return `${key.run}, step ${key.step}`
}

/** Takes a stage down. */
export function strike({ dir }: Stage): void {
  Seams.use(undefined)
  rmSync(dir, { recursive: true, force: true })
}

/** A policy of one asset, with till and token as payees. */
export function policyText(rules: readonly string[]): string {
  const all = [`allow payees ${Pair.till}, ${Pair.token}`, ...rules]
  return ['policy: desk', `asset: ${Pair.asset.id}`, 'rules:', ...all.map((r) => `  - ${r}`)].join(
    '\n',
  )
}

function read(dir: string): string[] {
  const reader = Journal.reader(join(dir, 'journal.db'))
  try {
    return [...reader.read(0)]
  } finally {
    reader.close()
  }
}

/** Atoms as a policy writes them. */
export function usdc(atoms: bigint): string {
  const digits = String(atoms).padStart(7, '0')
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`
}
