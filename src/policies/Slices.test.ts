import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bare,
  desk,
  dollars,
  euro,
  hourMs,
  id,
  nowMs,
  request,
  till,
  usdc,
} from '../../test/policies/Desk.ts'
import * as Clock from '../kernel/Clock.ts'
import { InputError } from '../kernel/Errors.ts'
import * as Budget from './Budget.ts'
import * as Decision from './Decision.ts'
import type * as Policy from './Policy.ts'

const approval: Budget.Approval = {
  by: 'ops',
  payee: till,
  model: 'docs-reader',
  ceilingAtoms: dollars(99),
}

/** A budget, a slice of it and a slice of that. */
function tree(whole: Policy.Policy, slice: Policy.Policy, inner = bare('cap 9 USDC per payment')) {
  const clock = Clock.fixed(nowMs)
  const root = Budget.open(whole, { clock })
  const child = root.slice(slice)
  return { clock, root, child, grandchild: child.slice(inner) }
}

/** Used and held of every meter. */
const sums = (budget: Budget.Budget) => budget.status().map(({ meter }) => [meter.used, meter.held])

describe('a slice and all that it is cut from are one atomic act', () => {
  const make = () =>
    tree(desk('cap 5 USDC per 24h'), bare('cap 3 USDC per 24h'), bare('cap 2 USDC per 24h'))

  test('what a slice authorises is held on every level at once', () => {
    const { root, child, grandchild } = make()
    expect(grandchild.authorize(request(1)).verdict).toBe('allow')
    for (const each of [root, child, grandchild]) expect(sums(each)).toEqual([['0', '1000000']])
  })

  test.each<[string, number, number]>([
    ['itself', 3, 0],
    ['the slice it is cut from', 2, 2],
    ['the whole budget', 1, 5],
  ])('what %s denies is held on none', (_, asked, spent) => {
    const { root, child, grandchild } = make()
    if (spent === 2) child.authorize(request(7, { atoms: dollars(2) }))
    if (spent === 5) root.authorize(request(7, { atoms: dollars(5) }))
    const before = [root, child, grandchild].map(sums)
    const decision = grandchild.authorize(request(1, { atoms: dollars(asked) }))
    expect(decision.verdict).toBe('deny')
    expect([root, child, grandchild].map(sums)).toEqual(before)
    expect(grandchild.capture(id(1), 0n)).toMatchObject({ refusal: 'denied' })
  })

  test('what is captured or voided is so on every level, at the same moment', () => {
    let reads = 0
    // A clock that moves on with every look at it.
    const clock = () => nowMs + hourMs * reads++
    const root = Budget.open(desk('cap 5 USDC per 24h'), { clock })
    const child = root.slice(bare('cap 3 USDC per 24h'))
    child.authorize(request(1, { atoms: dollars(2) }))
    child.authorize(request(2))
    expect(child.capture(id(1), dollars(1))).toBe('ok')
    expect(child.capture(id(1), dollars(1))).toBe('exists')
    expect(child.void(id(2))).toBe('ok')
    expect(child.void(id(2))).toBe('exists')
    for (const each of [root, child]) expect(sums(each)).toEqual([['1000000', '0']])
    const moments = [root, child].map(({ usage }) => usage.entries.get(id(1))?.captured?.atMs)
    expect(moments[0]).toBe(moments[1])
    expect(child.capture(id(3), 0n)).toMatchObject({ refusal: 'unknown-id' })
    expect(child.capture(id(2), 0n)).toMatchObject({ refusal: 'voided' })
  })

  test('a capture above the hold is refused on every level, and changes none', () => {
    const { root, child, grandchild } = make()
    grandchild.authorize(request(1))
    expect(grandchild.capture(id(1), dollars(1) + 1n)).toMatchObject({
      refusal: 'capture-above-hold',
    })
    for (const each of [root, child, grandchild]) expect(sums(each)).toEqual([['0', '1000000']])
  })

  test('the time that counts is the latest that any level has seen', () => {
    const clock = Clock.fixed(nowMs)
    const root = Budget.open(desk('cap 5 USDC per minute'), { clock })
    const [first, second] = [
      root.slice(bare('cap 9 USDC per minute')),
      root.slice(bare('cap 5 USDC per payment')),
    ]
    first.authorize(request(1, { atoms: dollars(5) }))
    first.capture(id(1), dollars(5))
    clock.advance(hourMs)
    first.explain(request(2))
    first.authorize(request(2, { atoms: 0n }))
    clock.advance(-hourMs)
    expect(second.authorize(request(3, { atoms: dollars(5) })).verdict).toBe('allow')
    expect(second.usage.latestMs).toBe(nowMs + hourMs)
  })
})

describe('a slice can only narrow', () => {
  test('what a budget denies no slice allows, however generous', () => {
    const generous = desk('cap 1000 USDC per payment', 'demand coverage 0%')
    for (const sentence of [
      'cap 0.5 USDC per payment',
      'deny tools search',
      'demand coverage 51%',
      'freeze from 22:00 to 23:00 in UTC',
    ]) {
      const { root, child, grandchild } = tree(desk(sentence), generous, generous)
      for (const each of [root, child, grandchild]) {
        const decision = each.explain(request(1))
        expect(decision.verdict).toBe('deny')
        expect(decision.decidedBy?.rule).toBe(sentence)
      }
    }
  })

  test('its own approval rules ask in addition, and the budget’s ask as well', () => {
    const ask = (above: string[], own: string[]) =>
      tree(desk(...above), bare(...own)).child.explain(request(1)).verdict
    const [calm, anxious] = ['approve above 9 USDC by ops', 'approve above 0.5 USDC by ops']
    expect(ask([calm], [anxious])).toBe('review')
    expect(ask([anxious], [calm])).toBe('review')
    expect(ask([anxious], ['deny tools search'])).toBe('deny')
    expect(ask(['deny tools search'], [anxious])).toBe('deny')
    expect(ask([calm], [calm])).toBe('allow')
  })

  test('payees are the whole budget’s to name: a slice may name fewer, and need name none', () => {
    const other = '0x00000000000000000000000000000000000000bb'
    const verdicts = (whole: Policy.Policy, slice: Policy.Policy) =>
      [till, other].map((payee) => tree(whole, slice).child.explain(request(1, { payee })).verdict)
    expect(verdicts(bare(`allow payees ${till}`), bare('cap 9 USDC per payment'))).toEqual([
      'allow',
      'deny',
    ])
    expect(verdicts(bare(`allow payees ${till}`), desk())).toEqual(['allow', 'deny'])
    expect(verdicts(desk(), bare(`allow payees ${other}`))).toEqual(['deny', 'allow'])
    expect(verdicts(bare('cap 9 USDC per payment'), desk())).toEqual(['deny', 'deny'])
  })

  test('reasons of every level are told, those above by the budget’s name', () => {
    const { grandchild } = tree(
      desk('cap 5 USDC per 24h'),
      bare('cap 0.5 USDC per 24h'),
      bare('cap 2 USDC per 24h'),
    )
    const { reasons, decidedBy } = grandchild.authorize(request(1))
    expect(reasons.map(({ rule, budget }) => [rule, budget])).toEqual([
      ['cap 2 USDC per 24h', undefined],
      ['cap 0.5 USDC per 24h', 'desk'],
      ['allow payees *', 'desk'],
      ['cap 5 USDC per 24h', 'desk'],
    ])
    expect(decidedBy).toMatchObject({ rule: 'cap 0.5 USDC per 24h', budget: 'desk' })
  })

  test('another unit of account is refused', () => {
    const { root } = tree(desk(), desk())
    const yen = { ...usdc, id: euro, symbol: 'YEN' }
    expect(() => root.slice({ ...desk(), asset: yen })).toThrow(InputError)
  })

  test('nothing that can be reached from a slice belongs to what it is cut from', () => {
    const { root, child, grandchild } = tree(desk('cap 5 USDC per 24h'), bare('cap 3 USDC per 24h'))
    grandchild.authorize(request(1))
    grandchild.authorize(request(2, { atoms: dollars(9) }))
    /** Every object and function that a value leads to, prototypes and symbols included. */
    const reach = (value: unknown, seen = new Set<unknown>()): Set<unknown> => {
      const isPart = (typeof value === 'object' && value !== null) || typeof value === 'function'
      if (!isPart || seen.has(value)) return seen
      seen.add(value)
      if (value instanceof Map) for (const each of value) reach(each, seen)
      for (const key of Reflect.ownKeys(value as object)) {
        const { value: part } = Reflect.getOwnPropertyDescriptor(value as object, key)!
        reach(part, seen)
      }
      return reach(Object.getPrototypeOf(value), seen)
    }
    const reached = reach(grandchild)
    expect(reached).toContain(grandchild.usage)
    for (const above of [root, child])
      for (const part of [
        above,
        above.usage,
        above.usage.entries,
        above.usage.families,
        above.policy,
        above.slice,
        above.authorize,
        above.capture,
        above.void,
      ])
        expect(reached).not.toContain(part)
    const handles = [
      'authorize',
      'capture',
      'explain',
      'policy',
      'slice',
      'status',
      'usage',
      'void',
    ]
    expect(Object.keys(grandchild).sort()).toEqual(handles)
  })

  test('whatever an agent does to its own usage, the whole budget stands', () => {
    const { root, child } = tree(desk('cap 2 USDC per 24h'), bare('cap 1 USDC per 24h'))
    const forget = () => {
      child.usage.entries.clear()
      for (const { meters } of child.usage.families.values()) meters.clear()
      child.usage.latestMs = 0
    }
    child.authorize(request(1))
    forget()
    expect(child.authorize(request(1)).verdict).toBe('deny')
    expect(child.authorize(request(2)).verdict).toBe('allow')
    forget()
    expect(child.authorize(request(3)).verdict).toBe('deny')
    expect(sums(root)).toEqual([['0', '2000000']])
  })
})

describe('one id is one purchase in the whole tree', () => {
  const pair = (whole: string[], own: string[]) => {
    const clock = Clock.fixed(nowMs)
    const root = Budget.open(desk(...whole), { clock })
    return { root, clock, first: root.slice(bare(...own)), second: root.slice(bare(...own)) }
  }
  const cap = 'cap 5 USDC per 24h'

  test('an id that is held in one slice is another purchase’s in a second', () => {
    const { root, first, second } = pair([cap], [cap])
    first.authorize(request(1))
    const decision = second.authorize(request(1))
    expect([decision.verdict, decision.status]).toEqual(['deny', 'exists-with-different-request'])
    expect(second.capture(id(1), 0n)).toMatchObject({ refusal: 'unknown-id' })
    expect(second.void(id(1))).toMatchObject({ refusal: 'unknown-id' })
    expect(sums(second)).toEqual([['0', '0']])
    expect(sums(root)).toEqual([['0', '1000000']])
    expect(first.capture(id(1), dollars(1))).toBe('ok')
  })

  test('an id that was denied in one slice is not free in a second', () => {
    const { first, second } = pair([cap], [cap])
    first.authorize(request(1, { atoms: dollars(9) }))
    expect(second.authorize(request(1)).status).toBe('exists-with-different-request')
  })

  test('a review in one slice cannot be taken over by a second, not even approved', () => {
    const review = 'approve above 0.5 USDC by ops'
    const { root, first, second } = pair([cap, review], [cap])
    expect(first.authorize(request(1)).verdict).toBe('review')
    const stolen = second.authorize(request(1, { approval }))
    expect([stolen.verdict, stolen.status]).toEqual(['deny', 'exists-with-different-request'])
    expect(first.authorize(request(1, { approval })).verdict).toBe('allow')
    for (const each of [root, first]) expect(sums(each)).toEqual([['0', '1000000']])
    expect(first.void(id(1))).toBe('ok')
    for (const each of [root, first, second]) expect(sums(each)).toEqual([['0', '0']])
  })

  test('what a slice holds is its own to settle, not the whole budget’s', () => {
    const { root, first } = pair([cap, 'approve above 2 USDC by ops'], [cap])
    first.authorize(request(1))
    expect(first.authorize(request(2, { atoms: dollars(3) })).verdict).toBe('review')
    const again = Budget.open(root.policy, {
      clock: Clock.fixed(nowMs),
      usage: Budget.fromJson(JSON.parse(JSON.stringify(Budget.toJson(root.usage)))),
    })
    for (const whole of [root, again]) {
      const stolen = whole.authorize(request(2, { atoms: dollars(3), approval }))
      expect([stolen.verdict, stolen.status]).toEqual(['deny', 'exists-with-different-request'])
      expect(whole.capture(id(1), dollars(1))).toMatchObject({ refusal: 'unknown-id' })
      expect(whole.void(id(1))).toMatchObject({ refusal: 'unknown-id' })
      expect(sums(whole)).toEqual([['0', '4000000']])
    }
    expect(first.authorize(request(2, { atoms: dollars(3), approval })).verdict).toBe('allow')
    expect(first.capture(id(1), dollars(1))).toBe('ok')
    expect(first.void(id(2))).toBe('ok')
    for (const each of [root, first]) expect(sums(each)).toEqual([['1000000', '0']])
  })

  test('what the whole budget authorised itself is no slice’s', () => {
    const { root, first } = pair([cap], [cap])
    root.authorize(request(1))
    expect(first.authorize(request(1)).status).toBe('exists-with-different-request')
    expect(first.void(id(1))).toMatchObject({ refusal: 'unknown-id' })
    expect(sums(root)).toEqual([['0', '1000000']])
  })
})

describe('a review', () => {
  test.each([
    ['of the budget alone', ['approve above 0.5 USDC by ops'], []],
    ['of the slice alone', [], ['approve above 0.5 USDC by ops']],
    ['of both', ['approve above 0.5 USDC by ops'], ['approve above 0.7 USDC by ops']],
  ])('%s holds on both, expires on both, and is approved on both', (_, above, own) => {
    const cap = 'cap 3 USDC per 24h'
    const { root, child, clock } = tree(desk(cap, ...above), bare(cap, ...own))
    expect(child.authorize(request(1)).verdict).toBe('review')
    expect(child.authorize(request(2)).verdict).toBe('review')
    for (const each of [root, child]) expect(sums(each)).toEqual([['0', '2000000']])
    expect(child.capture(id(1), 0n)).toMatchObject({ refusal: 'not-approved' })
    expect(child.authorize(request(1, { approval })).verdict).toBe('allow')
    clock.advance(hourMs)
    expect(Decision.plain(child.explain(request(2, { approval })))).toMatchObject({
      verdict: 'deny',
      status: 'exists',
    })
    expect(child.authorize(request(3, { atoms: dollars(1) / 2n })).verdict).toBe('allow')
    for (const each of [root, child]) expect(sums(each)).toEqual([['0', '1500000']])
    expect(child.capture(id(1), dollars(1))).toBe('ok')
    expect(child.void(id(2))).toBe('exists')
    for (const each of [root, child]) expect(sums(each)).toEqual([['1000000', '500000']])
  })

  test('that expired and was cleared away above is void below as well', () => {
    const { root, child, clock } = tree(
      desk('approve above 0.5 USDC by ops', 'cap 3 USDC per 24h'),
      bare('cap 3 USDC per 24h'),
    )
    child.authorize(request(1))
    clock.advance(hourMs)
    expect(root.authorize(request(2, { atoms: 0n })).verdict).toBe('allow')
    expect(Budget.state(root.usage, id(1))).toBe('voided')
    expect(child.authorize(request(1, { approval })).verdict).toBe('deny')
    expect(Budget.state(child.usage, id(1))).toBe('voided')
    expect(child.void(id(1))).toBe('exists')
  })
})

test('each level counts another asset by its own sentences, and both caps hold', () => {
  const [cheap, dear] = [
    `count ${euro} of 6 decimals at 1 USDC`,
    `count ${euro} of 6 decimals at 2 USDC`,
  ]
  const cap = 'cap 10 USDC per 24h'
  const { root, child } = tree(desk(cap, dear), bare(cap, cheap))
  const asked = request(1, { asset: euro, atoms: 4_000_000n })
  expect(child.authorize(asked).verdict).toBe('allow')
  expect([sums(root), sums(child)]).toEqual([[['0', '8000000']], [['0', '4000000']]])
  expect(child.capture(id(1), 3_000_000n)).toBe('ok')
  expect([sums(root), sums(child)]).toEqual([[['6000000', '0']], [['3000000', '0']]])
  const more = request(2, { asset: euro, atoms: 2_000_001n })
  expect(child.authorize(more).decidedBy).toMatchObject({
    rule: 'cap 10 USDC per 24h',
    budget: 'desk',
  })
  const uncounted = tree(desk(cap, dear), bare(cap)).child
  expect(uncounted.authorize(asked).verdict).toBe('deny')
})

test('a tree that was restarted level by level goes on as if it had not been', () => {
  const clock = Clock.fixed(nowMs)
  const [whole, slice] = [
    desk('cap 3 USDC per 24h', 'approve above 1.5 USDC by ops'),
    bare('cap 2 USDC per 24h'),
  ]
  const root = Budget.open(whole, { clock })
  const child = root.slice(slice)
  child.authorize(request(1))
  child.authorize(request(2, { atoms: dollars(1) / 2n }))
  child.capture(id(2), 7n)
  const [above, own] = [root, child].map(({ usage }) =>
    Budget.fromJson(JSON.parse(JSON.stringify(Budget.toJson(usage)))),
  )
  const again = Budget.open(whole, { clock, usage: above! })
  const childAgain = again.slice(slice, { usage: own! })
  expect([sums(again), sums(childAgain)]).toEqual([sums(root), sums(child)])
  expect(childAgain.authorize(request(1)).status).toBe('exists')
  expect(childAgain.capture(id(1), dollars(1))).toBe('ok')
  expect(sums(again)).toEqual([['1000007', '0']])
})

describe('whatever is asked of a random tree', () => {
  /** A level: its caps in atoms, and the level it is cut from. */
  type Shape = { readonly cap: bigint; readonly perPayee: bigint; readonly above: number }
  type Step = {
    readonly kind: string
    readonly at: number
    readonly count: number
    readonly atoms: bigint
    readonly payee: string
    readonly ms: number
  }

  const level = fc.record({
    cap: fc.bigInt(5n, 60n),
    perPayee: fc.bigInt(5n, 40n),
    above: fc.nat(99),
  })
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom('ask', 'ask', 'ask', 'capture', 'capture', 'void', 'time'),
    at: fc.nat(99),
    count: fc.nat(99),
    atoms: fc.bigInt(0n, 25n),
    payee: fc.constantFrom('p', 'q'),
    ms: fc.constantFrom(0, 1_000, 30_000, 61_000),
  })

  const text = (atoms: bigint) => `0.${atoms.toString().padStart(6, '0')}`
  const policyOf = ({ cap, perPayee }: Shape, isWhole: boolean) =>
    (isWhole ? desk : bare)(
      `cap ${text(cap)} USDC per minute`,
      `cap ${text(perPayee)} USDC per minute per payee`,
    )

  /** The path from a level to the whole budget; no tree is deeper than three slices. */
  const path = (shapes: readonly Shape[], at: number): number[] =>
    at === 0 ? [0] : [at, ...path(shapes, shapes[at]!.above)]

  test('no level’s cap is ever passed, levels agree on every id, and what a slice allows each budget above would have allowed', () => {
    const met = {
      allow: 0,
      deny: 0,
      review: 0,
      captured: 0,
      voided: 0,
      deepest: 0,
      'denied above': 0,
    }
    fc.assert(
      fc.property(
        fc.array(level, { minLength: 2, maxLength: 6, size: 'max' }),
        fc.array(step, { minLength: 30, maxLength: 80, size: 'max' }),
        (drawn, steps) => {
          const shapes: Shape[] = []
          for (const [at, each] of drawn.entries()) {
            const above = at === 0 ? 0 : each.above % at
            shapes.push({ ...each, above: path(shapes, above).length > 3 ? 0 : above })
          }
          const clock = Clock.fixed(nowMs)
          const budgets: Budget.Budget[] = []
          for (const [at, each] of shapes.entries())
            budgets.push(
              at === 0
                ? Budget.open(policyOf(each, true), { clock })
                : budgets[each.above]!.slice(policyOf(each, false)),
            )
          /** By id: on which level it was asked, what is held or captured, and for whom. */
          const entries: {
            at: number
            isHeld: boolean
            held: bigint
            captured: bigint
            atMs: number
            payee: string
          }[] = []
          for (const each of steps) {
            const at = each.at % budgets.length
            if (each.kind === 'time') clock.advance(each.ms)
            else if (each.kind === 'ask') {
              const asked = request(entries.length, { atoms: each.atoms, payee: each.payee })
              const above = path(shapes, at).map((place) => budgets[place]!.explain(asked).verdict)
              const { verdict, decidedBy } = budgets[at]!.authorize(asked)
              expect(verdict).toBe(above[0])
              if (verdict === 'allow') expect(new Set(above)).toEqual(new Set(['allow']))
              else if (decidedBy?.budget !== undefined) met['denied above']++
              met[verdict]++
              met.deepest = Math.max(met.deepest, path(shapes, at).length)
              entries.push({
                at,
                isHeld: verdict === 'allow',
                held: verdict === 'allow' ? each.atoms : 0n,
                captured: 0n,
                atMs: 0,
                payee: each.payee,
              })
            } else if (entries.some(({ isHeld }) => isHeld)) {
              const own = [...entries.keys()].filter((count) => entries[count]!.isHeld)
              const count = own[each.count % own.length]!
              const entry = entries[count]!
              const budget = budgets[entry.at]!
              entry.isHeld = false
              if (each.kind === 'void') {
                expect(budget.void(id(count))).toBe('ok')
                entry.held = 0n
                met.voided++
              } else {
                const atoms = each.atoms % (entry.held + 1n)
                expect(budget.capture(id(count), atoms)).toBe('ok')
                Object.assign(entry, { held: 0n, captured: atoms, atMs: clock() })
                met.captured++
              }
            }
            // By hand, from all that happened: what each level has captured in the last minute and holds.
            for (const [place, { cap, perPayee }] of shapes.entries()) {
              const own = entries.filter(({ at }) => path(shapes, at).includes(place))
              const sum = (some: typeof own) =>
                some.reduce(
                  (total, { held, captured, atMs }) =>
                    total + held + (clock() - atMs <= 60_000 ? captured : 0n),
                  0n,
                )
              expect(sum(own)).toBeLessThanOrEqual(cap)
              for (const payee of ['p', 'q'])
                expect(sum(own.filter((entry) => entry.payee === payee))).toBeLessThanOrEqual(
                  perPayee,
                )
            }
          }
          for (const [count, { at }] of entries.entries()) {
            const states = path(shapes, at).map((place) =>
              Budget.state(budgets[place]!.usage, id(count)),
            )
            expect(new Set(states).size).toBe(1)
          }
        },
      ),
      { numRuns: 300, seed: 9 },
    )
    expect(met.deepest).toBe(4)
    for (const what of ['allow', 'deny', 'captured', 'voided', 'denied above'] as const)
      expect(met[what], what).toBeGreaterThan(500)
  })
})

test('the order of rules decides nothing but who is named first', () => {
  const sentences = [
    'deny tools shell',
    'cap 2 USDC per payment',
    'cap 3 USDC per 24h',
    'approve above 1 USDC by ops',
    `count ${euro} of 6 decimals at 2 USDC`,
    `count ${euro} of 6 decimals at prices within 1m`,
    'demand coverage 50%',
  ]
  const met = { allow: 0, deny: 0, review: 0 }
  const asked = fc.record({
    atoms: fc.constantFrom(0n, dollars(1), dollars(2), dollars(3)),
    asset: fc.constantFrom(usdc.id, usdc.id, euro),
    tool: fc.constantFrom('search', 'search', 'shell'),
    price: fc.constantFrom({ atoms: dollars(1), asOfMs: nowMs }, { atoms: dollars(1), asOfMs: 0 }),
    approval: fc.constantFrom(undefined, approval),
  })
  fc.assert(
    fc.property(
      fc.shuffledSubarray(sentences, { minLength: 2 }),
      fc.array(asked, { minLength: 1, maxLength: 4 }),
      (some, list) => {
        const sorted = sentences.filter((each) => some.includes(each))
        const usages = [Budget.empty(), Budget.empty()] as const
        for (const [count, more] of list.entries()) {
          const decisions = [desk(...some), desk(...sorted)].map((policy, at) =>
            Budget.authorize(
              usages[at]!,
              policy,
              request(count, more as Partial<Budget.Request>),
              nowMs,
            ),
          )
          expect(decisions[0]!.verdict).toBe(decisions[1]!.verdict)
          const told = decisions.map(({ reasons }) => reasons.map(({ because }) => because).sort())
          expect(told[0]).toEqual(told[1])
          met[decisions[0]!.verdict]++
        }
      },
    ),
    { numRuns: 500, seed: 10 },
  )
  expect(Math.min(met.allow, met.deny, met.review)).toBeGreaterThan(50)
})
