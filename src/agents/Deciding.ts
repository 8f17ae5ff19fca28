/**
 * @module Deciding: a quote before the policy. The verdict, every rule's reason and the hold are one entry
 * of the journal; a policy on trial is asked beside it, without effect.
 */
import * as PolicyRequest from '../economy/PolicyRequest.ts'
import * as Purchases from '../economy/Purchases.ts'
import * as PurchaseTerms from '../economy/PurchaseTerms.ts'
import * as Json from '../kernel/Json.ts'
import * as Budget from '../policies/Budget.ts'
import * as Policy from '../policies/Policy.ts'
import type * as Books from '../store/Books.ts'
import * as Requests from '../store/Requests.ts'
import type { Effect, Level, Order, Ports } from './Effect.ts'
import * as Purchase from './Purchase.ts'

/** Asks the policy, and records what it says before anything follows from it. */
export const decide: Effect = async (ports, order, context) => {
  const { books, policy, shadow, dir } = ports
  const { purchase, key, approved } = context
  const on = decidedOn(context)
  const { payAtoms } = PurchaseTerms.of(on)
  const { usage, purchases } = books.state.purchases
  const atMs = books.now()
  const reviewed = approved === undefined ? undefined : purchases.get(approved)
  const request = PolicyRequest.of(
    { key, ...on },
    {
      ...statedBy(order),
      hold: reviewed?.hold ?? purchase,
      approval: reviewed && Purchases.approvalOf(reviewed),
    },
  )
  const { slices = [] } = ports
  const { verdict, reasons, decidedBy } = Budget.explainAt(levels(ports), request, atMs)
  const trial = shadow && Budget.explain(usage, shadow, request, atMs)
  const decided = {
    type: 'decided',
    ...{ purchase, key, ...on, verdict },
    policyDigest: Policy.digest(policy),
    ...named(slices),
    request: Json.members(request),
    reasons: Json.plain(reasons) as { [key: string]: unknown }[],
    ...(approved === undefined ? {} : { approved }),
    ...(context.choice === undefined ? {} : { choice: context.choice }),
    ...(trial === undefined ? {} : { shadow: tried(trial, shadow!) }),
    transition: Purchase.edge('deciding', verdict),
  } as const
  const held = { type: 'held', purchase, atoms: payAtoms } as const
  // Whoever approves it goes on with it.
  if (verdict === 'review') Requests.put(dir, purchase, order)
  await books.record(
    [
      ...adoptions(books, [policy, shadow, ...slices.map((slice) => slice.policy)]),
      { event: decided },
      ...(verdict === 'allow' ? [{ event: held }] : []),
    ],
    { atMs },
  )
  const because = decidedBy?.because
  const code = verdict === 'review' ? 'needs-approval' : undefined
  const said = { ...(because ? { because } : {}), ...(code ? { code } : {}) }
  return { event: verdict, patch: { verdict, reasons, ...said } }
}

/** Whose rules decide: a slice's, those of what it is cut from, and the whole budget's. */
export function levels({
  books,
  policy,
  slices = [],
}: Pick<Ports, 'books' | 'policy' | 'slices'>): Budget.Levels {
  const { usage, slices: known } = books.state.purchases
  const within = slices.map((slice) => ({
    usage: known.get(slice.name) ?? Budget.empty(),
    policy: slice.policy,
  }))
  return [...within, { usage, policy }] as unknown as Budget.Levels
}

function named(slices: readonly Level[]) {
  if (slices.length === 0) return {}
  const told = slices.map(({ name, policy }) => ({ name, policyDigest: Policy.digest(policy) }))
  return { slices: told }
}

/** A signed quote and its card, or terms that nobody signed. */
function decidedOn({ quote: signed, offer, terms }: Purchase.Context) {
  if (terms !== undefined) return { terms }
  const { quote, signature } = signed!
  return { quote, signature, card: offer!.card }
}

function statedBy(order: Order) {
  if (order.kind === undefined) return { host: new URL(order.baseUrl).host }
  const { tool, category } = order
  return {
    ...(tool === undefined ? {} : { tool }),
    ...(category === undefined ? {} : { category }),
  }
}

/** Records of policies that the log does not know yet. */
function adoptions(books: Books.Books, policies: readonly (Policy.Policy | undefined)[]) {
  const known = books.state.purchases.policies
  const unknown = new Map(
    policies.flatMap((policy) => (policy === undefined ? [] : [[Policy.digest(policy), policy]])),
  )
  return [...unknown]
    .filter(([digest]) => !known.has(digest))
    .map(([digest, policy]) => ({
      event: { type: 'adopted', digest, policy: Json.members(policy) } as const,
    }))
}

/** Of an id that is known the decision names the policy it was made under: it is not the one on trial. */
function tried({ verdict, decidedBy }: Budget.Decision, shadow: Policy.Policy) {
  const policyDigest = Policy.digest(shadow)
  return { policyDigest, verdict, ...(decidedBy && { because: decidedBy.because }) }
}
