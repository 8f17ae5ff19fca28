/**
 * @module Requests: what a purchase asks for, kept beside the journal from before its payment is sent, so
 * that a restarted agent can fetch the answer it paid for. Erasable: no fold reads it.
 */
import { join } from 'node:path'
import { z } from 'zod'
import type { Asset } from '../kernel/Asset.ts'
import { InputError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Json from '../kernel/Json.ts'
import * as Fields from '../market/Fields.schema.ts'
import * as Files from './Files.ts'

const chat = z.strictObject({
  kind: z.undefined().optional(),
  baseUrl: z.url(),
  model: z.string(),
  body: z.record(z.string(), z.unknown()),
})

const resource = z.strictObject({
  kind: z.literal('resource'),
  url: z.url(),
  method: z.string(),
  headers: z.array(z.tuple([z.string(), z.string()])),
  body: z.base64().nullable(),
  mostAtoms: z
    .string()
    .regex(/^\d{1,78}$/)
    .optional(),
  tool: z.string().optional(),
  category: z.string().optional(),
})

const amount = z.string().regex(/^\d{1,78}$/)

const call = z.strictObject({
  kind: z.literal('call'),
  to: Fields.address,
  data: z.custom<Hex>((value) => typeof value === 'string' && /^0x([0-9a-f]{2})*$/.test(value)),
  valueWei: amount,
  asset: Fields.asset,
  mostAtoms: amount,
  model: z.string(),
  facts: z.strictObject({
    slippagePpb: amount.optional(),
    drawdown: z.strictObject({ ppb: amount, asOfMs: Fields.count }).optional(),
    price: z.strictObject({ atoms: amount, asOfMs: Fields.count }).optional(),
  }),
  mostFeeWei: amount.optional(),
  tool: z.string().optional(),
  category: z.string().optional(),
})

/** A chat request, to a seller of models. */
export type Chat = {
  readonly kind?: undefined
  readonly baseUrl: string
  readonly model: string
  /** The body sent; its digest is bound in the decision. */
  readonly body: { readonly [key: string]: unknown }
}

/** A plain request, to anybody whose answer has a price. */
export type Resource = {
  readonly kind: 'resource'
  readonly url: string
  readonly method: string
  /** Names in lower case, in order. */
  readonly headers: readonly (readonly [string, string])[]
  /** In base64; null: none. */
  readonly body: string | null
  /** The most it may cost; what the policy allows unless given. */
  readonly mostAtoms?: string
  /** What the agent wants it with, and for: what a policy may ask. */
  readonly tool?: string
  readonly category?: string
}

/** A transaction of the agent's own; amounts as decimal strings. */
export type Call = {
  readonly kind: 'call'
  readonly to: Hex
  readonly data: Hex
  readonly valueWei: string
  readonly asset: Asset
  /** The most that may leave of the asset. */
  readonly mostAtoms: string
  readonly model: string
  /** What the agent measured. */
  readonly facts: {
    readonly slippagePpb?: string
    readonly drawdown?: { readonly ppb: string; readonly asOfMs: number }
    readonly price?: { readonly atoms: string; readonly asOfMs: number }
  }
  /** The most that the chain may take for it. */
  readonly mostFeeWei?: string
  readonly tool?: string
  readonly category?: string
}

const schemas = { chat, resource, call }

/** What is bought. */
export type Order = Chat | Resource | Call

/** Keeps an order durably; call before its payment is sent. */
export function put(dir: string, purchase: Hex, given: Order): void {
  Files.ensureFolder(join(dir, 'requests'))
  Files.writeAtomic(file(dir, purchase), Json.encode(given), { mode: 0o600 })
}

/** The order of a purchase; undefined when it was erased. */
export function get(dir: string, purchase: Hex): Order | undefined {
  const path = file(dir, purchase)
  const text = Files.readText(path)
  if (text === undefined) return undefined
  const value = Json.parse(text, path)
  const { kind = 'chat' } = value as { kind?: keyof typeof schemas }
  const parsed = (schemas[kind] ?? chat).safeParse(value)
  if (parsed.success) return parsed.data as Order
  throw new InputError(`expected an order in ${path}: ${parsed.error.issues[0]!.message}`)
}

function file(dir: string, purchase: Hex): string {
  return join(dir, 'requests', `${purchase.slice(2)}.json`)
}
