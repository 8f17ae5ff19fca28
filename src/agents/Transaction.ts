/**
 * @module Transactions: one call of a contract under the policy, bought as anything else is, by the same
 * machine. Simulated before it is decided; signed once, recorded, sent and sent again unchanged; captured
 * when it is final, voided when it reverted or another transaction took its nonce.
 *
 * What may leave is stated, and held to. A contract that takes tokens is let take exactly what is stated, in
 * a transaction of its own that is signed with the call: the payee judged is the one who may take it, and
 * no other call that lets somebody take tokens is made. Gas is paid in the chain's coin: no cap counts it,
 * evidence says what it was, and `mostFeeWei` bounds it.
 */
import type * as Event from '../economy/Event.ts'
import * as Asset from '../kernel/Asset.ts'
import { InputError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Hex from '../kernel/Hex.ts'
import type * as Requests from '../store/Requests.ts'
import * as Calls from '../wallets/Calls.ts'
import type { Outcome } from './Outcome.ts'

/** What is to be done on chain. */
export type Transaction = {
  /** The contract: the payee that a policy allows or denies. */
  readonly to: Hex.Hex
  readonly data: Hex.Hex
  /** Of the chain's coin; counts as the asset that is spent, which must be the wrapped coin. */
  readonly valueWei?: bigint
  /**
   * What may leave, at most: all of it is held and captured. Another asset than the policy's counts as a
   * `count` sentence says, at the price stated here.
   */
  readonly spends: { readonly asset: Asset.Asset; readonly mostAtoms: bigint }
  /** What the agent measured: what its policy may ask, and who audits it can read. */
  readonly facts?: {
    /** The most that may be lost against the price seen before, by what the call guarantees. */
    readonly slippagePpb?: bigint
    /** What the account has lost since its peak. */
    readonly drawdown?: { readonly ppb: bigint; readonly asOfMs: number }
    /** What one unit of the asset is worth, in atoms of the policy's. */
    readonly price?: { readonly atoms: bigint; readonly asOfMs: number }
  }
  /** What a policy knows it by, such as `uniswap-v3`. */
  readonly model: string
  /** What for and with what, as a policy may ask: `call` and `none` unless given. */
  readonly category?: string
  readonly tool?: string
  /** The most that the chain may take for it, in wei. */
  readonly mostFeeWei?: bigint
  /** With `step` this names it: the same run and step are the same transaction. */
  readonly run: string
  readonly step: number
  /** Cancels what is not signed yet. */
  readonly signal?: AbortSignal
}

/** How a transaction ended: captured, refused (denied, or it reverted) or disputed. */
export type Transacted = Outcome & {
  /** What it did when it was tried, and after which block; of what came before the policy. */
  readonly simulation?: Calls.Simulation
  /** What came to the agent of each token, negative what left; of what was captured or disputed. */
  readonly moved: readonly { readonly token: Hex.Hex; readonly atoms: bigint }[]
  /** What the chain took for the call and its approval, in wei; also of one that reverted. */
  readonly feeWei: bigint
}

/** Terms of a transaction, as a decision records them. */
export type Terms = Extract<Event.DecidedOnTerms['terms'], { kind: 'call' }>

/**
 * Functions that let somebody take tokens later. Here they are refused, whatever contract is called: what
 * may be taken is approved with the call that needs it, and no more.
 */
const grants: Readonly<Record<string, string>> = {
  '0x095ea7b3': 'approve',
  '0x39509351': 'increaseAllowance',
  '0xd505accf': 'permit',
  '0x8fcbaf0c': 'permit',
  '0xa22cb465': 'setApprovalForAll',
}

/** What is done, as plain data. Throws `call-malformed`. */
export function order(given: Transaction): Requests.Call {
  const { to, data, valueWei = 0n, spends, facts = {}, model, run, step, mostFeeWei } = given
  if (!Hex.is(to, 20)) throw malformed('to', 'an address')
  if (!/^0x([0-9a-fA-F]{2})*$/.test(data) || data.length > 200_000)
    throw malformed('data', 'calldata as hex, at most 100,000 bytes')
  const grant = grants[data.slice(0, 10).toLowerCase()]
  if (grant !== undefined)
    throw malformed('data', `no ${grant}: what a call needs is approved with it, and no more`)
  if (spends.mostAtoms < 0n || spends.mostAtoms >> 256n !== 0n)
    throw malformed('spends.mostAtoms', 'atoms, 0 or more')
  if (valueWei < 0n || valueWei > spends.mostAtoms)
    throw malformed('valueWei', 'at most what is spent, of the wrapped coin')
  if (model.length === 0 || model.length > 200) throw malformed('model', '1 to 200 characters')
  if (run.length === 0 || run.length > 200) throw malformed('run', 'a name of 1 to 200 characters')
  if (!Number.isSafeInteger(step) || step < 0) throw malformed('step', 'a count')
  const { slippagePpb, drawdown, price } = facts
  return {
    ...{ kind: 'call', to: to.toLowerCase() as Hex.Hex, data: data.toLowerCase() as Hex.Hex },
    ...{ valueWei: `${valueWei}`, asset: spends.asset, mostAtoms: `${spends.mostAtoms}`, model },
    facts: {
      ...(slippagePpb === undefined ? {} : { slippagePpb: `${slippagePpb}` }),
      ...(drawdown && { drawdown: { ppb: `${drawdown.ppb}`, asOfMs: drawdown.asOfMs } }),
      ...(price && { price: { atoms: `${price.atoms}`, asOfMs: price.asOfMs } }),
    },
    ...(mostFeeWei === undefined ? {} : { mostFeeWei: `${mostFeeWei}` }),
    ...(given.tool === undefined ? {} : { tool: given.tool }),
    ...(given.category === undefined ? {} : { category: given.category }),
  }
}

/** Names what is done, whatever was measured. */
export function digest({ to, data, valueWei, asset, mostAtoms, model }: Requests.Call): Hex.Hex {
  return Hash.digest({ to, data, valueWei, asset: asset.id, mostAtoms, model })
}

/** What became of it, with what the journal knows of its terms. */
export function outcome(ended: Outcome, agent: Hex.Hex, terms: Terms | undefined): Transacted {
  const { state, evidence } = ended
  const { logs = [] } = evidence ?? {}
  const happened = state === 'captured' || state === 'disputed'
  return {
    ...ended,
    ...(terms === undefined ? {} : { simulation: terms.simulation as Calls.Simulation }),
    moved: happened ? balance(Calls.transfers(logs), agent) : [],
    feeWei: feeWei((evidence ?? {}) as Partial<Evidence>),
  }
}

/** That a call is final, and what the chain took for the approval before it. */
type Evidence = Calls.Evidence & {
  readonly approval?: Pick<Calls.Evidence, 'tx' | 'status' | 'feeWei'>
}

/** What the chain took for a call and its approval, in wei. */
export function feeWei({ feeWei = '0', approval }: Partial<Evidence>): bigint {
  return BigInt(feeWei) + BigInt(approval?.feeWei ?? 0)
}

/** What came to somebody of each token, negative what left; tokens of which nothing changed left out. */
export function balance(transfers: readonly Calls.Transfer[], owner: Hex.Hex) {
  return [...new Set(transfers.map(({ token }) => token))]
    .map((token) => ({ token, atoms: -Calls.left(transfers, token, owner) }))
    .filter(({ atoms }) => atoms !== 0n)
}

/** Why what moved is not what was stated: more left, or something else did; undefined if it is. */
export function excess(
  transfers: readonly Calls.Transfer[],
  owner: Hex.Hex,
  { asset, mostAtoms }: { readonly asset: Asset.Asset; readonly mostAtoms: bigint },
): string | undefined {
  const { address } = Asset.parts(asset.id)
  for (const { token, atoms } of balance(transfers, owner)) {
    if (token === address && -atoms > mostAtoms)
      return `${-atoms} atoms of ${asset.symbol} leave, ${mostAtoms} stated`
    if (token !== address && atoms < 0n) return `${-atoms} atoms of ${token} leave, none stated`
  }
  return undefined
}

function malformed(path: string, what: string): InputError {
  return new InputError(`expected a transaction: ${path}: ${what}`, {
    code: 'call-malformed',
    facts: { path },
  })
}
