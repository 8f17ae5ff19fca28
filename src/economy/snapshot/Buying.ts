/**
 * @module Buying: the buyer's half of a state as sections, and back. Purchases and what the budget
 * remembers of them are tables; meters are sums over them and made anew when a rule asks.
 */
import { assert } from '../../kernel/Assert.ts'
import type { Hex } from '../../kernel/Hex.ts'
import * as Hexes from '../../kernel/Hex.ts'
import * as Json from '../../kernel/Json.ts'
import * as Budget from '../../policies/Budget.ts'
import * as Decision from '../../policies/Decision.ts'
import * as Freeze from '../../policies/Freeze.ts'
import type * as Meter from '../../policies/Meter.ts'
import * as Policy from '../../policies/Policy.ts'
import * as Usage from '../../policies/Usage.ts'
import * as Purchases from '../Purchases.ts'
import * as Archive from './Archive.ts'
import * as Plain from './Plain.ts'
import * as Source from './Source.ts'
import * as Table from './Table.ts'

const none = 0xffffffff
const layouts = {
  purchases: { key: 32, hold: 32, status: 1, count: 1, leaf0: 4, leaf1: 4, leaf2: 4, leaf3: 4 },
  entries: {
    ...{ key: 32, state: 1, digest: 32, atoms: 32, capturedAtoms: 32, capturedAtMs: 8 },
    ...{ asset: 4, payee: 4, agent: 4, decision: 4, more: 4, deviceMs: 32, countedAtoms: 32 },
  },
} as const

const states = ['denied', 'review', 'held', 'captured', 'voided'] as const
const leaves = ['leaf0', 'leaf1', 'leaf2', 'leaf3'] as const

type Rest = {
  readonly spentAtoms: bigint
  readonly latestMs: number
  readonly policies: readonly (readonly [Hex, unknown])[]
  readonly reviews: readonly (readonly [Hex, number])[]
  readonly freezes: readonly Freeze.Freeze[]
  /** Of budgets with slices: what each holds, and which ids are theirs. */
  readonly slices?: readonly (readonly [string, unknown])[]
  readonly sliced?: readonly Hex[]
}

/** What few payments or many alike have, as one word. */
type More = Meter.Names & { readonly hasDeviceMs?: true; readonly counted?: string }

/** The sections of an agent's state. */
export function encode(state: Purchases.Purchases): Source.Section[] {
  const { policies, usage, spentAtoms } = state
  const { latestMs, reviews, freezes } = usage
  const rest: Rest = {
    ...{ spentAtoms, latestMs },
    policies: [...policies],
    reviews: [...reviews],
    freezes: [...freezes.values()],
    ...(state.slices.size === 0 ? {} : slicesOf(state)),
  }
  const purchases = Table.write(layouts.purchases)
  Archive.each(state.purchases, {
    row: purchases.copy,
    entry(key, { status, leaves, hold }) {
      assert(leaves.length <= 4, 'at most four records of a purchase')
      const [leaf0 = none, leaf1 = none, leaf2 = none, leaf3 = none] = leaves
      const places = { count: leaves.length, leaf0, leaf1, leaf2, leaf3 }
      purchases.add({ key, hold, status: Purchases.statuses.indexOf(status), ...places })
    },
  })
  return [
    { name: 'buying', bytes: Plain.encode(rest) },
    { name: 'purchases', bytes: purchases.bytes() },
    ...usageOf(usage),
  ]
}

function slicesOf({
  slices,
  usage,
}: Purchases.Purchases): Required<Pick<Rest, 'slices' | 'sliced'>> {
  const held = [...slices].map(([name, each]) => [name, Budget.toJson(each)] as const)
  return { slices: held, sliced: [...usage.slices] }
}

/** Words and decisions that come again and again are written once, and named by their number. */
function usageOf(usage: Usage.Usage): Source.Section[] {
  const table = Table.write(layouts.entries)
  const words = numbered()
  const before = wordsOf.get(usage.entries) ?? []
  Archive.each(usage.entries, {
    row(bytes) {
      const row = Table.read(layouts.entries, bytes)
      table.copy(bytes)
      for (const field of worded) table.patch(field, words.of(before[row.number(0, field)]!))
    },
    entry(key, entry) {
      const { state, digest, atoms, asset, payee, agent, captured, decision } = entry
      const { host, model, adapter, datanet, tool, category, deviceMs, counted } = entry
      const more: More = {
        ...{ host, model, adapter, datanet, tool, category },
        ...(deviceMs === undefined ? {} : { hasDeviceMs: true }),
        ...(counted === undefined ? {} : { counted: counted.asset }),
      }
      table.add({
        ...{ key, digest, state: states.indexOf(state), atoms: Hexes.word(atoms) },
        capturedAtoms: Hexes.word(captured?.atoms ?? 0n),
        capturedAtMs: captured?.atMs ?? Number.NaN,
        ...{ asset: words.of(asset), payee: words.of(payee), agent: words.of(agent) },
        decision: words.of(Json.encode(Decision.plain(decision))),
        more: words.of(Json.encode(more)),
        deviceMs: Hexes.word(deviceMs ?? 0n),
        countedAtoms: Hexes.word(counted?.atoms ?? 0n),
      })
    },
  })
  return [
    { name: 'entries', bytes: table.bytes() },
    { name: 'words', bytes: Plain.encode(words.list) },
  ]
}

const worded = ['asset', 'payee', 'agent', 'decision', 'more'] as const

/** The words that the untouched rows of a map mean. */
const wordsOf = new WeakMap<object, readonly string[]>()

function numbered() {
  const numbers = new Map<string, number>()
  const list: string[] = []
  return {
    list,
    of(word: string): number {
      const known = numbers.get(word)
      if (known !== undefined) return known
      numbers.set(word, list.length)
      return list.push(word) - 1
    },
  }
}

/** The state of an agent's sections. Throws `InputError` for what no state has. */
export function decode(source: Source.Source): Purchases.Purchases {
  const rest = Plain.decode(Source.section(source, 'buying')) as Rest
  return {
    policies: new Map(rest.policies.map(([digest, policy]) => [digest, Policy.fromJson(policy)])),
    usage: {
      ...Usage.empty(),
      latestMs: rest.latestMs,
      entries: entries(source),
      reviews: new Map(rest.reviews),
      freezes: new Map(rest.freezes.map((freeze) => [Freeze.key(freeze.target), freeze])),
      slices: new Set(rest.sliced ?? []),
    },
    slices: new Map((rest.slices ?? []).map(([name, held]) => [name, Budget.fromJson(held)])),
    purchases: purchases(source),
    spentAtoms: rest.spentAtoms,
  }
}

function purchases(source: Source.Source): Purchases.Purchases['purchases'] {
  const table = Table.read(layouts.purchases, Source.section(source, 'purchases'))
  return Archive.open({
    ...Table.keyed(table, 'key'),
    make(row): Purchases.Purchase {
      const places = leaves
        .slice(0, table.number(row, 'count'))
        .map((field) => table.number(row, field))
      const status = Purchases.statuses[table.number(row, 'status')]!
      const at = (index: number) => places[index]!
      const decided = Source.lazily(() => Source.event(source, at(0), 'decided').event)
      const purchase: Purchases.Purchase = {
        id: table.hex(row, 'key'),
        hold: table.hex(row, 'hold'),
        get decided() {
          return decided()
        },
        status,
        leaves: places,
      }
      if (status === 'reviewing' && places.length === 2)
        define(purchase, 'approved', () => Source.event(source, at(1), 'approved').event)
      // Decided, held, paying, ended: whoever has three open or four has paid or was about to.
      if (status === 'paying' || places.length === 4)
        define(purchase, 'paying', () => Source.event(source, at(2), 'paying').event)
      if (status === 'captured')
        define(purchase, 'captured', () => Source.event(source, at(3), 'captured').event)
      return purchase
    },
  })
}

function define<K extends 'approved' | 'paying' | 'captured'>(
  purchase: Purchases.Purchase,
  name: K,
  read: () => Purchases.Purchase[K],
): void {
  const get = Source.lazily(read)
  Object.defineProperty(purchase, name, { get, enumerable: true })
}

function entries(source: Source.Source): Usage.Usage['entries'] {
  const table = Table.read(layouts.entries, Source.section(source, 'entries'))
  const words = Plain.decode(Source.section(source, 'words')) as string[]
  const decisions = new Map<number, Decision.Decision>()
  const decisionOf = (number: number) => {
    const known = decisions.get(number)
    if (known !== undefined) return known
    const decision = Decision.fromJson(Json.parse(words[number]!, 'a decision'))
    decisions.set(number, decision)
    return decision
  }
  const mores = (number: number) => Json.parse(words[number]!, 'what a payment names') as More
  const map = Archive.open<Hex, Usage.Entry>({
    ...Table.keyed(table, 'key'),
    make(row) {
      const atMs = table.number(row, 'capturedAtMs')
      const atoms = () => BigInt(table.hex(row, 'capturedAtoms'))
      const { hasDeviceMs, counted, ...names } = mores(table.number(row, 'more'))
      const worth = () => BigInt(table.hex(row, 'countedAtoms'))
      const word = (field: 'asset' | 'payee' | 'agent') => words[table.number(row, field)]!
      return {
        state: states[table.number(row, 'state')]!,
        digest: table.hex(row, 'digest'),
        decision: decisionOf(table.number(row, 'decision')),
        ...{ asset: word('asset'), payee: word('payee'), agent: word('agent') },
        atoms: BigInt(table.hex(row, 'atoms')),
        ...names,
        ...(hasDeviceMs ? { deviceMs: BigInt(table.hex(row, 'deviceMs')) } : {}),
        ...(counted === undefined ? {} : { counted: { asset: counted, atoms: worth() } }),
        ...(Number.isNaN(atMs) ? {} : { captured: { atoms: atoms(), atMs } }),
      }
    },
  })
  wordsOf.set(map, words)
  return map
}
