/**
 * @module Requests: what an agent wants to pay, for what, to whom. A request is read once into facts; a
 * fact that is missing, malformed or cannot be read is absent, and the rule that needs it denies.
 */
import * as Hex from '../kernel/Hex.ts'
import * as Share from '../kernel/Share.ts'
import * as Pattern from './Pattern.ts'

/** What somebody approved: this payee, this model, at most this much. */
export type Approval = {
  readonly by: string
  readonly payee: string
  readonly model: string
  readonly ceilingAtoms: bigint
}

/** One payment asked for. The caller vouches for the approval: who said so is checked before. */
export type Request = {
  /** The purchase's id (32 bytes): fixed before any retry. */
  readonly id: Hex.Hex
  /** Digest of all that is asked (32 bytes): one id, one digest. */
  readonly digest: Hex.Hex
  readonly agent: string
  /** CAIP-19. */
  readonly asset: string
  /** The most that can be charged: what is held. */
  readonly atoms: bigint
  readonly payee: string
  /** `host` or `host:port`, as in a URL. */
  readonly host: string
  readonly model: string
  /** What the quote promises. */
  readonly coveragePpb?: bigint
  readonly approval?: Approval
}

/** A request as read: names in normal form, what is wrong left out. */
export type Facts = { readonly [Key in keyof Request]?: Request[Key] | undefined }

/** Reads a request. Never throws: a fact that throws is absent. */
export function facts(request: Request): Facts {
  return {
    id: read(() => word(request.id)),
    digest: read(() => word(request.digest)),
    agent: read(() => agent(request.agent)),
    asset: read(() => name(request.asset)?.toLowerCase()),
    atoms: read(() => atoms(request.atoms)),
    payee: read(() => Pattern.fact('payees', request.payee)),
    host: read(() => Pattern.fact('hosts', request.host)),
    model: read(() => Pattern.fact('models', request.model)),
    coveragePpb: read(() => share(request.coveragePpb)),
    approval: read(() => approval(request.approval)),
  }
}

/** An id or digest in lower case, so that its case makes no second one. */
export function word(value: unknown): Hex.Hex | undefined {
  return Hex.is(value, 32) ? (value.toLowerCase() as Hex.Hex) : undefined
}

/** Atoms that a chain can hold: from 0 to 2²⁵⁶ − 1. */
export function atoms(value: unknown): bigint | undefined {
  return typeof value === 'bigint' && value >= 0n && value >> 256n === 0n ? value : undefined
}

function read<Value>(fact: () => Value): Value | undefined {
  try {
    return fact()
  } catch {
    return undefined
  }
}

function name(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '' || value.length > 256) return undefined
  return value.isWellFormed() ? value : undefined
}

function agent(value: unknown): string | undefined {
  const text = name(value)
  return Hex.is(text, 20) ? text.toLowerCase() : text
}

function share(value: unknown): bigint | undefined {
  return typeof value === 'bigint' && value >= 0n && value <= Share.whole ? value : undefined
}

function approval(value: Approval | undefined): Approval | undefined {
  if (value === undefined || value === null) return undefined
  const [by, payee, model] = [
    name(value.by),
    Pattern.fact('payees', value.payee),
    Pattern.fact('models', value.model),
  ]
  const ceilingAtoms = atoms(value.ceilingAtoms)
  if (by === undefined || payee === undefined || model === undefined) return undefined
  return ceilingAtoms === undefined ? undefined : { by, payee, model, ceilingAtoms }
}
