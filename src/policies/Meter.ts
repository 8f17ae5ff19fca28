/**
 * @module Meters: what is measured, over which span, for whom. A meter's key has no limit in it, so
 * changing a limit keeps the usage.
 */
import type { Facts } from './Request.ts'
import * as Sentence from './Sentence.ts'
import * as Span from './Span.ts'
import * as Untrusted from './Untrusted.ts'

/** For whom a meter can count by itself. */
export const subjects = [
  ...(['payee', 'agent', 'host', 'asset', 'model'] as const),
  ...(['adapter', 'datanet', 'tool', 'category'] as const),
]

/** One of {@link subjects}. */
export type Each = (typeof subjects)[number]

/** What can be measured: atoms of one asset, payments in any, milliseconds of a device. */
export const units = ['atoms', 'payments', 'device-ms'] as const

/** One of {@link units}. */
export type Unit = (typeof units)[number]

/** What a family of meters measures. */
export type Shape = Span.Span & {
  readonly unit: Unit
  /** CAIP-19; only of atoms. */
  readonly asset?: string
  /** One meter for each subject; without it one for all. */
  readonly each?: Each
}

/** Names a payment was made under; those a request leaves out are absent. */
export type Names = {
  readonly [Key in Exclude<Each, 'asset' | 'payee' | 'agent'>]?: string | undefined
}

/** What a payment is to a meter. */
export type Payment = Names & {
  readonly asset: string
  readonly atoms: bigint
  readonly payee: string
  readonly agent: string
  readonly deviceMs?: bigint | undefined
  /** What all its atoms count as in a policy's unit of account, if that is another asset. */
  readonly counted?: { readonly asset: string; readonly atoms: bigint } | undefined
}

/** A shape that knows its key, so that it is not written for each request. */
export type Named = Shape & { readonly key: string }

/** What a meter says: captured in its span, and held. In its unit. */
export type Standing = { readonly used: bigint; readonly held: bigint }

/** Names a family of meters, e.g. `payments per minute per agent`. */
export function key(shape: Shape): string {
  const what = shape.unit === 'device-ms' ? 'device time' : (shape.asset ?? 'payments')
  const span = isHeld(shape) ? 'held' : `per ${Span.format(shape)}`
  return `${what} ${span}${formatEach(shape.each)}`
}

/** Whether only what is held counts. */
export function isHeld(shape: Shape): boolean {
  return 'period' in shape && shape.period === 'held'
}

/** Names one meter of a family, e.g. `payments per minute per agent desk`. */
export function keyOf({ key }: Named, subject: string): string {
  return subject === '' ? key : `${key} ${subject}`
}

/** The shape with its key. */
export function named(shape: Shape): Named {
  return { ...shape, key: key(shape) }
}

/** Which meter of the family a payment counts on; `undefined` when the request does not say. */
export function subject(shape: Shape, payment: Pick<Facts, Each>): string | undefined {
  return shape.each === undefined ? '' : payment[shape.each]
}

/** {@link subject} for those who ask it of many: each fact read at a place of its own is read sooner. */
export function subjectOf(each: Each | undefined): (facts: Facts) => string | undefined {
  return each === undefined ? () => '' : readers[each]
}

const readers: Readonly<Record<Each, (facts: Facts) => string | undefined>> = {
  payee: ({ payee }) => payee,
  agent: ({ agent }) => agent,
  host: ({ host }) => host,
  asset: ({ asset }) => asset,
  model: ({ model }) => model,
  adapter: ({ adapter }) => adapter,
  datanet: ({ datanet }) => datanet,
  tool: ({ tool }) => tool,
  category: ({ category }) => category,
}

/** How much a payment counts when `atoms` of it leave. Of another asset, nothing. */
export function amount(shape: Shape, payment: Payment, atoms: bigint): bigint {
  if (shape.unit === 'payments') return 1n
  if (shape.unit === 'device-ms') return payment.deviceMs ?? 0n
  if (payment.asset === shape.asset) return atoms
  const { counted } = payment
  if (counted === undefined || counted.asset !== shape.asset || payment.atoms === 0n) return 0n
  // Rounded up: a payment in small parts counts no less.
  return (atoms * counted.atoms + payment.atoms - 1n) / payment.atoms
}

/** Reads `per payee`, `per agent`, … or the end of a sentence. */
export function readEach(cursor: Sentence.Cursor): Each | undefined {
  if (cursor.at === cursor.tokens.length) return undefined
  Sentence.word(cursor, 'per')
  const each = Sentence.word(cursor, ...subjects)
  Sentence.end(cursor)
  return each
}

/** What {@link readEach} reads, with a blank before it. */
export function formatEach(each: Each | undefined): string {
  return each === undefined ? '' : ` per ${each}`
}

/** Subject of a metered rule from untrusted JSON. */
export function eachFromJson(each: unknown): { each?: Each } {
  return each === undefined ? {} : { each: Untrusted.oneOf(each, 'each', subjects) }
}
