/**
 * @module Economy: the one fold. State follows from the log and from nothing else; replaying the same
 * records gives the same balances, meters and roots, byte for byte.
 */
import type * as Record from '../provenance/Record.ts'
import * as Event from './Event.ts'
import * as Payouts from './Payouts.ts'
import * as Prepaid from './Prepaid.ts'
import * as Purchases from './Purchases.ts'
import * as Runs from './Runs.ts'
import * as Sales from './Sales.ts'

/** All that follows from one log. */
export type Economy = {
  opened: Event.Of<'opened'> | undefined
  readonly sales: Sales.Sales
  readonly purchases: Purchases.Purchases
  readonly runs: Runs.Runs
}

/** Before the first record. */
export function empty(): Economy {
  return {
    opened: undefined,
    sales: Sales.empty(),
    purchases: Purchases.empty(),
    runs: Runs.empty(),
  }
}

/**
 * Takes one more record. Returns why it cannot follow from what happened before, or undefined; the event
 * is parsed strictly first (`InputError`). A state that returned a fault is not to be used further.
 */
export function apply(economy: Economy, record: Record.Record): Sales.Fault {
  const event = Event.parse(record.event)
  if (record.id !== Event.id(event)) return `record id ${record.id}, expected ${Event.id(event)}`
  if (economy.opened === undefined && event.type !== 'opened')
    return 'a log that does not open with `opened`'
  const fault = dispatch(economy, event, record)
  if (fault === undefined && moves.has(event.type)) Sales.assertConserved(economy.sales)
  return fault
}

/** Events after which a balance may differ. */
const moves: ReadonlySet<Event.Type> = new Set([
  'served',
  'funded',
  'unfunded',
  'accepted',
  'returned',
  'published',
  'claimed',
])

function dispatch(economy: Economy, event: Event.Event, at: Sales.Place): Sales.Fault {
  const { sales, purchases } = economy
  switch (event.type) {
    case 'opened':
      if (economy.opened !== undefined) return 'a log opened twice'
      economy.opened = event
      sales.outputSalt = event.salt
      return undefined
    case 'registered':
      return Sales.registered(sales, event)
    case 'committed':
      return Sales.committed(sales, event)
    case 'revealed':
      return Sales.revealed(sales, event)
    case 'quoted':
      return Sales.quoted(sales, event, at.leaf)
    case 'accepted':
      return Prepaid.accepted(sales, event, at)
    case 'served':
      return Sales.served(sales, event, at)
    case 'funded':
      return Sales.funded(sales, event, at)
    case 'unfunded':
      return Sales.unfunded(sales, event, at)
    case 'returned':
      return Prepaid.returned(sales, event, at)
    case 'closing':
      return Payouts.closing(sales, event, at, BigInt(economy.opened!.scale))
    case 'published':
      return Payouts.published(sales, event, at.leaf)
    case 'claimed':
      return Payouts.claimed(sales, event)
    case 'redirected':
      return Payouts.redirected(sales, event)
    case 'adopted':
      return Purchases.adopted(purchases, event)
    case 'decided':
      return Purchases.decided(purchases, event, at)
    case 'approved':
      return Purchases.approved(purchases, event, at)
    case 'declined':
      return Purchases.declined(purchases, event, at)
    case 'froze':
      return Purchases.froze(purchases, event, at)
    case 'thawed':
      return Purchases.thawed(purchases, event)
    case 'held':
      return Purchases.held(purchases, event, at)
    case 'paying':
      return Purchases.paying(purchases, event, at)
    case 'captured':
      return Purchases.captured(purchases, event, at)
    case 'disputed':
      return Purchases.disputed(purchases, event, at)
    case 'refunded':
      return Purchases.refunded(purchases, event, at)
    case 'moved':
      return Runs.moved(economy.runs, event, at)
    case 'voided':
      return Purchases.voided(purchases, event, at)
  }
}
