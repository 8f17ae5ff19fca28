/** @module Traffic: what an agent's policy was asked, as its journal recorded it, and how each request went. */
import type * as Economy from '../economy/Economy.ts'
import type * as Event from '../economy/Event.ts'
import * as PolicyRequest from '../economy/PolicyRequest.ts'
import * as Purchases from '../economy/Purchases.ts'
import type { Hex } from '../kernel/Hex.ts'
import type * as Simulation from '../policies/Simulation.ts'
import * as Fold from './Fold.ts'

/** Every request that was decided, in the order of the log, with its purchase. */
export type Traffic = readonly (Simulation.Recorded & { readonly purchase: Hex })[]

/** Reads it from a journal, beside its writer or without one. Throws what {@link Fold.journal} does. */
export function read(file: string, onStep?: Fold.OnStep): Traffic {
  const found = new Map<Hex, Simulation.Recorded & { readonly purchase: Hex }>()
  const settle = (purchase: Hex, settledAtMs: number, atoms?: string) => {
    const before = found.get(purchase)
    if (before === undefined) return
    const paid = atoms === undefined ? {} : { capturedAtoms: BigInt(atoms) }
    found.set(purchase, { ...before, settledAtMs, ...paid })
  }
  Fold.journal(file, {
    ...(onStep === undefined ? {} : { onStep }),
    onRecord(event, atMs, { purchases }) {
      if (event.type === 'decided') found.set(event.purchase, recorded(event, atMs, purchases))
      if (event.type === 'captured' || event.type === 'disputed')
        settle(event.purchase, atMs, event.atoms)
      if (event.type === 'voided') settle(event.purchase, atMs)
    },
  })
  return [...found.values()]
}

function recorded(
  event: Event.Of<'decided'>,
  atMs: number,
  state: Purchases.Purchases,
): Simulation.Recorded & { readonly purchase: Hex } {
  const { purchase, verdict: outcome } = event
  const approved = event.approved === undefined ? undefined : state.purchases.get(event.approved)
  const { hold } = state.purchases.get(purchase)!
  const host = String(event.request.host)
  const approval = approved && Purchases.approvalOf(approved)
  return { purchase, atMs, outcome, request: PolicyRequest.of(event, { host, hold, approval }) }
}

/** How a trial went that was recorded with the decisions it would have made. */
export type Trial = {
  readonly decided: number
  readonly differing: readonly {
    readonly purchase: Hex
    readonly verdict: string
    readonly trial: string
    readonly because: string | undefined
  }[]
}

/** The trial of one version, by its digest: what it was asked, and where it said other than was decided. */
export function trial({ purchases }: Economy.Economy['purchases'], digest: Hex): Trial {
  const tried = [...purchases.values()].filter(
    ({ decided }) => decided.shadow?.policyDigest === digest,
  )
  return {
    decided: tried.length,
    differing: tried.flatMap(({ id, decided: { verdict, shadow } }) =>
      shadow!.verdict === verdict
        ? []
        : [{ purchase: id, verdict, trial: shadow!.verdict, because: shadow!.because }],
    ),
  }
}
