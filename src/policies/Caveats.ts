/**
 * @module Caveats: the part of a policy that a chain can enforce by itself, so that a stolen key can move no
 * more: caveats of an ERC-7710 delegation in the terms of MetaMask's delegation framework
 * (github.com/MetaMask/delegation-framework, `src/enforcers`). It is a second ring, not the policy: meters
 * begin with the delegation, only `transfer` of the one token is let through (a payment by EIP-3009 is not a
 * delegated call at all), and each caveat says whether it is exact or what it lets pass at worst.
 */
import * as Asset from '../kernel/Asset.ts'
import { InputError } from '../kernel/Errors.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Money from '../kernel/Money.ts'
import * as Calendar from './Calendar.ts'
import * as Strictness from './check/Strictness.ts'
import * as Pattern from './Pattern.ts'
import type * as Policy from './Policy.ts'
import * as Rule from './Rule.ts'
import * as Span from './Span.ts'

/** One caveat. `terms` as its enforcer reads them. */
export type Caveat = {
  /** The enforcer's name in the delegation framework. */
  readonly enforcer: string
  readonly terms: Hex.Hex
  /** The sentence it enforces, or what of the delegation itself. */
  readonly rule: string
  /** Whether the chain refuses just what the sentence denies. */
  readonly exact: boolean
  /** What it lets pass, or refuses beyond the sentence, at worst; only if it is not exact. */
  readonly worst?: string
}

/** What a chain enforces of a policy, and what is left to whoever signs. */
export type Caveats = {
  readonly caveats: readonly Caveat[]
  readonly left: readonly { readonly rule: string; readonly because: string }[]
}

/** When the delegation begins and, if it does, ends: milliseconds since 1970. */
export type Options = { readonly startsAtMs: number; readonly endsAtMs?: number }

/** `transfer(address,uint256)`. */
const transfer = '0xa9059cbb'
/** Where the recipient stands in its call. */
const recipientAt = 4n

/** The caveats of a policy. Throws `InputError` if its unit of account is no ERC-20 token. */
export function caveats(policy: Policy.Policy, options: Options): Caveats {
  const { rules, asset } = policy
  const { address: token } = Asset.parts(asset.id)
  const { startsAtMs, endsAtMs } = options
  if (!Number.isSafeInteger(startsAtMs) || startsAtMs < 1_000)
    throw new InputError('expected startsAtMs as milliseconds since 1970')
  const delegation = `only ${asset.symbol} is transferred`
  const found: Caveat[] = [
    { enforcer: 'AllowedTargetsEnforcer', terms: token, rule: delegation, exact: true },
    { enforcer: 'AllowedMethodsEnforcer', terms: transfer, rule: delegation, exact: true },
    { enforcer: 'ValueLteEnforcer', terms: Hex.word(0n), rule: delegation, exact: true },
  ]
  if (endsAtMs !== undefined) {
    const terms = packed(half(0n), half(seconds(endsAtMs)))
    found.push({ enforcer: 'TimestampEnforcer', terms, rule: 'the delegation ends', exact: true })
  }
  const left: Caveats['left'][number][] = []
  for (const rule of rules) {
    const sentence = Rule.format(rule, asset)
    const made = enforce(rule, { policy, token, startsAtMs })
    if (typeof made === 'string') left.push({ rule: sentence, because: made })
    else found.push({ enforcer: made.enforcer, terms: made.terms, rule: sentence, ...made.worth })
  }
  if (!rules.some((rule) => rule.rule === 'allow' && rule.dimension === 'payees'))
    left.push({ rule: 'default deny', because: 'no sentence allows payees: delegate nothing' })
  return { caveats: found, left }
}

type Setting = {
  readonly policy: Policy.Policy
  readonly token: Hex.Hex
  readonly startsAtMs: number
}

type Enforced = {
  readonly enforcer: string
  readonly terms: Hex.Hex
  readonly worth: { readonly exact: true } | { readonly exact: false; readonly worst: string }
}

const exactly = { exact: true } as const
const notOnChain = 'the chain does not know it'

/** How the chain enforces a rule, or why it does not. */
function enforce(rule: Rule.Rule, setting: Setting): Enforced | string {
  switch (rule.rule) {
    case 'cap-window':
      return cap(rule, setting)
    case 'rate':
      return rate(rule, setting)
    case 'allow':
    case 'deny':
      return list(rule, setting)
    case 'cap-payment':
      return 'no enforcer bounds a single transfer'
    case 'cap-exposure':
      return 'the chain knows what was paid, not what is on its way'
    case 'count':
      return 'only the unit of account is delegated'
    case 'freeze-hours':
      return 'no enforcer knows the time of day'
    case 'approve-above':
      return 'approvals are given off chain'
    default:
      return notOnChain
  }
}

function cap(
  rule: Extract<Rule.Rule, { rule: 'cap-window' }>,
  setting: Setting,
): Enforced | string {
  const { token, policy, startsAtMs } = setting
  const atoms = BigInt(rule.atoms)
  if (atoms >> 256n !== 0n) return 'no amount on a chain is so large'
  const apart = subjects(rule.each, policy)
  if (apart !== undefined) return apart
  if ('period' in rule && rule.period === 'lifetime') {
    const terms = packed(token, Hex.word(atoms))
    return { enforcer: 'ERC20TransferAmountEnforcer', terms, worth: exactly }
  }
  const { durationMs, fromMs, isExact } = period(rule, startsAtMs)
  const numbers = [atoms, seconds(durationMs), seconds(fromMs)].map(Hex.word)
  const twice = Money.format(Money.of(policy.asset, 2n * atoms))
  const span = Span.format(rule)
  const worst =
    'windowMs' in rule
      ? `up to ${twice} in some ${span}: the chain counts fixed periods, and what is paid at the end of one and the start of the next counts apart`
      : `up to ${twice} in some ${span}: the chain's periods drift from the calendar's, so it may also refuse what the policy allows until its own period ends`
  return {
    enforcer: 'ERC20PeriodTransferEnforcer',
    terms: packed(token, ...numbers),
    worth: isExact ? exactly : { exact: false, worst },
  }
}

const dayMs = 86_400_000
/** No shorter than the calendar's longest, so that a calendar's period meets two of them at most. */
const longestMs = { day: dayMs, week: 7 * dayMs, month: 32 * dayMs, year: 367 * dayMs } as const

/** Periods of one length that stand for a span, the first of them no later than `startsAtMs`. */
export function period(
  span: Span.Span,
  startsAtMs: number,
): { readonly durationMs: number; readonly fromMs: number; readonly isExact: boolean } {
  if ('windowMs' in span) return { durationMs: span.windowMs, fromMs: startsAtMs, isExact: false }
  const [, unit, , zone] = span.period.split(' ')
  const { startMs } = Calendar.period(unit as Calendar.Unit, zone!, startsAtMs)
  // Days and weeks of UTC are all of one length; a start of 0 is none to the enforcer.
  const isExact = zone === 'UTC' && (unit === 'day' || unit === 'week')
  return { durationMs: longestMs[unit as Calendar.Unit], fromMs: Math.max(startMs, 1_000), isExact }
}

function rate(rule: Extract<Rule.Rule, { rule: 'rate' }>, { policy }: Setting): Enforced | string {
  const apart = subjects(rule.each, policy)
  if (apart !== undefined) return apart
  if (!('period' in rule) || rule.period !== 'lifetime')
    return 'the chain counts calls from the beginning only, not in a length of time'
  const terms = Hex.word(Strictness.metered(rule)!.limit)
  return { enforcer: 'LimitedCallsEnforcer', terms, worth: exactly }
}

/** Why a meter for each subject is not one for the delegation; `undefined` if it is. */
function subjects(each: Strictness.Metered['each'], policy: Policy.Policy): string | undefined {
  if (each === undefined || each === 'asset') return undefined
  const apart = `a delegation counts all together: give each ${each} one of its own`
  if (each !== 'payee' && each !== 'agent') return notOnChain
  const names = addresses(each === 'payee' ? 'payees' : 'agents', policy)
  return names?.length === 1 ? undefined : apart
}

function list(
  { dimension }: Extract<Rule.Rule, { rule: 'allow' | 'deny' }>,
  { policy, token }: Setting,
): Enforced | string {
  if (dimension === 'assets') return assets(policy, token)
  if (dimension !== 'payees' && dimension !== 'agents') return notOnChain
  const found = addresses(dimension, policy)
  if (found === undefined)
    return `the chain knows ${dimension} by their full address only, and not all are given so`
  if (found.length === 0) return `no address of ${dimension} is left that is allowed`
  if (dimension === 'agents')
    return { enforcer: 'RedeemerEnforcer', terms: packed(...found), worth: exactly }
  const padded = found.map((address) => Hex.word(BigInt(address)))
  if (padded.length === 1) {
    const terms = packed(Hex.word(recipientAt), ...padded)
    return { enforcer: 'AllowedCalldataEnforcer', terms, worth: exactly }
  }
  const terms = packed(Hex.word(recipientAt), many(padded))
  return { enforcer: 'AllowedCalldataAnyOfEnforcer', terms, worth: exactly }
}

function assets({ rules, asset }: Policy.Policy, token: Hex.Hex): Enforced | string {
  const lists = rules.flatMap((rule) =>
    (rule.rule === 'allow' || rule.rule === 'deny') && rule.dimension === 'assets' ? [rule] : [],
  )
  const isIn = (word: 'allow' | 'deny') => {
    const patterns = lists.filter(({ rule }) => rule === word).flatMap(({ patterns }) => patterns)
    return Pattern.matcher('assets', patterns)(asset.id) !== undefined
  }
  const isListed = lists.some(({ rule }) => rule === 'allow')
  if (isIn('deny') || (isListed && !isIn('allow')))
    return 'it denies the unit of account itself: delegate nothing'
  return { enforcer: 'AllowedTargetsEnforcer', terms: token, worth: exactly }
}

/** Who is allowed and not denied, in full addresses; `undefined` if a pattern or a name is among them. */
function addresses(
  dimension: 'payees' | 'agents',
  { rules }: Policy.Policy,
): readonly Hex.Hex[] | undefined {
  const patterns = (word: 'allow' | 'deny') =>
    rules.flatMap((rule) =>
      rule.rule === word && rule.dimension === dimension ? rule.patterns : [],
    )
  const allowed = [...new Set(patterns('allow'))]
  const isDenied = Pattern.matcher(dimension, patterns('deny'))
  const standing = allowed.filter((name) => name.includes('*') || isDenied(name) === undefined)
  const isAll = allowed.length > 0 && standing.every((name) => Hex.is(name, 20))
  return isAll ? (standing as Hex.Hex[]) : undefined
}

/** `abi.encode(bytes[])` of words. */
function many(words: readonly Hex.Hex[]): Hex.Hex {
  const size = BigInt(words.length)
  const offsets = words.map((_, at) => Hex.word(32n * size + 64n * BigInt(at)))
  const items = words.flatMap((word) => [Hex.word(32n), word])
  return packed(Hex.word(32n), Hex.word(size), ...offsets, ...items)
}

function packed(...parts: readonly Hex.Hex[]): Hex.Hex {
  return `0x${parts.map((part) => part.slice(2)).join('')}`
}

/** A 16-byte integer. */
function half(value: bigint): Hex.Hex {
  return `0x${Hex.word(value).slice(34)}`
}

function seconds(ms: number): bigint {
  return BigInt(Math.floor(ms / 1_000))
}
