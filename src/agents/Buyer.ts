/**
 * @module The Buyer: the one stateful noun. Journal, meters and wallet of one agent, opened once; every
 * model call and every tool call that can spend goes through it, is decided by the policy and recorded.
 */
import { join } from 'node:path'
import * as Purchases from '../economy/Purchases.ts'
import * as PurchaseTerms from '../economy/PurchaseTerms.ts'
import type * as Asset from '../kernel/Asset.ts'
import type { Clock } from '../kernel/Clock.ts'
import { BaseError, InputError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Id from '../kernel/Id.ts'
import type * as Receipt from '../market/Receipt.ts'
import * as Budget from '../policies/Budget.ts'
import type * as Freeze from '../policies/Freeze.ts'
import * as Policy from '../policies/Policy.ts'
import * as Books from '../store/Books.ts'
import * as Files from '../store/Files.ts'
import type { Chain } from '../wallets/Chain.ts'
import * as NoteKey from '../wallets/NoteKey.ts'
import type { Evidence } from '../wallets/PaymentEvidence.ts'
import type { Wallet } from '../wallets/Wallet.ts'
import * as AgentRuns from './AgentRuns.ts'
import * as CallSchema from './Call.schema.ts'
import * as Operator from './Operator.ts'
import * as Effects from './Purchase.effects.ts'
import type * as Purchase from './Purchase.ts'
import * as Resumption from './Resumption.ts'
import * as Runtime from './Runtime.ts'

/** Contracts an agent pays through. */
export type Contracts = {
  readonly asset: Asset.Asset
  readonly till: Hex.Hex
  readonly vault: Hex.Hex
}

/** How a buyer is opened. */
export type Options = {
  /** Folder of journal, requests and answers; made if missing. One buyer a folder at a time. */
  readonly dir: string
  readonly name?: string
  readonly wallet: Wallet
  readonly chain: Chain
  readonly contracts: Contracts
  /** A policy, or the path of a policy file that is read again before each purchase. */
  readonly policy: Policy.Policy | string
  /** A policy on trial, or its file: what it would have decided is recorded, and has no effect. */
  readonly shadow?: Policy.Policy | string
  readonly local?: boolean
  /** Milliseconds since 1970; the system's clock unless given. */
  readonly now?: Clock
  /** Told when the journal can no longer be trusted: the process must end, and open anew. */
  readonly onPoisoned?: (error: unknown) => void
}

/** What to buy: one model call. */
export type Call = {
  /** An OpenAI-compatible endpoint behind x402, e.g. `http://127.0.0.1:4020/v1`. */
  readonly baseUrl: string
  readonly model: string
  /** The chat request as it will be sent. */
  readonly body: { readonly [key: string]: unknown }
  /** With `step` this names the purchase: the same run and step are the same purchase. */
  readonly run: string
  readonly step: number
  readonly signal?: AbortSignal
}

/** How a purchase ended. */
export type Outcome = {
  readonly purchase: Hex.Hex
  readonly state: Purchase.Terminal
  /** Every state it went through. */
  readonly states: readonly Purchase.State[]
  /** The policy's verdict; absent when the purchase ended before it was asked. */
  readonly verdict?: Budget.Verdict
  /** What each rule said. */
  readonly reasons: readonly Budget.Reason[]
  /** Signed away in this purchase, in atoms: 0 unless it was captured or disputed. */
  readonly paidAtoms: bigint
  /** Why it was not captured. */
  readonly because?: string
  readonly code?: string
  /** What was delivered; only of a captured purchase. */
  readonly delivered?: {
    readonly answered: Purchase.Answered
    readonly receipt: Receipt.Receipt
    readonly receiptHash: Hex.Hex
    readonly evidence: Evidence
  }
}

/** A purchase that waits for somebody to approve it. */
export type Review = {
  readonly purchase: Hex.Hex
  readonly payee: Hex.Hex
  readonly model: string
  /** What is held for it. */
  readonly atoms: bigint
  readonly because: string
  /** Unanswered until then, it ends unpaid. */
  readonly expiresAtMs: number
}

/** An agent's journal, meters and wallet. */
export type Buyer = {
  readonly name: string
  readonly address: Hex.Hex
  readonly dir: string
  /**
   * Buys one model call, or says why not. The same run and step again is the same purchase: while it
   * runs, both calls end alike; once bought, its answer is given again and nothing is paid; where
   * nothing was paid, it is another attempt. Throws `call-malformed` for what cannot be bought,
   * `exists-with-different-request`, `purchase-exists` for what was disputed, `buyer-closed`.
   */
  buy(call: Call): Promise<Outcome>
  /** Ends what a crash left open: nothing is paid twice, nothing paid for is lost. */
  finish(): Promise<Outcome[]>
  /** What waits for somebody's approval now, oldest first. */
  reviews(): readonly Review[]
  /**
   * Lets a purchase under review pass, up to a ceiling (the quote's price without change unless given), and goes on with
   * it: a fresh quote within the ceiling is bought, another is reviewed again. `by` must be one whom the
   * policy names. Throws `not-under-review`, `InputError`.
   */
  approve(
    purchase: Hex.Hex,
    answer: { readonly by: string; readonly ceilingAtoms?: bigint },
  ): Promise<Outcome>
  /** Ends a purchase under review unpaid. Throws `not-under-review`, `InputError`. */
  decline(
    purchase: Hex.Hex,
    answer: { readonly by: string; readonly because: string },
  ): Promise<void>
  /** Stops everything, or one agent, payee or model, at once: nothing of it is authorised or signed. */
  freeze(
    target: Freeze.Target,
    told: { readonly by: string; readonly because: string },
  ): Promise<void>
  /** Lets what is frozen pay again. Throws `not-frozen`. */
  thaw(target: Freeze.Target, told: { readonly by: string }): Promise<void>
  /** What is frozen now. */
  freezes(): readonly Freeze.Freeze[]
  /** What the policy in force would decide now about a request like those recorded; writes nothing. */
  explain(request: Budget.Request): Budget.Decision
  /** What each meter of the policy in force has used, holds and allows. */
  status(): readonly Budget.Row[]
  /** Atoms signed away and captured, so far. */
  spentAtoms(): bigint
  /** A fresh name for a run. */
  run(): string
  /** Where the runs of agents stand, and what they record. */
  readonly journal: AgentRuns.Runs
  close(): Promise<void>
}

/** Opens a buyer; this process becomes its one writer. Throws `journal-in-use`, `InputError`. */
export async function open(options: Options): Promise<Buyer> {
  const { dir, wallet, chain, contracts } = options
  const name = options.name ?? 'agent'
  const now = options.now ?? Date.now
  Files.ensureFolder(dir)
  const closing = new AbortController()
  const runtime = Runtime.embedded({ now, salt, signal: closing.signal })
  const {
    policy,
    shadow,
    contracts: { asset },
  } = options
  const policies = policySource(policy, asset)
  const shadows = shadow === undefined ? undefined : policySource(shadow, asset)
  policies()
  shadows?.()
  const { onPoisoned } = options
  const books = Books.open({
    file: join(dir, 'journal.db'),
    origin: wallet.address,
    now,
    signer: await NoteKey.of(wallet),
    ...(onPoisoned === undefined ? {} : { onPoisoned }),
  })
  const { purchases } = books.state.purchases
  const running = new Map<Hex.Hex, Running>()
  try {
    await introduce(books, { ...options, name })
  } catch (error) {
    books.close()
    throw error
  }
  const track = (
    known: Omit<Running, 'ended'> & { purchase: Hex.Hex; ended: Promise<Effects.Ended> },
  ) => {
    const { purchase, requestDigest } = known
    const ended = known.ended.then(outcome)
    running.set(purchase, { requestDigest, ended })
    return ended.finally(() => running.delete(purchase))
  }
  const run = (context: Purchase.Context, order: Effects.Order, signal?: AbortSignal) => {
    const ports = {
      ...{ runtime, books, wallet, chain, dir },
      asset: contracts.asset,
      policy: policies(),
      ...(shadows === undefined ? {} : { shadow: shadows() }),
      closing: closing.signal,
      ...(signal === undefined ? {} : { signal }),
    }
    return track({ ...context, ended: Effects.run(ports, order, context) })
  }
  const takeUp = (open: Purchases.Purchase) => {
    const { context, order } = Resumption.takeUp(dir, open)
    return run(context, order)
  }
  const buyer: Buyer = {
    name,
    address: wallet.address,
    dir,
    async buy(call) {
      closing.signal.throwIfAborted()
      CallSchema.check(call)
      const { baseUrl, model, body, run: name, step, signal } = call
      const requestDigest = Hash.digest(body)
      for (let attempt = 0; ; attempt += 1) {
        const key = { agent: wallet.address, run: name, step, attempt }
        const purchase = Id.purchase(key)
        const before = running.get(purchase)
        const known = purchases.get(purchase)
        if (before === undefined && known === undefined) {
          const approved = Resumption.approved(books, key)
          const context = { purchase, key, requestDigest, ...(approved && { approved }) }
          return run(context, { baseUrl, model, body }, signal)
        }
        if (before === undefined && Resumption.isUnpaid(books, known!)) continue
        const bound = before?.requestDigest ?? PurchaseTerms.of(known!.decided).requestDigest
        if (bound !== requestDigest) throw Resumption.different(purchase)
        if (before !== undefined) return before.ended
        if (known!.status === 'captured')
          return track({ purchase, requestDigest, ended: Resumption.recall(dir, known!) })
        if (known!.status === 'paying') return takeUp(known!)
        if (known!.status === 'disputed') throw Resumption.repeated(known!)
        if (known!.status === 'reviewing') return outcome(Resumption.reviewed(known!))
        await Resumption.undo(books, known!)
      }
    },
    async finish() {
      closing.signal.throwIfAborted()
      const outcomes: Outcome[] = []
      const failures: unknown[] = []
      for (const open of Purchases.open(books.state.purchases)) {
        // While another was finished, a call may have taken this one up, or ended it.
        if (running.has(open.id) || !Purchases.isOpen(open)) continue
        if (open.status !== 'paying') await Resumption.undo(books, open)
        else
          try {
            outcomes.push(await takeUp(open))
          } catch (error) {
            failures.push(error)
          }
      }
      for (const { id, decided } of Purchases.approvedAndOpen(books.state.purchases, books.now())) {
        const { run, step } = decided.key
        outcomes.push(await buyer.buy({ ...Resumption.orderOf(dir, id), run, step }))
      }
      if (failures.length > 0) throw failures[0]
      return outcomes
    },
    ...Operator.of({ books, dir, policies, salt, buy: (call) => buyer.buy(call) }),
    status: () => Budget.status(books.state.purchases.usage, policies(), books.now()),
    spentAtoms: () => books.state.purchases.spentAtoms,
    run: () => salt().slice(2, 18),
    journal: AgentRuns.of({ books, runtime, closing: closing.signal }),
    async close() {
      closing.abort(new BaseError('the buyer was closed', { code: 'buyer-closed', retry: 'safe' }))
      await Promise.allSettled([...running.values()].map(({ ended }) => ended))
      books.close()
    },
  }
  return buyer
}

/** A purchase in the making: another call for it waits for the same end. */
type Running = { readonly requestDigest: Hex.Hex; readonly ended: Promise<Outcome> }

function salt(): Hex.Hex {
  return Hex.encode(crypto.getRandomValues(new Uint8Array(32)))
}

async function introduce(books: Books.Books, options: Options & { name: string }): Promise<void> {
  const { contracts, wallet, name, local = false } = options
  const { opened } = books.state
  if (opened !== undefined && opened.vault !== contracts.vault)
    throw new BaseError(`this journal belongs to vault ${opened.vault}, not ${contracts.vault}`, {
      code: 'wrong-vault',
      hint: 'open it with the chain it was made with, or use an empty folder',
    })
  if (opened !== undefined) return
  const { asset, till, vault } = contracts
  await books.record([
    {
      event: {
        type: 'opened',
        role: 'agent',
        ...{ name, asset, till, vault, local },
        address: wallet.address,
        scale: '1',
        salt: salt(),
      },
    },
  ])
}

function outcome({ state, states, context }: Effects.Ended): Outcome {
  const { purchase, verdict, reasons = [], because, code, answered, evidence } = context
  const isPaid = state === 'captured' || state === 'disputed'
  const paidAtoms = isPaid ? BigInt(context.quote!.quote.payAtoms) : 0n
  const judged = verdict === undefined ? {} : { verdict }
  const base = { purchase, state, states, reasons, paidAtoms, ...judged }
  if (state !== 'captured' || answered === undefined || evidence === undefined)
    return {
      ...base,
      because: because ?? state,
      ...(code === undefined ? {} : { code }),
    }
  const { receipt } = answered.receipt
  return {
    ...base,
    delivered: { answered, receipt, receiptHash: Hash.digest(receipt), evidence },
  }
}

/** The policy in force: a file is read again when it changed, and never half. */
function policySource(policy: Policy.Policy | string, asset: Asset.Asset): () => Policy.Policy {
  if (typeof policy !== 'string') return () => policy
  let text: string | undefined
  let parsed: Policy.Policy | undefined
  return () => {
    const current = Files.readText(policy)
    if (current === undefined)
      throw new InputError(`expected a policy file at ${policy}, found none`, {
        code: 'policy-missing',
        hint: 'without a policy nothing can be spent',
      })
    if (parsed === undefined || current !== text) {
      parsed = Policy.parse(current, { file: policy, assets: [asset] })
      text = current
    }
    return parsed
  }
}
