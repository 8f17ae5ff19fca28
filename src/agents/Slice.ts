/**
 * @module Slices: a sub-agent's part of a budget. It pays with the same wallet into the same journal; what
 * it buys passes its own, narrower policy and that of all it is cut from, and is held on all of them at
 * once. Nothing that it is given leads back to the whole.
 */
import type * as Purchases from '../economy/Purchases.ts'
import * as PurchaseTerms from '../economy/PurchaseTerms.ts'
import { BaseError, InputError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Budget from '../policies/Budget.ts'
import type * as Policy from '../policies/Policy.ts'
import type * as Books from '../store/Books.ts'
import type { Buyer } from './Buyer.ts'
import * as Deciding from './Deciding.ts'
import type { Level } from './Effect.ts'
import type * as Purchasing from './Purchasing.ts'

/** Whatever a buyer and a slice pay for. */
export type Buying = Pick<Buyer, 'buy' | 'fetch' | 'transact'>

/** A sub-agent's part of a buyer: it buys, and sees what it may. */
export type Slice = Pick<
  Buyer,
  | ('name' | 'address' | 'asset' | 'dir' | 'journal')
  | keyof Buying
  | ('approve' | 'status' | 'explain' | 'spentAtoms' | 'run' | 'slice')
>

/** How a slice is cut. */
export type Cut = {
  readonly name: string
  /** Its policy, or the path of a policy file that is read again before each purchase. */
  readonly policy: Policy.Policy | string
}

/** What a slice needs of the buyer that it is cut from. */
export type Ports = {
  readonly books: Books.Books
  readonly whole: Pick<Buyer, 'address' | 'asset' | 'dir' | 'journal' | 'approve' | 'run'>
  /** The policy of the whole budget. */
  readonly policies: () => Policy.Policy
  /** A policy's source, by how it was given. */
  readonly sourceOf: (policy: Policy.Policy | string) => () => Policy.Policy
  /** Policies of the slices cut in this process, by name. */
  readonly known: Map<string, () => Policy.Policy>
  readonly buying: (slices: readonly string[]) => Buying
}

/** Cuts a slice; `within` names what it is cut from. Throws `InputError` for another asset or a bad name. */
export function cut(ports: Ports, { name, policy }: Cut, within: readonly string[] = []): Slice {
  const { books, whole, policies, known } = ports
  if (!/^[^\s/][^/]{0,60}$/.test(name))
    throw new InputError('expected a slice’s name of 1 to 61 characters without a slash')
  if (within.length >= 7) throw new InputError('expected at most eight slices in one another')
  const source = ports.sourceOf(policy)
  const { asset } = source()
  if (asset.id !== policies().asset.id)
    throw new InputError(`expected a slice in ${policies().asset.id}, got ${asset.id}`)
  const own = [...within.slice(0, 1), name].join('/')
  const slices = [own, ...within]
  known.set(own, source)
  const at = () => levels(ports, slices)
  const { purchases } = books.state
  const isOwn = (id: Hex) => purchases.purchases.get(id)?.decided.slices?.[0]?.name === own
  return {
    name: own,
    ...{ address: whole.address, asset: whole.asset, dir: whole.dir, journal: whole.journal },
    ...ports.buying(slices),
    async approve(id, answer) {
      if (isOwn(id)) return whole.approve(id, answer)
      throw new BaseError(`purchase ${id} is not under review in the slice ${own}`, {
        code: 'not-under-review',
        facts: { purchase: id },
      })
    },
    status: () =>
      at().flatMap(({ usage, policy }) => [...Budget.status(usage, policy, books.now())]),
    explain: (request) => Budget.explainAt(at(), request, books.now()),
    spentAtoms: () => spentAtoms(purchases, own, asset.id),
    run: () => whole.run(),
    slice: (inner) => cut(ports, inner, slices),
  }
}

/** The levels that slices of these names are decided on. */
function levels({ books, policies, known }: Ports, slices: readonly string[]): Budget.Levels {
  return Deciding.levels({ books, policy: policies(), slices: policiesOf(books, known, slices) })
}

/** The policies of slices: those of this process, else the last that the journal knows. */
export function policiesOf(
  books: Books.Books,
  known: ReadonlyMap<string, () => Policy.Policy>,
  slices: readonly string[],
): Level[] {
  return slices.map((name) => {
    const policy = known.get(name)?.() ?? last(books.state.purchases, name)
    if (policy !== undefined) return { name, policy }
    throw new BaseError(`the slice ${name} was not cut in this process`, {
      code: 'slice-unknown',
      hint: 'cut it again with buyer.slice before its purchases are gone on with',
    })
  })
}

function last({ policies, purchases }: Purchases.Purchases, name: string) {
  for (const { decided } of [...purchases.values()].reverse())
    for (const slice of decided.slices ?? [])
      if (slice.name === name) return policies.get(slice.policyDigest)
  return undefined
}

/** Signed away in a slice, and in those cut from it, of its own asset. */
function spentAtoms({ purchases }: Purchases.Purchases, name: string, unit: string): bigint {
  let sum = 0n
  for (const { status, decided } of purchases.values()) {
    const { asset, payAtoms } = PurchaseTerms.of(decided)
    const isSpent = /^(captured|disputed|refunded)$/.test(status) && asset.id === unit
    if (isSpent && isWithin(decided, name)) sum += BigInt(payAtoms)
  }
  return sum
}

function isWithin({ slices = [] }: Purchases.Purchase['decided'], name: string): boolean {
  return slices.some((slice) => slice.name === name)
}

/** The slices that a purchase was decided in, as they are asked for again. */
export function of({ decided }: Purchases.Purchase): Pick<Purchasing.Asked, 'slices'> {
  const slices = decided.slices?.map(({ name }) => name)
  return slices === undefined ? {} : { slices }
}
