/**
 * @module What an operator does beside a running agent: answers reviews, freezes and thaws, asks what the
 * policy would say. Every answer is a record in the agent's log before it takes effect.
 */
import * as Purchases from '../economy/Purchases.ts'
import * as PurchaseTerms from '../economy/PurchaseTerms.ts'
import { BaseError, InputError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Budget from '../policies/Budget.ts'
import * as Freeze from '../policies/Freeze.ts'
import type * as Policy from '../policies/Policy.ts'
import type * as Books from '../store/Books.ts'
import type { Buyer, Outcome, Review } from './Buyer.ts'
import type { Order } from './Effect.ts'
import type * as Purchasing from './Purchasing.ts'
import * as Resumption from './Resumption.ts'
import * as Slice from './Slice.ts'

/** What the operator's door needs of the buyer. */
export type Ports = {
  readonly books: Books.Books
  readonly dir: string
  /** The policy in force. */
  readonly policies: () => Policy.Policy
  readonly salt: () => Hex
  /** Buys what is asked for under a run and a step. */
  readonly order: (
    order: Order,
    asked: Pick<Purchasing.Asked, 'run' | 'step' | 'slices'>,
  ) => Promise<Outcome>
}

/** The operator's part of a buyer. */
export function of(
  ports: Ports,
): Pick<Buyer, 'reviews' | 'approve' | 'decline' | 'freeze' | 'thaw' | 'freezes' | 'explain'> {
  const { books, dir, policies, salt } = ports
  const { purchases } = books.state
  return {
    reviews: () =>
      [...purchases.purchases.values()].filter(isOpen).map((each) => review(purchases, each)),
    async approve(id, { by, ceilingAtoms }) {
      const purchase = underReview(id)
      expectApprover([policies(), ...sliced(purchase)], by)
      const { key } = purchase.decided
      // The price: the fresh quote may have less change to apply than this one had.
      const ceiling = ceilingAtoms ?? BigInt(PurchaseTerms.of(purchase.decided).maxAtoms)
      const event = {
        type: 'approved',
        purchase: id,
        by,
        ceilingAtoms: ceiling.toString(),
      } as const
      // Read before it is recorded: what cannot be gone on with is not approved.
      const order = Resumption.orderOf(dir, purchase.id)
      await books.record([{ event, causes: cause(purchase) }])
      return ports.order(order, { run: key.run, step: key.step, ...Slice.of(purchase) })
    },
    async decline(id, { by, because }) {
      const purchase = underReview(id)
      expectApprover([policies(), ...sliced(purchase)], by)
      const event = { type: 'declined', purchase: id, by, because: words(because) } as const
      await books.record([{ event, causes: cause(purchase) }])
    },
    async freeze(target, { by, because }) {
      const event = { type: 'froze', salt: salt(), target, by: words(by) } as const
      await books.record([{ event: { ...event, because: words(because) } }])
    },
    async thaw(target, { by }) {
      if (!purchases.usage.freezes.has(Freeze.key(target)))
        throw new BaseError(`${Freeze.key(target)} is not frozen`, {
          code: 'not-frozen',
          hint: 'requite policy status shows what is',
        })
      await books.record([{ event: { type: 'thawed', salt: salt(), target, by: words(by) } }])
    },
    freezes: () => [...purchases.usage.freezes.values()],
    explain: (request) => Budget.explain(purchases.usage, policies(), request, books.now()),
  }

  function isOpen(purchase: Purchases.Purchase): boolean {
    const isWaiting = Purchases.isWaiting(purchases, purchase, books.now())
    return isWaiting && purchase.approved === undefined
  }

  function underReview(id: Hex): Purchases.Purchase {
    const purchase = purchases.purchases.get(id)
    if (purchase !== undefined && isOpen(purchase)) return purchase
    const said = purchase === undefined ? 'is not known' : `is ${purchase.status}`
    throw new BaseError(`purchase ${id} is not under review: it ${said}`, {
      code: 'not-under-review',
      hint: 'requite policy approvals lists what waits; a review that nobody answers expires',
      facts: { purchase: id },
    })
  }

  function sliced({ decided }: Purchases.Purchase): Policy.Policy[] {
    return (decided.slices ?? []).map(({ policyDigest }) => purchases.policies.get(policyDigest)!)
  }

  function cause({ leaves }: Purchases.Purchase) {
    return [{ origin: books.origin, leaf: leaves.at(-1)! }]
  }
}

function review({ usage }: Purchases.Purchases, purchase: Purchases.Purchase): Review {
  const { reasons } = purchase.decided
  const terms = PurchaseTerms.of(purchase.decided)
  const asking = reasons.find(({ outcome }) => outcome === 'review')
  return {
    purchase: purchase.id,
    payee: terms.payTo,
    model: terms.model,
    atoms: BigInt(terms.payAtoms),
    because: String(asking?.because ?? 'under review'),
    expiresAtMs: usage.reviews.get(purchase.hold)!,
  }
}

/** Only whom the policy, or that of a slice which asks as well, names may answer for it. */
function expectApprover(policies: readonly Policy.Policy[], by: string): void {
  const names = policies.flatMap(({ rules }) =>
    rules.flatMap((rule) => (rule.rule === 'approve-above' ? rule.by : [])),
  )
  if (names.includes(by)) return
  const expected = names.length === 0 ? 'nobody: no sentence asks' : names.join(' or ')
  throw new InputError(`expected an approver whom the policy names: ${expected}, got ${by}`)
}

function words(text: string): string {
  if (text.trim() !== '' && text.length <= 200 && text.isWellFormed()) return text
  throw new InputError('expected 1 to 200 characters that say who or why')
}
