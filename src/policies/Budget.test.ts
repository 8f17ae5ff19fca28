import { describe, expect, expectTypeOf, test } from 'vitest'
import { AssertionError } from '../kernel/Assert.ts'
import * as Clock from '../kernel/Clock.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Json from '../kernel/Json.ts'
import * as Budget from './Budget.ts'
import * as Decision from './Decision.ts'
import * as Policy from './Policy.ts'
import * as Rule from './Rule.ts'

const usd = {
  id: 'eip155:31337/erc20:0x5fbdb2315678afecb367f032d93f642f64180aa3',
  decimals: 6,
  symbol: 'USDC',
} as const
const till = '0x00000000000000000000000000000000000000aa'
const other = '0x00000000000000000000000000000000000000bb'
const hourMs = 3_600_000
const noonMs = 1_700_000_000_000

const id = (count: number): Hex => `0x${count.toString(16).padStart(64, '0')}`
const cents = (count: number) => BigInt(count) * 10_000n

function request(count: number, more: Partial<Budget.Request> = {}): Budget.Request {
  return {
    id: id(count),
    digest: id(1_000_000 + count),
    agent: 'desk',
    asset: usd.id,
    atoms: cents(1),
    payee: till,
    host: '127.0.0.1:4020',
    model: 'docs-reader',
    ...more,
  }
}

/** A policy that allows the till, and these sentences. */
function desk(...sentences: string[]): Policy.Policy {
  return bare(`allow payees ${till}`, ...sentences)
}

function bare(...sentences: string[]): Policy.Policy {
  const rules = sentences.map((sentence) => Rule.parse(sentence, usd))
  return Policy.policy('desk', usd, rules)
}

/** The verdict on a request to an unused budget. */
function verdict(policy: Policy.Policy, more: Partial<Budget.Request> = {}) {
  return Budget.explain(Budget.empty(), policy, request(1, more), noonMs)
}

function without(key: keyof Budget.Request): Budget.Request {
  const { [key]: _, ...rest } = request(1)
  return rest as Budget.Request
}

const heldRow = (usage: Budget.Usage, policy: Policy.Policy, nowMs = noonMs) =>
  Budget.status(usage, policy, nowMs).map(({ meter }) => [meter.used, meter.held])

describe('who and what', () => {
  test('a payee that no sentence names is denied, naming default deny', () => {
    const decision = verdict(bare('cap 1 USDC per payment'))
    expect(decision.verdict).toBe('deny')
    expect(decision.decidedBy?.rule).toBe('default deny')
    expect(decision.decidedBy?.because).toContain(till)
  })

  test('a payee that the sentences do not name is denied, naming the sentence', () => {
    const decision = verdict(desk(), { payee: other })
    expect(decision.verdict).toBe('deny')
    expect(decision.decidedBy?.rule).toBe(`allow payees ${till}`)
    expect(decision.decidedBy?.because).toBe(`allow payees: ${other} is not allowed`)
  })

  test('a payee is allowed by any one of several sentences', () => {
    const policy = bare(`allow payees ${till}`, `allow payees ${other}`)
    expect(verdict(policy, { payee: till }).verdict).toBe('allow')
    expect(verdict(policy, { payee: other }).verdict).toBe('allow')
  })

  test('hosts and models are free until a sentence speaks of them', () => {
    expect(verdict(desk(), { host: 'anywhere.example', model: 'any' }).verdict).toBe('allow')
    const hosts = desk('allow hosts 127.0.0.1:*')
    expect(verdict(hosts).verdict).toBe('allow')
    expect(verdict(hosts, { host: 'anywhere.example' }).verdict).toBe('deny')
    const models = desk('allow models docs-reader, legal-de@*')
    expect(verdict(models, { model: 'legal-de@3' }).verdict).toBe('allow')
    expect(verdict(models, { model: 'legal-fr@3' }).verdict).toBe('deny')
  })

  test('another asset than the unit of account is denied', () => {
    const decision = verdict(desk(), { asset: usd.id.replace('31337', '1') })
    expect(decision.verdict).toBe('deny')
    expect(decision.decidedBy?.rule).toBe(`asset ${usd.id}`)
  })

  test('the case of an address, host or asset makes no other one', () => {
    const more = { payee: till.toUpperCase().replace('0X', '0x'), host: 'LOCALHOST:80' }
    const policy = desk('allow hosts localhost:80', 'cap 0.01 USDC per 24h per payee')
    const usage = Budget.empty()
    const asset = usd.id.replace('5fbd', '5FBD')
    expect(Budget.authorize(usage, policy, request(1, { asset }), noonMs).verdict).toBe('deny')
    const shouted = { ...more, asset }
    expect(Budget.authorize(usage, policy, request(2, shouted), noonMs).verdict).toBe('allow')
    const second = { host: 'localhost:80' }
    expect(Budget.authorize(usage, policy, request(3, second), noonMs).verdict).toBe('deny')
  })
})

describe('limits', () => {
  test('exactly the cap is allowed, one atom more is denied', () => {
    for (const sentence of [
      'cap 0.05 USDC per payment',
      'cap 0.05 USDC per 24h',
      'cap 0.05 USDC per 24h per payee',
    ]) {
      expect(verdict(desk(sentence), { atoms: 50_000n }).verdict).toBe('allow')
      expect(verdict(desk(sentence), { atoms: 50_001n }).verdict).toBe('deny')
    }
  })

  test('a denial reads as the sentence and what was asked', () => {
    const { decidedBy } = verdict(desk('cap 0.0001 USDC per payment'), { atoms: 5_300n })
    expect(decidedBy).toEqual({
      rule: 'cap 0.0001 USDC per payment',
      outcome: 'deny',
      because: 'cap 0.0001 USDC per payment: 0.0053 asked',
    })
  })

  test('a cap of a window counts what was captured and what is held', () => {
    const policy = desk('cap 0.10 USDC per 24h')
    const usage = Budget.empty()
    Budget.authorize(usage, policy, request(1, { atoms: cents(6) }), noonMs)
    Budget.capture(usage, id(1), cents(5), noonMs)
    Budget.authorize(usage, policy, request(2, { atoms: cents(3) }), noonMs)
    const over = Budget.explain(usage, policy, request(3, { atoms: cents(2) + 1n }), noonMs)
    expect(over.decidedBy).toEqual({
      rule: 'cap 0.1 USDC per 24h',
      outcome: 'deny',
      because: 'cap 0.1 USDC per 24h: 0.020001 asked, 0.05 used, 0.03 held',
      meter: {
        key: `${usd.id} per 24h`,
        unit: 'atoms',
        windowMs: 24 * hourMs,
        used: '50000',
        held: '30000',
        limit: '100000',
      },
    })
    const exact = Budget.authorize(usage, policy, request(4, { atoms: cents(2) }), noonMs)
    expect(exact.verdict).toBe('allow')
  })

  test('a cap per payee counts each payee by itself', () => {
    const policy = bare('allow payees *', 'cap 0.02 USDC per 24h per payee')
    const usage = Budget.empty()
    const ask = (count: number, payee: string) =>
      Budget.authorize(usage, policy, request(count, { payee, atoms: cents(2) }), noonMs).verdict
    expect([ask(1, till), ask(2, other), ask(3, till)]).toEqual(['allow', 'allow', 'deny'])
  })

  test('a rate counts payments, each agent by itself, and not what was voided', () => {
    const policy = desk('at most 2 payments per minute per agent')
    const usage = Budget.empty()
    const ask = (count: number, agent: string) =>
      Budget.authorize(usage, policy, request(count, { agent }), noonMs).verdict
    expect([ask(1, 'a'), ask(2, 'a'), ask(3, 'a')]).toEqual(['allow', 'allow', 'deny'])
    expect(ask(4, 'b')).toBe('allow')
    Budget.capture(usage, id(1), cents(1), noonMs)
    expect(ask(5, 'a')).toBe('deny')
    Budget.release(usage, id(2), noonMs)
    expect(ask(6, 'a')).toBe('allow')
  })

  test('a window rolls: what was captured is freed when all of it has passed', () => {
    const policy = desk('cap 0.01 USDC per 24h')
    const usage = Budget.empty()
    Budget.authorize(usage, policy, request(1), noonMs)
    Budget.capture(usage, id(1), cents(1), noonMs)
    const later = (hours: number) =>
      Budget.explain(usage, policy, request(2), noonMs + hours * hourMs).verdict
    expect([later(0), later(23.9), later(24), later(24.8)]).toEqual([
      'deny',
      'deny',
      'deny',
      'allow',
    ])
  })

  test('usage counts when it is captured, not when it was held', () => {
    const policy = desk('cap 0.01 USDC per 24h')
    const usage = Budget.empty()
    Budget.authorize(usage, policy, request(1), noonMs)
    const lateMs = noonMs + 240 * hourMs
    expect(Budget.explain(usage, policy, request(2), lateMs).verdict).toBe('deny')
    Budget.capture(usage, id(1), cents(1), lateMs)
    expect(Budget.explain(usage, policy, request(2), lateMs + 23 * hourMs).verdict).toBe('deny')
  })

  test('a clock that goes back frees nothing', () => {
    const policy = desk('cap 0.01 USDC per 24h')
    const usage = Budget.empty()
    Budget.authorize(usage, policy, request(1), noonMs)
    Budget.capture(usage, id(1), cents(1), noonMs - 48 * hourMs)
    expect(heldRow(usage, policy, 0)).toEqual([['10000', '0']])
    expect(Budget.explain(usage, policy, request(2), noonMs + 23 * hourMs).verdict).toBe('deny')
    Budget.authorize(usage, policy, request(3), noonMs + 25 * hourMs)
    expect(usage.latestMs).toBe(noonMs + 25 * hourMs)
    Budget.authorize(usage, policy, request(4), noonMs)
    expect(usage.latestMs).toBe(noonMs + 25 * hourMs)
  })

  test('coverage is what the quote promises; none is too little', () => {
    const policy = desk('demand coverage 50%')
    expect(verdict(policy, { coveragePpb: 500_000_000n }).verdict).toBe('allow')
    expect(verdict(policy, { coveragePpb: 499_999_999n }).verdict).toBe('deny')
    const silent = verdict(policy)
    expect(silent.decidedBy?.because).toBe(
      'demand coverage 50%: the request states no valid coverage',
    )
  })

  test('amounts beyond what a float can tell apart are told apart', () => {
    const wei = { id: usd.id, decimals: 18, symbol: 'USDC' } as const
    const rules = ['allow payees *', 'cap 9007199.254740993 USDC per payment']
    const policy = Policy.policy(
      'desk',
      wei,
      rules.map((sentence) => Rule.parse(sentence, wei)),
    )
    const limit = 9_007_199_254_740_993n * 10n ** 9n
    expect(verdict(policy, { atoms: limit }).verdict).toBe('allow')
    expect(verdict(policy, { atoms: limit + 1n }).verdict).toBe('deny')
  })
})

describe('verdicts', () => {
  const review = 'approve above 0.001 USDC by ops'
  const deny = 'cap 0.001 USDC per payment'

  test('deny stands before review, review before allow, in whatever order the rules are', () => {
    expect(verdict(desk(review, deny)).verdict).toBe('deny')
    expect(verdict(desk(deny, review)).verdict).toBe('deny')
    expect(verdict(desk(review, 'cap 1 USDC per 24h')).verdict).toBe('review')
    expect(verdict(desk('cap 1 USDC per 24h', review)).verdict).toBe('review')
    expect(verdict(desk(deny, review)).decidedBy?.rule).toBe(deny)
    expect(verdict(desk(review, deny)).decidedBy?.rule).toBe(deny)
  })

  test('every rule gives its reason, in the order of the rules, whatever the others say', () => {
    const policy = desk(deny, 'allow models none', review, 'cap 1 USDC per 24h', deny)
    const { reasons } = verdict(policy)
    expect(reasons.map(({ rule }) => rule)).toEqual(Policy.toSentences(policy))
    expect(reasons.map(({ outcome }) => outcome)).toEqual([
      'allow',
      'deny',
      'deny',
      'review',
      'allow',
      'deny',
    ])
  })

  test('when all allow, no reason stands out', () => {
    expect(verdict(desk('cap 1 USDC per 24h')).decidedBy).toBeUndefined()
  })

  test('a decision is plain JSON but for what is undefined', () => {
    const decision = verdict(desk('cap 1 USDC per 24h', 'at most 3 payments per hour'))
    expect(Json.encode(Decision.plain(decision))).toBe(
      Json.encode(JSON.parse(JSON.stringify(decision))),
    )
  })

  test('reasons that are read late say what was so when it was decided', () => {
    const policy = desk('cap 0.03 USDC per 24h', 'at most 3 payments per hour')
    const usage = Budget.empty()
    const early = Budget.authorize(usage, policy, request(1), noonMs)
    const asked: { -readonly [Key in keyof Budget.Request]: Budget.Request[Key] } = request(2)
    const late = Budget.authorize(usage, policy, asked, noonMs)
    asked.atoms = cents(100)
    Budget.capture(usage, id(1), cents(1), noonMs)
    expect([early, late].map(({ reasons }) => reasons[1]?.because)).toEqual([
      'cap 0.03 USDC per 24h: 0.01 asked, 0 used, 0 held',
      'cap 0.03 USDC per 24h: 0.01 asked, 0 used, 0.01 held',
    ])
    expect(late.reasons).toBe(late.reasons)
  })

  test('a decision names the policy it was made under', () => {
    const policy = desk('cap 1 USDC per 24h')
    expect(verdict(policy).policyDigest).toBe(Policy.digest(policy))
  })

  test.each(['payee', 'host', 'model', 'atoms', 'agent', 'asset', 'id', 'digest'] as const)(
    'a request without %s is denied',
    (key) => {
      const policy = desk(
        'allow hosts *',
        'allow models *',
        'cap 1 USDC per payment',
        'cap 1 USDC per 24h per payee',
        'at most 9 payments per hour per agent',
        'approve above 1 USDC by ops',
      )
      expect(verdict(policy).verdict).toBe('allow')
      const decision = Budget.authorize(Budget.empty(), policy, without(key), noonMs)
      expect(decision.verdict).toBe('deny')
      const named = {
        payee: `allow payees ${till}`,
        host: 'allow hosts *',
        model: 'allow models *',
      }
      const rule = key in named ? named[key as keyof typeof named] : 'request'
      expect(decision.decidedBy?.rule).toBe(rule)
      expect(decision.decidedBy?.because).toMatch(/states no valid/)
    },
  )

  test('a rule whose fact cannot be read denies, naming itself', () => {
    const hostile = Object.defineProperty(request(1), 'payee', {
      get() {
        throw new Error('no')
      },
    })
    const { verdict, decidedBy } = Budget.explain(Budget.empty(), desk(), hostile, noonMs)
    expect(verdict).toBe('deny')
    expect(decidedBy?.rule).toBe(`allow payees ${till}`)
  })

  test('a request that answers differently when asked twice is asked once', () => {
    let asked = 0
    const sly = Object.defineProperty(request(1), 'atoms', {
      get: () => (asked++ === 0 ? cents(1) : cents(1_000)),
    })
    const policy = desk('cap 0.01 USDC per payment', 'cap 0.01 USDC per 24h')
    const usage = Budget.empty()
    expect(Budget.authorize(usage, policy, sly, noonMs).verdict).toBe('allow')
    expect(asked).toBe(1)
    expect(heldRow(usage, policy)).toEqual([['0', '10000']])
  })

  test.each<[string, Partial<Record<keyof Budget.Request, unknown>>]>([
    ['a negative amount', { atoms: -1n }],
    ['an amount no chain can hold', { atoms: 1n << 256n }],
    ['an amount as a number', { atoms: 1 }],
    ['a host with a path', { host: 'a.example/x' }],
    ['a payee with a blank', { payee: 'a b' }],
    ['an id that is too short', { id: '0x01' }],
    ['an agent without a name', { agent: '' }],
  ])('%s is denied', (_, more) => {
    const policy = bare('allow payees *', 'allow hosts *', 'cap 1 USDC per 24h')
    expect(verdict(policy, more as Partial<Budget.Request>).verdict).toBe('deny')
  })

  test('time that is no time is a bug of the caller', () => {
    for (const nowMs of [Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY])
      expect(() => Budget.authorize(Budget.empty(), desk(), request(1), nowMs)).toThrow(
        AssertionError,
      )
  })
})

describe('one id, one request', () => {
  const policy = desk('cap 0.03 USDC per 24h')

  test('the same request again gets the same decision again and holds nothing more', () => {
    const usage = Budget.empty()
    const first = Budget.authorize(usage, policy, request(1), noonMs)
    const again = Budget.authorize(usage, policy, request(1), noonMs + hourMs)
    expect(first.status).toBe('decided')
    expect(again).toEqual({ ...Decision.plain(first), status: 'exists' })
    expect(heldRow(usage, policy)).toEqual([['0', '10000']])
  })

  test('a denial stays a denial, also when the budget is free again', () => {
    const usage = Budget.empty()
    Budget.authorize(usage, policy, request(1, { atoms: cents(3) }), noonMs)
    const first = Budget.authorize(usage, policy, request(2), noonMs)
    Budget.release(usage, id(1), noonMs)
    expect(Budget.authorize(usage, policy, request(2), noonMs)).toEqual({
      ...Decision.plain(first),
      status: 'exists',
    })
    expect(Budget.authorize(usage, policy, request(3), noonMs).verdict).toBe('allow')
  })

  test.each<[string, Partial<Budget.Request>]>([
    ['digest', { digest: id(7) }],
    ['amount', { atoms: cents(2) }],
    ['payee', { payee: other }],
    ['agent', { agent: 'scout' }],
  ])('another %s under the id is refused, and the first stands', (_, more) => {
    const usage = Budget.empty()
    Budget.authorize(usage, policy, request(1), noonMs)
    const decision = Budget.authorize(usage, policy, request(1, more), noonMs)
    expect(decision.status).toBe('exists-with-different-request')
    expect(decision.verdict).toBe('deny')
    expect(decision.decidedBy?.rule).toBe('exists-with-different-request')
    expect(Budget.state(usage, id(1))).toBe('held')
    expect(heldRow(usage, policy)).toEqual([['0', '10000']])
  })

  test('an id is remembered beyond settlement', () => {
    const usage = Budget.empty()
    Budget.authorize(usage, policy, request(1), noonMs)
    Budget.capture(usage, id(1), cents(1), noonMs)
    const years = noonMs + 20_000 * hourMs
    expect(Budget.authorize(usage, policy, request(1), years).status).toBe('exists')
    const changed = request(1, { digest: id(7) })
    expect(Budget.authorize(usage, policy, changed, years).status).toBe(
      'exists-with-different-request',
    )
    expect(heldRow(usage, policy, years)).toEqual([['0', '0']])
  })

  test('a voided id is never allowed again: nothing is held for it', () => {
    const usage = Budget.empty()
    expect(Budget.authorize(usage, policy, request(1), noonMs).verdict).toBe('allow')
    Budget.release(usage, id(1), noonMs)
    const again = Budget.authorize(usage, policy, request(1), noonMs)
    expect([again.verdict, again.status]).toEqual(['deny', 'exists'])
    expect(again.decidedBy?.because).toBe('voided: a new attempt needs a new id')
  })

  test('the case of an id makes no second one', () => {
    const usage = Budget.empty()
    const lower: Hex = `0x${'ab'.repeat(32)}`
    const upper: Hex = `0x${'AB'.repeat(32)}`
    Budget.authorize(usage, policy, request(1, { id: lower }), noonMs)
    expect(Budget.authorize(usage, policy, request(1, { id: upper }), noonMs).status).toBe('exists')
    expect(Budget.capture(usage, upper, cents(1), noonMs)).toBe('ok')
    expect(usage.entries.size).toBe(1)
  })
})

describe('capture and release', () => {
  const policy = desk('cap 0.03 USDC per 24h', 'at most 5 payments per hour')

  function held(): Budget.Usage {
    const usage = Budget.empty()
    Budget.authorize(usage, policy, request(1, { atoms: cents(2) }), noonMs)
    return usage
  }

  test('a capture below the hold frees the rest', () => {
    const usage = held()
    expect(Budget.capture(usage, id(1), cents(1), noonMs)).toBe('ok')
    expect(heldRow(usage, policy)).toEqual([
      ['10000', '0'],
      ['1', '0'],
    ])
    expect(Budget.state(usage, id(1))).toBe('captured')
  })

  test('all of a hold can be captured, one atom more is refused and changes nothing', () => {
    const usage = held()
    const outcome = Budget.capture(usage, id(1), cents(2) + 1n, noonMs)
    expect(outcome).toEqual({
      refusal: 'capture-above-hold',
      because: `${id(1)} holds 20000 atoms, 20001 asked`,
    })
    expect(heldRow(usage, policy)[0]).toEqual(['0', '20000'])
    expect(Budget.capture(usage, id(1), cents(2), noonMs)).toBe('ok')
  })

  test('capturing twice is once; with another amount it is refused', () => {
    const usage = held()
    Budget.capture(usage, id(1), cents(1), noonMs)
    expect(Budget.capture(usage, id(1), cents(1), noonMs)).toBe('exists')
    expect(Budget.capture(usage, id(1), cents(2), noonMs)).toMatchObject({
      refusal: 'exists-with-different-amount',
    })
    expect(heldRow(usage, policy)).toEqual([
      ['10000', '0'],
      ['1', '0'],
    ])
  })

  test('releasing twice is once', () => {
    const usage = held()
    expect(Budget.release(usage, id(1), noonMs)).toBe('ok')
    expect(Budget.release(usage, id(1), noonMs)).toBe('exists')
    expect(heldRow(usage, policy)).toEqual([
      ['0', '0'],
      ['0', '0'],
    ])
  })

  test('what was captured cannot be released, what was released cannot be captured', () => {
    const usage = held()
    Budget.capture(usage, id(1), cents(1), noonMs)
    expect(Budget.release(usage, id(1), noonMs)).toMatchObject({ refusal: 'captured' })
    Budget.authorize(usage, policy, request(2), noonMs)
    Budget.release(usage, id(2), noonMs)
    expect(Budget.capture(usage, id(2), cents(1), noonMs)).toMatchObject({ refusal: 'voided' })
  })

  test('what was never asked for, or denied, can be neither', () => {
    const usage = held()
    Budget.authorize(usage, policy, request(2, { atoms: cents(9) }), noonMs)
    for (const act of [
      (wanted: Hex) => Budget.capture(usage, wanted, 0n, noonMs),
      (wanted: Hex) => Budget.release(usage, wanted, noonMs),
    ]) {
      expect(act(id(2))).toMatchObject({ refusal: 'denied' })
      expect(act(id(3))).toMatchObject({ refusal: 'unknown-id' })
      expect(act('0x01')).toMatchObject({ refusal: 'unknown-id' })
    }
  })

  test.each([-1n, 1 as unknown as bigint, undefined as unknown as bigint])(
    'an amount of %s is refused',
    (atoms) => {
      expect(Budget.capture(held(), id(1), atoms, noonMs)).toMatchObject({ refusal: 'bad-amount' })
    },
  )

  test('nothing can be captured without its reasons having been kept until then', () => {
    const usage = held()
    expect(usage.entries.get(id(1))?.decision.reasons).toHaveLength(3)
    Budget.capture(usage, id(1), cents(1), noonMs)
    expect(usage.entries.get(id(1))?.decision).toMatchObject({ verdict: 'allow', reasons: [] })
  })
})

describe('approval', () => {
  const policy = desk('approve above 0.04 USDC by ops, finance', 'cap 0.10 USDC per 24h')
  const large = (more: Partial<Budget.Request> = {}) => request(1, { atoms: cents(5), ...more })
  const approval: Budget.Approval = {
    by: 'ops',
    payee: till,
    model: 'docs-reader',
    ceilingAtoms: cents(5),
  }

  test('what is not above passes without', () => {
    expect(verdict(policy, { atoms: cents(4) }).verdict).toBe('allow')
    expect(verdict(policy, { atoms: cents(4) + 1n }).verdict).toBe('review')
  })

  test('an approval by one of those named passes', () => {
    expect(verdict(policy, large({ approval })).verdict).toBe('allow')
    const finance = { ...approval, by: 'finance' }
    expect(verdict(policy, large({ approval: finance })).verdict).toBe('allow')
  })

  test.each<[string, Partial<Budget.Approval>, string]>([
    ['by somebody else', { by: 'intern' }, 'approved by intern, who is not named'],
    ['of another payee', { payee: other }, `approved for payee ${other}`],
    ['of another model', { model: 'other' }, 'approved for model other'],
    ['of one atom less', { ceilingAtoms: cents(5) - 1n }, 'approved up to 0.049999'],
  ])('an approval %s is reviewed again', (_, change, because) => {
    const decision = verdict(policy, large({ approval: { ...approval, ...change } }))
    expect(decision.verdict).toBe('review')
    expect(decision.decidedBy?.because).toContain(because)
  })

  test('an approval that is malformed is none', () => {
    const bad = { ...approval, ceilingAtoms: 50_000 as unknown as bigint }
    expect(verdict(policy, large({ approval: bad })).verdict).toBe('review')
  })

  test('an approval lifts no cap', () => {
    const huge = { ...approval, ceilingAtoms: cents(50) }
    expect(verdict(policy, large({ atoms: cents(50), approval: huge })).verdict).toBe('deny')
  })

  test('a review holds, so that nothing else can take its room, and cannot be captured', () => {
    const usage = Budget.empty()
    expect(Budget.authorize(usage, policy, large(), noonMs).verdict).toBe('review')
    expect(heldRow(usage, policy)).toEqual([['0', '50000']])
    expect(Budget.capture(usage, id(1), cents(5), noonMs)).toMatchObject({
      refusal: 'not-approved',
    })
  })

  test('a review that expires is released', () => {
    const usage = Budget.empty()
    Budget.authorize(usage, policy, large(), noonMs)
    expect(Budget.release(usage, id(1), noonMs)).toBe('ok')
    expect(heldRow(usage, policy)).toEqual([['0', '0']])
  })

  test('once approved, a fresh quote under the same id is judged afresh and holds in its place', () => {
    const usage = Budget.empty()
    Budget.authorize(usage, policy, large(), noonMs)
    const fresh = large({ digest: id(77), atoms: cents(5) - 7n, approval })
    const decision = Budget.authorize(usage, policy, fresh, noonMs)
    expect([decision.verdict, decision.status]).toEqual(['allow', 'decided'])
    expect(heldRow(usage, policy)).toEqual([['0', '49993']])
    expect(Budget.capture(usage, id(1), cents(5) - 7n, noonMs)).toBe('ok')
  })

  test('its own review does not stand in its way', () => {
    const usage = Budget.empty()
    const whole = large({ atoms: cents(10) })
    Budget.authorize(usage, policy, whole, noonMs)
    const approved = { ...whole, approval: { ...approval, ceilingAtoms: cents(10) } }
    expect(Budget.authorize(usage, policy, approved, noonMs).verdict).toBe('allow')
  })

  test('a fresh quote above the ceiling is reviewed again', () => {
    const usage = Budget.empty()
    Budget.authorize(usage, policy, large(), noonMs)
    const dearer = large({ digest: id(77), atoms: cents(6), approval })
    expect(Budget.authorize(usage, policy, dearer, noonMs).verdict).toBe('review')
    expect(heldRow(usage, policy)).toEqual([['0', '60000']])
  })

  test('without an approval, another request under a reviewed id is refused', () => {
    const usage = Budget.empty()
    Budget.authorize(usage, policy, large(), noonMs)
    const changed = large({ digest: id(77) })
    expect(Budget.authorize(usage, policy, changed, noonMs).status).toBe(
      'exists-with-different-request',
    )
  })

  test('an approval reopens nothing but a review', () => {
    const usage = Budget.empty()
    Budget.authorize(usage, policy, request(1), noonMs)
    const changed = large({ digest: id(77), approval })
    expect(Budget.authorize(usage, policy, changed, noonMs).status).toBe(
      'exists-with-different-request',
    )
    expect(heldRow(usage, policy)).toEqual([['0', '10000']])
  })
})

describe('changing a policy', () => {
  test('keeps the usage under a changed limit', () => {
    const usage = Budget.empty()
    Budget.authorize(usage, desk('cap 0.10 USDC per 24h'), request(1, { atoms: cents(5) }), noonMs)
    Budget.capture(usage, id(1), cents(5), noonMs)
    const ask = (limit: string, atoms: bigint) =>
      Budget.explain(usage, desk(`cap ${limit} USDC per 24h`), request(2, { atoms }), noonMs)
    expect(ask('0.04', 1n).verdict).toBe('deny')
    expect(ask('0.06', cents(1)).verdict).toBe('allow')
    expect(ask('0.06', cents(1) + 1n).verdict).toBe('deny')
  })

  test('a rule that measures something new counts what was captured and held before', () => {
    const usage = Budget.empty()
    const before = desk('cap 1 USDC per payment')
    Budget.authorize(usage, before, request(1, { atoms: cents(5) }), noonMs)
    Budget.capture(usage, id(1), cents(5), noonMs)
    Budget.authorize(usage, before, request(2, { atoms: cents(3) }), noonMs)
    const after = desk('cap 0.10 USDC per 24h per payee')
    const laterMs = noonMs + hourMs
    expect(Budget.explain(usage, after, request(3, { atoms: cents(3) }), laterMs).verdict).toBe(
      'deny',
    )
    expect(Budget.authorize(usage, after, request(4, { atoms: cents(2) }), laterMs).verdict).toBe(
      'allow',
    )
    Budget.capture(usage, id(2), cents(3), laterMs)
    expect(heldRow(usage, after, laterMs)).toEqual([['80000', '20000']])
  })

  test('a hold keeps the version it was authorised under', () => {
    const [first, second] = [desk('cap 1 USDC per 24h'), desk('cap 0.001 USDC per 24h')]
    const usage = Budget.empty()
    Budget.authorize(usage, first, request(1), noonMs)
    const again = Budget.authorize(usage, second, request(1), noonMs)
    expect([again.verdict, again.policyDigest]).toEqual(['allow', Policy.digest(first)])
    expect(Budget.capture(usage, id(1), cents(1), noonMs)).toBe('ok')
    expect(usage.entries.get(id(1))?.decision.policyDigest).toBe(Policy.digest(first))
  })
})

describe('asking', () => {
  const policy = desk('cap 0.03 USDC per 24h', 'at most 9 payments per hour per agent')

  test('explaining is the decision, without a trace', () => {
    const usage = Budget.empty()
    Budget.authorize(usage, policy, request(1), noonMs)
    const before = [Budget.toJson(usage), structuredClone(usage.families)]
    const explained = Budget.explain(usage, policy, request(2), noonMs + hourMs)
    expect([Budget.toJson(usage), usage.families]).toEqual(before)
    const decided = Budget.authorize(usage, policy, request(2), noonMs + hourMs)
    expect(Decision.plain(decided)).toEqual(Decision.plain(explained))
  })

  test('status shows every meter with its limit', () => {
    const usage = Budget.empty()
    Budget.authorize(usage, policy, request(1), noonMs)
    Budget.authorize(usage, policy, request(2, { agent: 'scout' }), noonMs)
    const rows = Budget.status(usage, policy, noonMs)
    const rate = 'at most 9 payments per hour per agent'
    expect(rows.map(({ rule, meter }) => [rule, meter.key, meter.held, meter.limit])).toEqual([
      ['cap 0.03 USDC per 24h', `${usd.id} per 24h`, '20000', '30000'],
      [rate, 'payments per hour per agent desk', '1', '9'],
      [rate, 'payments per hour per agent scout', '1', '9'],
    ])
  })

  test('a budget is the same with its usage and clock inside', () => {
    const clock = Clock.fixed(noonMs)
    const budget = Budget.open(policy, { clock })
    expect(budget.explain(request(1)).verdict).toBe('allow')
    expect(budget.authorize(request(1, { atoms: cents(3) })).verdict).toBe('allow')
    expect(budget.authorize(request(2)).verdict).toBe('deny')
    expect(budget.capture(id(1), cents(3))).toBe('ok')
    clock.advance(25 * hourMs)
    expect(budget.authorize(request(3)).verdict).toBe('allow')
    expect(budget.void(id(3))).toBe('ok')
    expect(budget.status()[0]?.meter).toMatchObject({ used: '0', held: '0' })
    const tighter = Budget.open(desk('cap 0.01 USDC per 24h'), { clock, usage: budget.usage })
    expect(tighter.authorize(request(1, { atoms: cents(3) })).status).toBe('exists')
  })

  test('the types of a request and a decision', () => {
    expectTypeOf<Budget.Request['atoms']>().toEqualTypeOf<bigint>()
    expectTypeOf<Budget.Decision['verdict']>().toEqualTypeOf<'allow' | 'deny' | 'review'>()
    expectTypeOf(Budget.capture).returns.toEqualTypeOf<Budget.Outcome>()
  })
})
