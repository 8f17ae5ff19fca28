import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { desk, dollars, id, nowMs, open, request, till } from '../../test/policies/Desk.ts'
import * as Clock from '../kernel/Clock.ts'
import { InputError } from '../kernel/Errors.ts'
import * as Budget from './Budget.ts'
import * as Freeze from './Freeze.ts'

const told = { by: 'ops', because: 'something is wrong', atMs: nowMs }
const stop = (usage: Budget.Usage, text: string) =>
  Budget.freeze(usage, { target: Freeze.parse(text), ...told })

describe.each([
  ['everything', {}],
  ['agent desk', { agent: 'desk2' }],
  [`payee ${till}`, { payee: '0x00000000000000000000000000000000000000bb' }],
  ['model docs-reader', { model: 'docs-writer' }],
] as const)('what freezes %s', (text, others) => {
  test('denies it whatever the rules say, naming who stopped it and why, until it is thawed', () => {
    const budget = open('cap 5 USDC per 24h')
    stop(budget.usage, text)
    const decision = Budget.explain(budget.usage, budget.policy, request(9), nowMs)
    expect(decision.verdict).toBe('deny')
    expect(decision.decidedBy).toEqual({
      rule: `frozen ${text}`,
      outcome: 'deny',
      because: `frozen ${text}: by ops, something is wrong`,
    })
    expect(budget.pay()).toBe('deny')
    expect(Budget.thaw(budget.usage, Freeze.parse(text))).toBe(true)
    expect(budget.pay()).toBe('allow')
    expect(Budget.thaw(budget.usage, Freeze.parse(text))).toBe(false)
  })

  test('stops nobody else', () => {
    const budget = open()
    stop(budget.usage, text)
    expect(budget.pay(others)).toBe(text === 'everything' ? 'deny' : 'allow')
  })

  test('lets what was authorised before be settled, and says that it should not be signed', () => {
    const budget = open('cap 5 USDC per 24h')
    budget.pay()
    budget.pay()
    const names = request(1)
    expect(Budget.stopped(budget.usage, names)).toBeUndefined()
    stop(budget.usage, text)
    expect(Budget.stopped(budget.usage, names)?.rule).toBe(`frozen ${text}`)
    expect(budget.sums()).toEqual([['0', '2000000']])
    expect(budget.capture(1, dollars(1))).toBe('ok')
    expect(budget.release(2)).toBe('ok')
    expect(budget.sums()).toEqual([['1000000', '0']])
  })

  test('stands after a restart', () => {
    const budget = open()
    stop(budget.usage, text)
    const again = Budget.fromJson(JSON.parse(JSON.stringify(Budget.toJson(budget.usage))))
    expect(Budget.explain(again, budget.policy, request(1), nowMs).verdict).toBe('deny')
    expect([...again.freezes.values()]).toEqual([{ target: Freeze.parse(text), ...told }])
  })

  test('is read back from its words and from JSON', () => {
    const target = Freeze.parse(text)
    expect(Freeze.key(target)).toBe(text)
    expect(Freeze.fromJson(JSON.parse(JSON.stringify(target)))).toEqual(target)
  })
})

test('a freeze of a budget stops all slices of it; one of a slice stops that slice alone', () => {
  const clock = Clock.fixed(nowMs)
  const whole = Budget.open(desk('cap 9 USDC per 24h'), { clock })
  const [first, second] = [whole.slice(desk()), whole.slice(desk())]
  stop(first.usage, 'everything')
  expect(first.authorize(request(1)).verdict).toBe('deny')
  expect(second.authorize(request(2)).verdict).toBe('allow')
  stop(whole.usage, 'everything')
  const decision = second.authorize(request(3))
  expect(decision.verdict).toBe('deny')
  expect(decision.decidedBy).toMatchObject({ rule: 'frozen everything', budget: 'desk' })
})

test('a review that was frozen meanwhile is denied although it was approved', () => {
  const budget = open('approve above 0.5 USDC by ops')
  expect(budget.pay()).toBe('review')
  stop(budget.usage, 'agent desk')
  const approval = { by: 'ops', payee: till, model: 'docs-reader', ceilingAtoms: dollars(1) }
  const decision = Budget.authorize(budget.usage, budget.policy, request(1, { approval }), nowMs)
  expect(decision.verdict).toBe('deny')
  expect(Budget.state(budget.usage, id(1))).toBe('denied')
})

test('a name is frozen in whatever case requests and operators write it, if case makes no other', () => {
  const payee = '0xA16E02E87b7454126E5E10d957A927A7F5B5d2be'
  for (const [target, more] of [
    [{ kind: 'payee', name: payee }, { payee: payee.toLowerCase() }],
    [{ kind: 'payee', name: payee.toLowerCase() }, { payee }],
    [{ kind: 'agent', name: payee }, { agent: payee.toLowerCase() }],
    [{ kind: 'agent', name: '0xABC' }, { agent: '0xAbC' }],
    [{ kind: 'payee', name: 'LAB.example' }, { payee: 'lab.EXAMPLE' }],
  ] as const) {
    const budget = open()
    Budget.freeze(budget.usage, { target, ...told })
    expect(budget.pay(more)).toBe('deny')
    expect(Budget.thaw(budget.usage, target)).toBe(true)
    expect(budget.pay(more)).toBe('allow')
  }
  const budget = open()
  Budget.freeze(budget.usage, { target: { kind: 'model', name: 'Docs-Reader' }, ...told })
  expect(budget.pay()).toBe('allow')
})

test.each([
  '',
  'all',
  'everything now',
  'agent',
  'agent a b',
  'agent аgent',
  'model legal-*',
  'payee *',
  'host a',
  'Agent a',
  '__proto__ a',
  'constructor',
])('%j names nothing that could be frozen', (text) => {
  expect(() => Freeze.parse(text)).toThrow(InputError)
})

test.each([
  [null],
  ['everything'],
  [{}],
  [{ kind: 'agent' }],
  [{ kind: 'agent', name: 5 }],
  [{ kind: 'everything', name: 'agent desk' }],
  [{ kind: 'agent', name: 'a', more: 1 }],
  [{ kind: 'model', name: 'legal-*' }],
  [{ kind: '__proto__', name: 'a' }],
])('%j as JSON neither', (json) => {
  expect(() => Freeze.fromJson(json)).toThrow(InputError)
  const { usage } = open()
  expect(() => Budget.freeze(usage, { target: json as never, ...told })).toThrow(InputError)
  expect(usage.freezes.size).toBe(0)
})

test('a pattern is no target: it would look like a kill switch and stop nothing', () => {
  for (const text of ['model legal-*', 'agent *', 'payee *.example'])
    expect(() => Freeze.parse(text)).toThrow('expected the name of one')
})

test('whatever is frozen and thawed in whatever order, exactly what is frozen now is denied', () => {
  const names = { agent: ['a', 'b'], payee: ['p', 'q'], model: ['m', 'n'] } as const
  const target = fc.oneof(
    fc.constant<Freeze.Target>({ kind: 'everything' }),
    fc
      .constantFrom('agent', 'payee', 'model')
      .chain((kind) =>
        fc.constantFrom(...names[kind as 'agent']).map((name) => ({ kind, name }) as Freeze.Target),
      ),
  )
  const met = { allow: 0, deny: 0, review: 0 }
  fc.assert(
    fc.property(fc.array(fc.tuple(target, fc.boolean()), { maxLength: 8 }), (steps) => {
      const [usage, policy] = [Budget.empty(), desk()]
      const frozen = new Set<string>()
      for (const [each, isFrozen] of steps) {
        if (isFrozen) Budget.freeze(usage, { target: each, ...told })
        else expect(Budget.thaw(usage, each)).toBe(frozen.has(Freeze.key(each)))
        if (isFrozen) frozen.add(Freeze.key(each))
        else frozen.delete(Freeze.key(each))
      }
      for (const agent of names.agent)
        for (const payee of names.payee)
          for (const model of names.model) {
            const keys = ['everything', `agent ${agent}`, `payee ${payee}`, `model ${model}`]
            const expected = keys.some((key) => frozen.has(key)) ? 'deny' : 'allow'
            const asked = request(1, { agent, payee, model })
            expect(Budget.explain(usage, policy, asked, nowMs).verdict).toBe(expected)
            met[expected]++
          }
    }),
    { numRuns: 500, seed: 6 },
  )
  expect(Math.min(met.allow, met.deny)).toBeGreaterThan(500)
})
