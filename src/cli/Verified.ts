/**
 * @module Verified: what this machine's user has verified before, in a file beside the logs: how far each
 * log was judged without a failure, by which code, and the roots that it then had. The file is sealed with
 * a key that lies outside of what is verified, so that whoever hands over a folder cannot vouch for it
 * himself. It spares work and binds the logs to what they were; it never makes a log verified.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { BaseError, InputError } from '../kernel/Errors.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Json from '../kernel/Json.ts'
import { name } from '../kernel/Name.ts'
import type * as Log from '../provenance/Log.ts'
import * as Files from '../store/Files.ts'

const hash = z.string().regex(/^0x[0-9a-f]{64}$/)
const count = z.int().min(0)
const place = z.strictObject({ size: count, root: hash, atMs: count })
const log = z.strictObject({
  origin: z.string(),
  code: hash,
  judged: count,
  places: z.array(place).min(1),
})
const state = z.strictObject({
  v: z.literal(1),
  logs: z.record(z.string(), log),
  seal: hash,
})

/** The first `size` records had this root, and no failure in them, at this time: that binds. */
export type Place = z.infer<typeof place>

/** What is known of one log: whose it is, how far which code judged it, and its roots, ascending. */
export type Known = z.infer<typeof log>

/** By folder, relative to what is verified. */
export type Logs = { readonly [folder: string]: Known }

/** What was found of an earlier verification. */
export type Found =
  | { readonly kind: 'none' }
  | { readonly kind: 'found'; readonly logs: Logs }
  | { readonly kind: 'refused'; readonly because: string }

/** How a log stands to what was known of it: so many records need no second judgement, or why not. */
export type Verdict =
  | { readonly kind: 'agrees'; readonly judged: number }
  | { readonly kind: 'failed'; readonly because: string }

const fileName = 'verified.json'
/** Enough to say between which two looks a log was rewritten. */
const mostPlaces = 64

/** The state's file in the folder that is verified. */
export function fileOf(target: string): string {
  return join(target, fileName)
}

/** Whether a path is a state's file, or what a crash left of one: no part of what is verified. */
export function isFile(path: string): boolean {
  const base = basename(path)
  return base === fileName || (base.startsWith(`.${fileName}.`) && base.endsWith('.tmp'))
}

/** Where the key lies that seals states: in the user's own folder, by the XDG convention. */
export function keyFile(env: NodeJS.ProcessEnv = process.env): string {
  const state = env.XDG_STATE_HOME || join(homedir(), '.local', 'state')
  return join(state, name, 'verify.key')
}

/** Reads what was verified before. A file that this user's key did not seal is refused, never used. */
export function read(target: string, key: string): Found {
  try {
    const text = Files.readText(fileOf(target))
    if (text === undefined) return { kind: 'none' }
    const parsed = state.safeParse(Json.parse(text, fileName))
    if (!parsed.success) return { kind: 'refused', because: parsed.error.issues[0]!.message }
    const { seal: given, ...body } = parsed.data
    const secret = Files.readText(key)
    if (secret === undefined) return { kind: 'refused', because: 'the key that sealed it is gone' }
    if (!timingSafeEqual(Hex.decode(seal(body, secret)), Hex.decode(given)))
      return { kind: 'refused', because: 'it is not as it was sealed, or somebody else sealed it' }
    return { kind: 'found', logs: body.logs }
  } catch (error) {
    if (error instanceof InputError || isDisk(error))
      return { kind: 'refused', because: (error as Error).message }
    throw error
  }
}

/** Keeps what was verified, whole or not at all; why not, when the disk refuses. */
export function write(target: string, key: string, logs: Logs): string | undefined {
  try {
    if (Files.readText(key) === undefined) {
      Files.ensureFolder(dirname(key))
      Files.writeAtomic(key, Hex.encode(randomBytes(32)), { mode: 0o600 })
    }
    const body = { v: 1 as const, logs }
    const sealed = { ...body, seal: seal(body, Files.readText(key)!) }
    Files.writeAtomic(fileOf(target), `${Json.encode(sealed)}\n`, { mode: 0o600 })
    return undefined
  } catch (error) {
    if (isDisk(error)) return (error as Error).message
    throw error
  }
}

/** Holds a log to what is known of it. Records that other code judged are judged again. */
export function judge(
  known: Known,
  of: { readonly origin: string; readonly log: Log.View; readonly code: string | undefined },
): Verdict {
  if (known.origin !== of.origin)
    return {
      kind: 'failed',
      because: `expected the log of ${known.origin} that was verified before, got ${of.origin || 'nobody'}’s`,
    }
  let before = 0
  for (const { size, root, atMs } of known.places) {
    const when = new Date(atMs).toISOString()
    if (size > of.log.size())
      return {
        kind: 'failed',
        because: `expected the ${size} records that were verified at ${when}, got ${of.log.size()}`,
      }
    const found = Hex.encode(of.log.root(size))
    if (found !== root)
      return {
        kind: 'failed',
        because: `expected root ${root} of the first ${size} records, verified at ${when}, got ${found}: rewritten at or after record ${before}`,
      }
    before = size
  }
  return { kind: 'agrees', judged: known.code === of.code ? known.judged : 0 }
}

/** What is known of a log once its first `judged` records were found without failure. */
export function extend(
  known: Known | undefined,
  of: {
    readonly origin: string
    readonly log: Log.View
    readonly code: string
    readonly judged: number
    readonly atMs: number
  },
): Known | undefined {
  const { origin, code, judged, atMs } = of
  const isFarther = known === undefined || known.code !== code || judged > known.judged
  if (judged === 0 || !isFarther) return known
  const places = known?.places ?? []
  if (judged <= (places.at(-1)?.size ?? 0)) return { origin, code, judged, places }
  const added = { size: judged, root: Hex.encode(of.log.root(judged)), atMs }
  return { origin, code, judged, places: [...places, added].slice(-mostPlaces) }
}

function seal(body: unknown, secret: string): Hex.Hex {
  const digest = createHmac('sha256', secret).update(`${name}/verified\n${Json.encode(body)}`)
  return `0x${digest.digest('hex')}`
}

function isDisk(error: unknown): boolean {
  return error instanceof BaseError || typeof (error as NodeJS.ErrnoException).code === 'string'
}
