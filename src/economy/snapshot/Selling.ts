/**
 * @module Selling: the seller's half of a state as sections, and back. What grows with the log are tables
 * of places in it; a receipt, a quote or a payment is read from its record when somebody wants it.
 */
import { assert } from '../../kernel/Assert.ts'
import type { Hex } from '../../kernel/Hex.ts'
import type * as Accrual from '../../royalties/Accrual.ts'
import * as Epoch from '../../royalties/Epoch.ts'
import * as Earnings from '../Earnings.ts'
import * as Prepaid from '../Prepaid.ts'
import type * as Sales from '../Sales.ts'
import * as Archive from './Archive.ts'
import * as Memory from './Memory.ts'
import * as Plain from './Plain.ts'
import * as Source from './Source.ts'
import * as Table from './Table.ts'

const none = 0xffffffff
const layouts = {
  sales: { key: 32, leaf: 4, status: 1, fundedLeaf: 4 },
  quotes: { key: 32, leaf: 4, used: 1 },
  payments: { payer: 20, nonce: 32, receipt: 32 },
  prepaid: { payer: 20, nonce: 32, leaf: 4, status: 1, fundedLeaf: 4, endLeaf: 4 },
  receipts: { key: 32, status: 1, disputeMs: 8, servedAtMs: 8, fundedAtMs: 8 },
  published: { key: 32 },
} as const

const saleStatuses = ['served', 'funded', 'unfunded'] as const
const entryStatuses = ['served', 'funded', 'published', 'reversed'] as const

/** What is small, as it is. */
type Rest = Pick<
  Sales.Sales,
  | 'cards'
  | 'reservations'
  | 'change'
  | 'redirects'
  | 'openPrepaid'
  | 'outputSalt'
  | 'roundingNano'
  | 'receivedAtoms'
  | 'receivableAtoms'
  | 'nextSeq'
  | 'lastReceipt'
> & {
  readonly accruals: Pick<
    Accrual.Accruals,
    'balances' | 'gathered' | 'fundedAhead' | 'leaves' | 'tally'
  >
  readonly accrued: (Pick<Accrual.Epoch, 'rootWord' | 'depth' | 'totalAtoms'> & { count: number })[]
  readonly epochs: (Pick<Sales.EpochState, 'epoch' | 'leaf' | 'publishedLeaf'> &
    Pick<Epoch.Proposal, 'scale' | 'increaseAtoms'>)[]
}

/** The sections of a node's state. */
export function encode(sales: Sales.Sales): Source.Section[] {
  const { cards, reservations, change, redirects, openPrepaid, outputSalt, accruals } = sales
  const { balances, gathered, fundedAhead, leaves, tally, lineage } = accruals
  const { roundingNano, receivedAtoms, receivableAtoms, nextSeq, lastReceipt } = sales
  const rest: Rest = {
    ...{ cards, reservations, change, redirects, openPrepaid, outputSalt },
    ...{ roundingNano, receivedAtoms, receivableAtoms, nextSeq, lastReceipt },
    accruals: { balances, gathered, fundedAhead, leaves, tally },
    accrued: accruals.epochs.map(({ rootWord, depth, totalAtoms, receipts }) => {
      return { rootWord, depth, totalAtoms, count: receipts.length }
    }),
    epochs: sales.epochs.map(({ epoch, leaf, publishedLeaf, proposal }) => {
      const { scale, increaseAtoms } = proposal
      return { epoch, leaf, scale, increaseAtoms, ...(publishedLeaf && { publishedLeaf }) }
    }),
  }
  const published = Table.write(layouts.published)
  for (const { receipts } of accruals.epochs) for (const key of receipts) published.add({ key })
  return [
    { name: 'selling', bytes: Plain.encode(rest) },
    ...tables(sales),
    { name: 'published', bytes: published.bytes() },
    { name: 'leaves', bytes: Plain.encode(sales.epochs.map((one) => lines(one.proposal))) },
    { name: 'datanet', bytes: Plain.encode({ datanet: sales.datanet }) },
    { name: 'artifacts', bytes: Plain.encode(sales.artifacts) },
    { name: 'lineage', bytes: Plain.encode(lineage) },
    { name: 'claims', bytes: Plain.encode(sales.claims) },
    { name: 'outputs', bytes: Memory.encode(sales.outputs) },
  ]
}

function lines({ leaves }: Epoch.Proposal): string {
  return Epoch.toLines(leaves)
}

function tables(sales: Sales.Sales): Source.Section[] {
  const part = <L extends Table.Layout, V>(
    name: string,
    of: { layout: L; map: ReadonlyMap<string, V>; row: (key: string, value: V) => Row<L> },
  ) => {
    const table = Table.write(of.layout)
    Archive.each(of.map, {
      row: table.copy,
      entry: (key, value) => table.add(of.row(key, value)),
    })
    return { name, bytes: table.bytes() }
  }
  return [
    part('sales', {
      layout: layouts.sales,
      map: sales.sales,
      row: (key, { leaf, status, fundedLeaf = none }) => ({
        ...{ key: key as Hex, leaf, fundedLeaf },
        status: saleStatuses.indexOf(status),
      }),
    }),
    part('quotes', {
      layout: layouts.quotes,
      map: sales.quotes,
      row: (key, { leaf, used }) => ({ key: key as Hex, leaf, used: Number(used) }),
    }),
    part('payments', {
      layout: layouts.payments,
      map: sales.payments,
      row(key, receipt) {
        const [payer, nonce] = key.split('/') as [Hex, Hex]
        return { payer, nonce, receipt }
      },
    }),
    part('prepaid', {
      layout: layouts.prepaid,
      map: sales.prepaid,
      row(key, { leaf, status, fundedLeaf = none, endLeaf = none }) {
        const [payer, nonce] = key.split('/') as [Hex, Hex]
        const places = { leaf, fundedLeaf, endLeaf }
        return { payer, nonce, status: Prepaid.statuses.indexOf(status), ...places }
      },
    }),
    part('receipts', {
      layout: layouts.receipts,
      map: sales.accruals.receipts,
      row: (key, { status, disputeMs, servedAtMs = Number.NaN, fundedAtMs = Number.NaN }) => ({
        ...{ key: key as Hex, disputeMs, servedAtMs, fundedAtMs },
        status: entryStatuses.indexOf(status),
      }),
    }),
  ]
}

type Row<L extends Table.Layout> = { readonly [F in keyof L]: number | Hex }

/** The state of a node's sections. Throws `InputError` for what no state has. */
export function decode(source: Source.Source): Sales.Sales {
  const rest = Plain.decode(Source.section(source, 'selling')) as Rest
  const plain = <T>(name: string) =>
    Source.cell(() => Plain.decode(Source.section(source, name)) as T)
  const datanet = plain<Pick<Sales.Sales, 'datanet'>>('datanet')
  const artifacts = plain<Sales.Sales['artifacts']>('artifacts')
  const lineage = plain<Accrual.Accruals['lineage']>('lineage')
  const claims = plain<Sales.Sales['claims']>('claims')
  const { accruals, accrued: _, epochs, ...figures } = rest
  const soldAt = sold(source)
  const outputs = Source.cell(() => Memory.decode(source, { salt: rest.outputSalt, sales: soldAt }))
  const sales: Sales.Sales = {
    ...figures,
    get datanet() {
      return datanet.get().datanet
    },
    set datanet(value) {
      datanet.set({ datanet: value })
    },
    get artifacts() {
      return artifacts.get()
    },
    get claims() {
      return claims.get()
    },
    get outputs() {
      return outputs.get()
    },
    set outputs(value) {
      outputs.set(value)
    },
    quotes: quotes(source),
    sales: soldAt,
    payments: payments(source),
    prepaid: prepaid(source),
    accruals: {
      ...accruals,
      get lineage() {
        return lineage.get()
      },
      receipts: entries(source, () => sales),
      epochs: accrued(source, rest),
    },
    epochs: epochs.map((one, at) => epochState(source, one, at)),
  }
  return sales
}

function quotes(source: Source.Source): Sales.Sales['quotes'] {
  const table = Table.read(layouts.quotes, Source.section(source, 'quotes'))
  return Archive.open({
    ...Table.keyed(table, 'key'),
    make(row) {
      const leaf = table.number(row, 'leaf')
      const quoted = Source.lazily(() => Source.event(source, leaf, 'quoted').event)
      return {
        get quote() {
          return quoted().quote
        },
        used: table.number(row, 'used') === 1,
        leaf,
      }
    },
  })
}

function sold(source: Source.Source): Sales.Sales['sales'] {
  const table = Table.read(layouts.sales, Source.section(source, 'sales'))
  return Archive.open({
    ...Table.keyed(table, 'key'),
    make(row): Sales.Sale {
      const leaf = table.number(row, 'leaf')
      const fundedLeaf = table.number(row, 'fundedLeaf')
      const served = Source.lazily(() => Source.event(source, leaf, 'served').event)
      const sale: Sales.Sale = {
        get receipt() {
          return served().receipt
        },
        receiptHash: table.hex(row, 'key'),
        get signature() {
          return served().signature
        },
        get payment() {
          return served().payment
        },
        get spans() {
          return served().evidence
        },
        leaf,
        status: saleStatuses[table.number(row, 'status')]!,
      }
      return withEvidence(source, sale, fundedLeaf)
    },
  })
}

function payments(source: Source.Source): Sales.Sales['payments'] {
  const table = Table.read(layouts.payments, Source.section(source, 'payments'))
  return Archive.open({ ...paired(table), make: (row) => table.hex(row, 'receipt') })
}

/** Rows that are found by `payer/nonce`. */
function paired<L extends { readonly payer: 20; readonly nonce: 32 } & Table.Layout>(
  table: Table.Table<L>,
) {
  return {
    ...Table.keyed(table, 'nonce'),
    keyOf: (row: number) => `${table.hex(row, 'payer')}/${table.hex(row, 'nonce')}`,
    hash: (key: string) => Table.hash(key.slice(45, 53)),
  }
}

function prepaid(source: Source.Source): Sales.Sales['prepaid'] {
  const table = Table.read(layouts.prepaid, Source.section(source, 'prepaid'))
  return Archive.open({
    ...paired(table),
    make(row): Prepaid.Prepaid {
      const leaf = table.number(row, 'leaf')
      const accepted = Source.lazily(() => Source.event(source, leaf, 'accepted').event)
      const endLeaf = table.number(row, 'endLeaf')
      const one: Prepaid.Prepaid = {
        get quoteHash() {
          return accepted().quoteHash
        },
        get payment() {
          return accepted().payment
        },
        leaf,
        status: Prepaid.statuses[table.number(row, 'status')]!,
        ...(endLeaf === none ? {} : { endLeaf }),
      }
      return withEvidence(source, one, table.number(row, 'fundedLeaf'))
    },
  })
}

/** What was funded shows it by the record at that place. */
function withEvidence<T extends Sales.Sale | Prepaid.Prepaid>(
  source: Source.Source,
  one: T,
  fundedLeaf: number,
): T {
  if (fundedLeaf === none) return one
  const evidence = () => Source.event(source, fundedLeaf, 'funded').event.evidence
  one.fundedLeaf = fundedLeaf
  return Object.defineProperty(one, 'evidence', { get: Source.lazily(evidence), enumerable: true })
}

/** Earnings follow from a receipt and its artifacts, which never change once they have earned. */
function entries(source: Source.Source, sales: () => Sales.Sales): Map<Hex, Accrual.Entry> {
  const table = Table.read(layouts.receipts, Source.section(source, 'receipts'))
  return Archive.open({
    ...Table.keyed(table, 'key'),
    make(row): Accrual.Entry {
      const key = table.hex(row, 'key')
      const time = (field: 'servedAtMs' | 'fundedAtMs') => {
        const atMs = table.number(row, field)
        return Number.isNaN(atMs) ? {} : { [field]: atMs }
      }
      const earnings = Source.lazily(() => {
        const sale = sales().sales.get(key)
        assert(sale !== undefined, 'a sale for each receipt that earns')
        return Earnings.of(sales(), sale.receipt)
      })
      return {
        status: entryStatuses[table.number(row, 'status')]!,
        get postings() {
          return earnings().postings
        },
        get gathered() {
          return earnings().gathered
        },
        disputeMs: table.number(row, 'disputeMs'),
        ...time('servedAtMs'),
        ...time('fundedAtMs'),
      }
    },
  })
}

function accrued(source: Source.Source, { accrued }: Rest): Accrual.Epoch[] {
  const table = Table.read(layouts.published, Source.section(source, 'published'))
  let first = 0
  return accrued.map(({ count, ...epoch }) => {
    const start = first
    first += count
    const receipts = Source.lazily(() =>
      Array.from({ length: count }, (_, at) => table.hex(start + at, 'key')),
    )
    return {
      ...epoch,
      get receipts() {
        return receipts()
      },
    }
  })
}

function epochState(
  source: Source.Source,
  { epoch, leaf, publishedLeaf, scale, increaseAtoms }: Rest['epochs'][number],
  at: number,
): Sales.EpochState {
  const closing = Source.lazily(() => Source.event(source, leaf, 'closing'))
  const proposal = Source.lazily((): Epoch.Proposal => {
    const { record, event } = closing()
    const texts = Plain.decode(Source.section(source, 'leaves')) as string[]
    return {
      ...{ receipts: event.receipts, closedAtMs: record.atMs, scale, rootWord: event.root },
      ...{ depth: event.depth, totalAtoms: BigInt(event.totalAtoms) },
      leaves: Epoch.fromLines(texts[at]!),
      increaseAtoms,
    }
  })
  const state: Sales.EpochState = {
    epoch,
    get proposal() {
      return proposal()
    },
    get closing() {
      return closing().event
    },
    leaf,
  }
  if (publishedLeaf === undefined) return state
  const published = () => Source.event(source, publishedLeaf, 'published').event
  state.publishedLeaf = publishedLeaf
  return Object.defineProperty(state, 'published', {
    get: Source.lazily(published),
    enumerable: true,
  })
}
