/**
 * @module The Buyer: the one stateful noun. Journal, meters and wallet of one agent, opened once; every
 * model call and every tool call that can spend goes through it, is decided by the policy and recorded.
 */
import { join } from 'node:path'
import * as Purchases from '../economy/Purchases.ts'
import type * as Asset from '../kernel/Asset.ts'
import type { Clock } from '../kernel/Clock.ts'
import { BaseError, InputError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Hex from '../kernel/Hex.ts'
import type * as Attestation from '../market/Attestation.ts'
import type * as Engine from '../models/Engine.ts'
import * as Budget from '../policies/Budget.ts'
import type * as Freeze from '../policies/Freeze.ts'
import * as Policy from '../policies/Policy.ts'
import * as Books from '../store/Books.ts'
import * as Files from '../store/Files.ts'
import type { Chain } from '../wallets/Chain.ts'
import * as NoteKey from '../wallets/NoteKey.ts'
import type { Wallet } from '../wallets/Wallet.ts'
import * as AgentRuns from './AgentRuns.ts'
import * as Attesting from './Attesting.ts'
import * as CallSchema from './Call.schema.ts'
import type { Order } from './Effect.ts'
import * as Hiring from './Hiring.ts'
import * as Operator from './Operator.ts'
import type { Outcome } from './Outcome.ts'
import * as Purchasing from './Purchasing.ts'
import * as Resource from './Resource.ts'
import * as Resumption from './Resumption.ts'
import * as Runtime from './Runtime.ts'
import * as Slice from './Slice.ts'
import * as Transaction from './Transaction.ts'

export type { Outcome } from './Outcome.ts'

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
  /**
   * Cancels what is not signed yet. Of an answer that is streamed it closes the connection: what was said
   * till then is the answer, a short one.
   */
  readonly signal?: AbortSignal
  /**
   * Told each part of the answer, once, as it comes and before it is verified. One that throws is not
   * called again.
   */
  readonly onDelta?: (delta: Engine.Delta) => void
  /** The most it may cost: a dearer quote is refused (`over-hold`). What the policy allows unless given. */
  readonly mostAtoms?: bigint
}

/** What to pay for besides models: a plain request to anybody whose answer has a price (x402 version 2). */
export type Fetching = {
  /** With `step` this names the purchase: the same run and step are the same purchase. */
  readonly run: string
  readonly step: number
  /** The most it may cost; what the policy allows unless given. */
  readonly mostAtoms?: bigint
  /** What the agent wants it with, and for: what a policy may ask. `none` and `resource` unless given. */
  readonly tool?: string
  readonly category?: string
  /** Cancels what is not signed yet. */
  readonly signal?: AbortSignal
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
  /** What it pays in. */
  readonly asset: Asset.Asset
  readonly dir: string
  /**
   * Buys one model call, or says why not. The same run and step again is the same purchase: while it
   * runs, both calls end alike; once bought, its answer is given again and nothing is paid; where
   * nothing was paid, it is another attempt. Throws `call-malformed` for what cannot be bought,
   * `exists-with-different-request`, `purchase-exists` for what was disputed, `buyer-closed`.
   */
  buy(call: Call): Promise<Outcome>
  /**
   * Pays for a plain request: the first answer's terms (402) are decided by the policy, signed once and
   * sent with the same request. The same run and step again are the same purchase, as in {@link buy}; its
   * response stands in `response`. Of what asks for no money nothing is bought: `resource-free`. Throws
   * `call-malformed` for what cannot be sent, and what {@link buy} throws.
   */
  fetch(
    url: string,
    init: Pick<RequestInit, 'method' | 'headers' | 'body'> | undefined,
    asked: Fetching,
  ): Promise<Outcome>
  /**
   * Has a job done by one of several sellers: asks up to three for quotes, takes the best of those that
   * the policy allows, and goes on to another when one fails or does not deliver what it signed. The same
   * run and step again are the same job. Throws `sellers-missing`, and what {@link buy} throws.
   */
  hire(job: Hiring.Job): Promise<Hiring.Hired>
  /**
   * What this agent says of a purchase that it paid for, signed, with the proof that it did: for a
   * registry's `attest`. Throws `not-attestable`.
   */
  attest(purchase: Hex.Hex): Promise<Attestation.Signed>
  /**
   * Makes one call of a contract, simulated, under the policy: held, signed once, sent, and looked up until
   * it is final. The same run and step again are the same transaction, as in {@link buy}. One at a time: the
   * next is simulated when the last is final. Throws `call-malformed`, and what {@link buy} throws.
   */
  transact(transaction: Transaction.Transaction): Promise<Transaction.Transacted>
  /**
   * A sub-agent's part of the budget: the same journal and wallet; what it buys passes its own policy and
   * this buyer's, and is held by both. Throws `InputError` for another asset.
   */
  slice(cut: Slice.Cut): Slice.Slice
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
  try {
    await introduce(books, { ...options, name })
  } catch (error) {
    books.close()
    throw error
  }
  const known = new Map<string, () => Policy.Policy>()
  const ports = (slices?: readonly string[]) => ({
    ...{ runtime, books, wallet, chain, dir },
    ...(slices === undefined ? {} : { slices: Slice.policiesOf(books, known, slices) }),
    asset: contracts.asset,
    policy: policies(),
    ...(shadows === undefined ? {} : { shadow: shadows() }),
    closing: closing.signal,
  })
  const purchasing = Purchasing.open({ books, dir, agent: wallet.address, ports })
  const order = (given: Order, asked: Omit<Purchasing.Asked, 'order' | 'requestDigest'>) => {
    closing.signal.throwIfAborted()
    const requestDigest = digestOf(given)
    return purchasing.buy({ order: given, requestDigest, ...asked })
  }
  const sourceOf = (given: Policy.Policy | string) => policySource(given, asset)
  const buying = (slices?: readonly string[]): Slice.Buying => ({
    async buy(call) {
      CallSchema.check(call)
      const { baseUrl, model, body, ...asked } = call
      return order({ baseUrl, model, body }, { ...asked, slices })
    },
    async fetch(url, init, asked) {
      const { run, step, signal, mostAtoms } = asked
      return order(Resource.order(url, init, asked), { run, step, signal, mostAtoms, slices })
    },
    async transact(transaction) {
      const { run, step, signal } = transaction
      const ended = await order(Transaction.order(transaction), { run, step, signal, slices })
      const { terms } = books.state.purchases.purchases.get(ended.purchase)?.decided ?? {}
      return Transaction.outcome(ended, wallet.address, terms as Transaction.Terms | undefined)
    },
  })
  const buyer: Buyer = {
    name,
    address: wallet.address,
    asset,
    dir,
    ...buying(),
    slice: (cut) => Slice.cut({ books, whole: buyer, policies, known, buying, sourceOf }, cut),
    hire: (job) => Hiring.hire({ books, order }, job),
    attest: (purchase) => Attesting.attest({ books, wallet }, purchase),
    async finish() {
      closing.signal.throwIfAborted()
      const outcomes: Outcome[] = []
      const failures: unknown[] = []
      for (const open of Purchases.open(books.state.purchases)) {
        // While another was finished, a call may have taken this one up, or ended it.
        if (purchasing.isRunning(open.id) || !Purchases.isOpen(open)) continue
        if (open.status !== 'paying') await Resumption.undo(books, open)
        else
          try {
            outcomes.push(await purchasing.takeUp(open))
          } catch (error) {
            failures.push(error)
          }
      }
      for (const each of Purchases.approvedAndOpen(books.state.purchases, books.now())) {
        const { run, step } = each.decided.key
        const asked = { run, step, ...Slice.of(each) }
        outcomes.push(await order(Resumption.orderOf(dir, each.id), asked))
      }
      if (failures.length > 0) throw failures[0]
      return outcomes
    },
    ...Operator.of({ books, dir, policies, salt, order }),
    status: () => Budget.status(books.state.purchases.usage, policies(), books.now()),
    spentAtoms: () => books.state.purchases.spentAtoms,
    run: () => salt().slice(2, 18),
    journal: AgentRuns.of({ books, runtime, closing: closing.signal }),
    async close() {
      closing.abort(new BaseError('the buyer was closed', { code: 'buyer-closed', retry: 'safe' }))
      await purchasing.settled()
      books.close()
    },
  }
  return buyer
}

/** Names all that is asked for. */
function digestOf(order: Order): Hex.Hex {
  if (order.kind === 'resource') return Resource.digest(order)
  return order.kind === 'call' ? Transaction.digest(order) : Hash.digest(order.body)
}

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
