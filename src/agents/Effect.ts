/**
 * @module Effects: what one state of a purchase does in the world, what it needs of the world, and what all
 * of them say alike.
 */
import { assert } from '../kernel/Assert.ts'
import type * as Asset from '../kernel/Asset.ts'
import { BaseError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import type * as Policy from '../policies/Policy.ts'
import type { Cause } from '../provenance/Record.ts'
import type * as Books from '../store/Books.ts'
import type * as Requests from '../store/Requests.ts'
import type { Chain } from '../wallets/Chain.ts'
import type { Wallet } from '../wallets/Wallet.ts'
import type * as Purchase from './Purchase.ts'
import type { Runtime } from './Runtime.ts'
import type * as Spoken from './Spoken.ts'

/** A slice of the budget, and its policy now. */
export type Level = { readonly name: string; readonly policy: Policy.Policy }

/** What the effects need of the world. */
export type Ports = {
  readonly runtime: Runtime
  readonly books: Books.Books
  readonly wallet: Wallet
  readonly chain: Chain
  readonly asset: Asset.Asset
  readonly dir: string
  /** The policy in force for this purchase, and one on trial. */
  readonly policy: Policy.Policy
  readonly shadow?: Policy.Policy
  /** The slices of the budget that decide besides, the innermost first. */
  readonly slices?: readonly Level[]
  /** The caller's: cancels what is not signed yet, and ends an answer that is streamed. */
  readonly signal?: AbortSignal
  /** The caller's: a dearer quote is refused. */
  readonly mostAtoms?: bigint
  /** Tells the caller what is streamed. */
  readonly relay?: Spoken.Relay
  /** This process is about to end: what waits stops waiting, and is found again in the journal. */
  readonly closing?: AbortSignal
}

/** What is bought. */
export type Order = Requests.Order

/** An order as the chat request that it is. Asserts that it is one. */
export function chat(order: Order): Requests.Chat {
  assert(order.kind === undefined, 'an order for an answer of a model')
  return order
}

/** What one state does. */
export type Effect = (
  ports: Ports,
  order: Order,
  context: Purchase.Context,
) => Promise<Purchase.Result>

/** Words as a record's label takes them. */
export function label(text: string): string {
  return text.toWellFormed().slice(0, 199).toWellFormed() || 'no reason given'
}

/** The caller does not want it any more, and nothing is signed. */
export function cancelled(event: string): Purchase.Result {
  return { event, patch: { because: 'the caller cancelled the purchase', code: 'aborted' } }
}

/** A failure of the world as the end of a state; a bug stays one. */
export function refusal(event: string, error: unknown): Purchase.Result {
  if (!(error instanceof BaseError)) throw error
  return { event, patch: { because: error.message, code: error.code } }
}

/** The purchase's last record. */
export function cause({ books }: Pick<Ports, 'books'>, purchase: Hex): [Cause] {
  const leaf = books.state.purchases.purchases.get(purchase)!.leaves.at(-1)!
  return [{ origin: books.origin, leaf }]
}
