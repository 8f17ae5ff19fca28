/**
 * @module Meters: what is measured, over which window, for whom. A meter's key has no limit in it, so
 * changing a limit keeps the usage.
 */
import { InputError } from '../kernel/Errors.ts'
import type { Facts } from './Request.ts'
import * as Sentence from './Sentence.ts'
import * as Untrusted from './Untrusted.ts'
import * as Window from './Window.ts'

/** For whom a meter counts by itself. */
export type Each = 'payee' | 'agent'

/** What a family of meters measures: atoms of one asset, or payments in any. */
export type Shape = {
  readonly unit: 'atoms' | 'payments'
  /** CAIP-19; only of atoms. */
  readonly asset?: string
  readonly windowMs: number
  /** One meter for each payee or agent; without it one for all. */
  readonly each?: Each
}

/** What a payment is to a meter. */
export type Payment = {
  readonly asset: string
  readonly atoms: bigint
  readonly payee: string
  readonly agent: string
}

/** A shape that knows its key, so that it is not written for each request. */
export type Named = Shape & { readonly key: string }

/** What a meter says: captured in its window, and held. In its unit. */
export type Standing = { readonly used: bigint; readonly held: bigint }

/** Names a family of meters, e.g. `payments per minute per agent`. */
export function key(shape: Shape): string {
  const window = Window.format(shape.windowMs)
  return `${shape.asset ?? 'payments'} per ${window}${formatEach(shape.each)}`
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
export function subject(shape: Shape, payment: Pick<Facts, 'payee' | 'agent'>): string | undefined {
  if (shape.each === undefined) return ''
  return shape.each === 'payee' ? payment.payee : payment.agent
}

/** How much a payment counts: its atoms, or one. Of another asset, nothing. */
export function amount(shape: Shape, payment: Payment, atoms: bigint): bigint {
  if (shape.unit === 'payments') return 1n
  return payment.asset === shape.asset ? atoms : 0n
}

const eachWords = ['payee', 'agent'] as const

/** Reads `per payee`, `per agent` or the end of a sentence. */
export function readEach(cursor: Sentence.Cursor): Each | undefined {
  if (cursor.at === cursor.tokens.length) return undefined
  Sentence.word(cursor, 'per')
  const each = Sentence.word(cursor, ...eachWords)
  Sentence.end(cursor)
  return each
}

/** What {@link readEach} reads, with a blank before it. */
export function formatEach(each: Each | undefined): string {
  return each === undefined ? '' : ` per ${each}`
}

/** Window and subject of a metered rule from untrusted JSON. */
export function fromJson(json: Readonly<Record<string, unknown>>): {
  windowMs: number
  each?: Each
} {
  const { windowMs, each } = json
  if (!Window.is(windowMs))
    throw new InputError(`expected windowMs as ${Window.expected}, got ${Untrusted.show(windowMs)}`)
  return each === undefined
    ? { windowMs }
    : { windowMs, each: Untrusted.oneOf(each, 'each', eachWords) }
}
