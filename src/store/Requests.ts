/**
 * @module Requests: what a purchase asks for, kept beside the journal from before its payment is sent, so
 * that a restarted agent can fetch the answer it paid for. Erasable: no fold reads it.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { InputError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Json from '../kernel/Json.ts'
import * as Files from './Files.ts'

const order = z.strictObject({
  baseUrl: z.url(),
  model: z.string(),
  body: z.record(z.string(), z.unknown()),
})

/** What is bought: a chat request, from a seller. */
export type Order = {
  readonly baseUrl: string
  readonly model: string
  /** The body sent; its digest is bound in the decision. */
  readonly body: { readonly [key: string]: unknown }
}

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
  const parsed = order.safeParse(Json.parse(text, path))
  if (parsed.success) return parsed.data
  throw new InputError(`expected an order in ${path}: ${parsed.error.issues[0]!.message}`)
}

function file(dir: string, purchase: Hex): string {
  return join(dir, 'requests', `${purchase.slice(2)}.json`)
}
