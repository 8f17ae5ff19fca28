/**
 * @module Requests: what an agent wants to pay, for what, to whom. A request is read once into facts; a
 * fact that is missing, malformed or cannot be read is absent, and the rule that needs it denies.
 */
import * as Hex from '../kernel/Hex.ts'
import * as Share from '../kernel/Share.ts'
import * as Memo from './Memo.ts'
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
  /** Share of the price that goes to those whose work shaped the answer, as the quote promises it. */
  readonly royaltySharePpb?: bigint
  readonly rarityPpb?: bigint
  /** The most that may be lost against the price seen before, by what the trade itself guarantees. */
  readonly slippagePpb?: bigint
  /** How far the device that works is trusted, 0 to {@link mostTrusted}. */
  readonly trustTier?: number
  /** Device time the quote reserves, in milliseconds. */
  readonly deviceMs?: bigint
  /** Names; `none` says that there is none, a name left out says nothing. */
  readonly adapter?: string
  readonly datanet?: string
  readonly tool?: string
  readonly category?: string
  /** What the account has lost since its peak, and when that was seen. */
  readonly drawdown?: { readonly ppb: bigint; readonly asOfMs: number }
  /** What one unit of the asset is worth in atoms of the policy's unit of account, and when. */
  readonly price?: { readonly atoms: bigint; readonly asOfMs: number }
  readonly approval?: Approval
}

/** The highest trust tier. */
export const mostTrusted = 9

/** A request as read: names in normal form, what is wrong left out. */
export type Facts = { readonly [Key in keyof Request]?: Request[Key] | undefined } & {
  /** What is asked in the request's own asset; `atoms` then are what it counts as in the policy's. */
  readonly askedAtoms?: bigint
}

/** What has been read. No mark on a request would do: a proxy answers to any. */
const read = new WeakSet<object>()

/**
 * A frozen copy that has been read: a budget takes it as it is, as often as it is asked. What is wrong
 * with a request is left out, so that the rule which needs it denies.
 */
export function from(request: Request): Request {
  const made = facts(request)
  if (made === request) return request
  read.add(made)
  for (const part of [made.approval, made.drawdown, made.price]) Object.freeze(part)
  // What lacks a fact is judged like any other, and denied.
  return Object.freeze(made) as Request
}

/** Reads a request. Never throws: a fact that throws is absent. */
export function facts(request: Request): Facts {
  try {
    return read.has(request) ? request : checked(request)
  } catch {
    return checked(readable(request))
  }
}

function checked(request: Partial<Request>): Facts {
  const { royaltySharePpb, rarityPpb, slippagePpb, trustTier, deviceMs } = request
  const { adapter, datanet, tool, category, drawdown: lost, price: worth } = request
  const facts = {
    id: word(request.id),
    digest: word(request.digest),
    agent: agents(request.agent),
    asset: asset(request.asset),
    atoms: atoms(request.atoms),
    payee: payees(request.payee),
    host: hosts(request.host),
    model: models(request.model),
    coveragePpb: share(request.coveragePpb),
    approval: approval(request.approval),
  }
  const [shares, names] = [
    royaltySharePpb ?? rarityPpb ?? slippagePpb,
    adapter ?? datanet ?? tool ?? category,
  ]
  if ((shares ?? names ?? trustTier ?? deviceMs ?? lost ?? worth) === undefined) return facts
  return {
    ...facts,
    royaltySharePpb: share(royaltySharePpb),
    rarityPpb: share(rarityPpb),
    slippagePpb: share(slippagePpb),
    trustTier: tier(trustTier),
    deviceMs: atoms(deviceMs),
    adapter: label(adapter),
    datanet: label(datanet),
    tool: label(tool),
    category: label(category),
    drawdown: drawdown(lost),
    price: price(worth),
  }
}

/** What is read part by part. */
const records = { drawdown, price, approval }

const keys = [
  ...(['id', 'digest', 'agent', 'asset', 'atoms', 'payee', 'host', 'model'] as const),
  ...([
    'coveragePpb',
    'royaltySharePpb',
    'rarityPpb',
    'slippagePpb',
    'trustTier',
    'deviceMs',
  ] as const),
  ...(['adapter', 'datanet', 'tool', 'category', 'drawdown', 'price', 'approval'] as const),
]

/** What can be read of a request of which something throws. */
function readable(request: Request): Partial<Request> {
  const found = keys.map((key) => {
    try {
      const whole = (value: unknown) => value
      const read: (value: never) => unknown = key in records ? records[key as 'price'] : whole
      return [key, read(request[key] as never)] as const
    } catch {
      return [key, undefined] as const
    }
  })
  return Object.fromEntries(found)
}

// Names come back again and again, unlike ids.
const agents = Memo.of(agent)
/** An asset's id as facts write it: of equal ones always the same string, as long as it is remembered. */
export const asset = Memo.of((value: unknown) => name(value)?.toLowerCase())
const payees = Memo.of((value: unknown) => Pattern.fact('payees', value))
const hosts = Memo.of((value: unknown) => Pattern.fact('hosts', value))
const approvers = Memo.of(name)
const models = Memo.of((value: unknown) => Pattern.fact('models', value))
const labels = Memo.of((value: unknown) => Pattern.fact('tools', value))

function label(value: unknown): string | undefined {
  return value === undefined ? undefined : labels(value)
}

/** An id or digest in lower case, so that its case makes no second one. */
export function word(value: unknown): Hex.Hex | undefined {
  if (isLowerWord(value)) return value
  return Hex.is(value, 32) ? (value.toLowerCase() as Hex.Hex) : undefined
}

/** As `Hex.is` says it, in half the time: what nearly every id is. */
function isLowerWord(value: unknown): value is Hex.Hex {
  if (typeof value !== 'string' || value.length !== 66 || !value.startsWith('0x')) return false
  for (let at = 2; at < 66; at++) if (lowerDigits[value.charCodeAt(at)] !== 1) return false
  return true
}

const lowerDigits = new Uint8Array(128)
for (const digit of '0123456789abcdef') lowerDigits[digit.charCodeAt(0)] = 1

const tooMany = 1n << 256n

/** Atoms that a chain can hold: from 0 to 2²⁵⁶ − 1. */
export function atoms(value: unknown): bigint | undefined {
  return typeof value === 'bigint' && value >= 0n && value < tooMany ? value : undefined
}

function name(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '' || value.length > 256) return undefined
  return value.isWellFormed() ? value : undefined
}

function agent(value: unknown): string | undefined {
  const text = name(value)
  // As sentences and freezes write it, or they would name another.
  return text === undefined ? undefined : Pattern.normal('agents', text)
}

function share(value: unknown): bigint | undefined {
  return typeof value === 'bigint' && value >= 0n && value <= Share.whole ? value : undefined
}

function tier(value: unknown): number | undefined {
  const isTier = Number.isInteger(value) && (value as number) >= 0 && !Object.is(value, -0)
  return isTier && (value as number) <= mostTrusted ? (value as number) : undefined
}

function moment(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined
}

function drawdown(value: Request['drawdown']): Request['drawdown'] {
  if (value === undefined || value === null) return undefined
  const [ppb, asOfMs] = [share(value.ppb), moment(value.asOfMs)]
  return ppb === undefined || asOfMs === undefined ? undefined : { ppb, asOfMs }
}

function price(value: Request['price']): Request['price'] {
  if (value === undefined || value === null) return undefined
  const [worth, asOfMs] = [atoms(value.atoms), moment(value.asOfMs)]
  return worth === undefined || asOfMs === undefined ? undefined : { atoms: worth, asOfMs }
}

function approval(value: Approval | undefined): Approval | undefined {
  if (value === undefined || value === null) return undefined
  const [by, payee, model] = [approvers(value.by), payees(value.payee), models(value.model)]
  const ceilingAtoms = atoms(value.ceilingAtoms)
  if (by === undefined || payee === undefined || model === undefined) return undefined
  return ceilingAtoms === undefined ? undefined : { by, payee, model, ceilingAtoms }
}
