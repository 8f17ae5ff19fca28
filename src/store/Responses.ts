/**
 * @module Responses: what plain resources answered, kept beside the journal before it is captured, since a
 * stranger gives it once. One file a purchase, erasable: no fold reads it.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { BaseError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Json from '../kernel/Json.ts'
import * as Fields from '../market/Fields.schema.ts'
import * as Files from './Files.ts'

/** What a resource answered. */
export type Response = {
  readonly status: number
  /** Names in lower case. */
  readonly headers: { readonly [name: string]: string }
  readonly body: Uint8Array
}

const kept = z.strictObject({
  status: Fields.count,
  headers: z.record(z.string(), z.string()),
  body: z.base64(),
})

/** Keeps a response durably; call before the record that captures it. */
export function put(dir: string, purchase: Hex, { status, headers, body }: Response): void {
  Files.ensureFolder(join(dir, 'responses'))
  const text = Json.encode({ status, headers, body: Buffer.from(body).toString('base64') })
  Files.writeAtomic(file(dir, purchase), text, { mode: 0o600 })
}

/** The response of a purchase; undefined when it was erased. Throws naming a file that is none. */
export function get(dir: string, purchase: Hex): Response | undefined {
  const path = file(dir, purchase)
  const text = Files.readText(path)
  if (text === undefined) return undefined
  const parsed = kept.safeParse(Json.parse(text, path))
  if (!parsed.success)
    throw new BaseError(`${path} is not a response: ${parsed.error.issues[0]!.message}`, {
      code: 'answer-altered',
      hint: 'restore the file from a copy, or delete it',
      facts: { file: path },
    })
  const { body, ...head } = parsed.data
  return { ...head, body: new Uint8Array(Buffer.from(body, 'base64')) }
}

function file(dir: string, purchase: Hex): string {
  return join(dir, 'responses', `${purchase.slice(2)}.json`)
}
