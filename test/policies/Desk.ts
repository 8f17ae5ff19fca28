/** @module A desk with everything stated, so that a test changes only what it is about. */
import type { Hex } from '../../src/kernel/Hex.ts'
import * as Budget from '../../src/policies/Budget.ts'
import * as Policy from '../../src/policies/Policy.ts'
import * as Rule from '../../src/policies/Rule.ts'

/** The unit of account. */
export const usdc = {
  id: 'eip155:8453/erc20:0x833589fcd6edb6e08f4c7c32d4f71b54bda02913',
  decimals: 6,
  symbol: 'USDC',
} as const
/** Another asset. */
export const euro = 'eip155:8453/erc20:0x00000000000000000000000000000000000000ee'
export const till = '0x00000000000000000000000000000000000000aa'
/** 2023-11-14, 22:13:20 UTC. */
export const nowMs = 1_700_000_000_000
export const hourMs = 3_600_000

/** A number as 32 bytes. */
export function id(count: number): Hex {
  return `0x${count.toString(16).padStart(64, '0')}`
}

/** Whole USDC in atoms. */
export function dollars(count: number): bigint {
  return BigInt(count) * 1_000_000n
}

/** The first millisecond of a moment in UTC, `2018-11-04T02:59` or longer. */
export function utc(text: string): number {
  return Date.parse(`${text}Z`)
}

/** A request that states every fact, for one dollar. */
export function request(count: number, more: Partial<Budget.Request> = {}): Budget.Request {
  return {
    id: id(count),
    digest: id(1_000_000 + count),
    agent: 'desk',
    asset: usdc.id,
    atoms: dollars(1),
    payee: till,
    host: '127.0.0.1:4020',
    model: 'docs-reader',
    coveragePpb: 500_000_000n,
    royaltySharePpb: 500_000_000n,
    rarityPpb: 500_000_000n,
    slippagePpb: 10_000_000n,
    trustTier: 5,
    deviceMs: 10_000n,
    adapter: 'legal-de@3',
    datanet: 'handbook',
    tool: 'search',
    category: 'research',
    drawdown: { ppb: 0n, asOfMs: nowMs },
    price: { atoms: 1_080_000n, asOfMs: nowMs },
    ...more,
  }
}

/** The request without one of its facts. */
export function without(key: keyof Budget.Request, count = 1): Budget.Request {
  const { [key]: _, ...rest } = request(count)
  return rest as Budget.Request
}

/** A policy of these sentences alone. */
export function bare(...sentences: readonly string[]): Policy.Policy {
  const rules = sentences.map((sentence) => Rule.parse(sentence, usdc))
  return Policy.policy('desk', usdc, rules)
}

/** A policy that lets everybody be paid, within these sentences. */
export function desk(...sentences: readonly string[]): Policy.Policy {
  return bare('allow payees *', ...sentences)
}

/** What one sentence decides on an unused budget. */
export function ask(
  sentence: string,
  asked: Budget.Request | Partial<Budget.Request> = {},
  atMs = nowMs,
): Budget.Decision {
  const whole = 'id' in asked ? (asked as Budget.Request) : request(1, asked)
  return Budget.explain(Budget.empty(), desk(sentence), whole, atMs)
}

/** A budget and how it is used, for tests that tell a story. */
export function open(...sentences: readonly string[]) {
  const [usage, policy] = [Budget.empty(), desk(...sentences)]
  let count = 0
  return {
    usage,
    policy,
    /** Asks for a new payment; its id is the number of payments asked for. */
    pay(more: Partial<Budget.Request> = {}, atMs = nowMs) {
      count++
      return Budget.authorize(usage, policy, request(count, more), atMs).verdict
    },
    capture: (count: number, atoms: bigint, atMs = nowMs) =>
      Budget.capture(usage, id(count), atoms, atMs),
    release: (count: number, atMs = nowMs) => Budget.release(usage, id(count), atMs),
    /** Used and held of each meter, in their order. */
    sums: (atMs = nowMs) =>
      Budget.status(usage, policy, atMs).map(({ meter }) => [meter.used, meter.held]),
  }
}
