import { describe, expect, test } from 'vitest'
import * as Random from '../../test/policies/Random.ts'
import * as Budget from './Budget.ts'
import * as Check from './Check.ts'
import * as Overlap from './check/Overlap.ts'
import * as Strictness from './check/Strictness.ts'
import * as Pattern from './Pattern.ts'
import * as Policy from './Policy.ts'
import * as Span from './Span.ts'
import * as Window from './Window.ts'

const { euro, of } = Random

function found(...sentences: string[]): string[] {
  return Check.findings(of(sentences)).map(Check.format)
}

const sound = ['allow payees a', 'cap 2 USD per payment', 'cap 20 USD per 24h']

test('of a sound policy there is nothing to say', () => {
  expect(found(...sound)).toEqual([])
})

describe('rules that never decide', () => {
  test.each([
    ['cap 5 USD per payment', 'cap 2 USD per payment', 'denies every payment as large as that'],
    ['cap 20 USD per payment', 'cap 20 USD per 24h', 'denies every payment as large as that'],
    ['cap 20 USD per 24h per payee', 'cap 20 USD per 24h', 'counts all that this rule counts'],
    ['cap 30 USD per 24h', 'cap 20 USD per calendar month in UTC', undefined],
    ['cap 30 USD per calendar day in UTC', 'cap 20 USD per calendar month in UTC', 'counts all'],
    ['cap 30 USD per 60d', 'cap 20 USD per lifetime', 'counts all'],
    ['cap exposure 20 USD per payee', 'cap 20 USD per 24h', 'counts all'],
    ['at most 9 payments per hour per agent', 'at most 9 payments per 24h per agent', 'counts all'],
    ['demand coverage 50%', 'demand coverage 60%', 'demands at least as much'],
    ['demand trust tier 1', 'demand trust tier 2', 'demands at least as much'],
    ['cap slippage 2%', 'cap slippage 1%', 'demands at least as much'],
    ['cap slippage 1%', 'cap slippage 2%', undefined],
    ['approve above 2 USD by ops', 'cap 2 USD per payment', 'have to be approved'],
    ['approve above 2 USD by ops, eve', 'approve above 1 USD by ops', 'asks for every approval'],
    ['stop at drawdown 20% seen within 5m', 'stop at drawdown 10% seen within 1m', 'demands'],
    ['freeze from 23:00 to 05:00 in UTC', 'freeze from 22:00 to 06:00 in UTC', 'frozen already'],
    ['deny payees a.x', 'deny payees *.x', '*.x is denied already'],
    ['deny payees c', 'allow payees a*', 'nothing that matches c is allowed anyway'],
    ['allow payees a.x', 'allow payees *.x', '*.x is allowed already'],
    [`count ${euro} of 1 decimals at 3 USD`, 'deny assets *ee', 'the asset is denied'],
  ])('"%s" beside "%s"', (rule, by, because) => {
    const findings = Check.findings(of(['allow payees a, b.x', by, rule]))
    const dead = findings.filter((finding) => finding.kind === 'dead')
    expect(dead.filter((finding) => finding.rule === rule)).toEqual(
      because === undefined
        ? []
        : [
            expect.objectContaining({
              against: expect.arrayContaining([by]),
              because: expect.stringContaining(because),
            }),
          ],
    )
  })

  test('a cap for each model is kept where a request may name none', () => {
    const dead = (...more: string[]) =>
      Check.findings(
        of(['allow payees a', 'cap 9 USD per 24h', 'cap 9 USD per 24h per model', ...more]),
      )
        .filter(({ kind }) => kind === 'dead')
        .map(({ rule }) => rule)
    expect(dead()).toEqual([])
    // Who names no model is denied by the list as well.
    expect(dead('allow models *')).toEqual(['cap 9 USD per 24h per model'])
  })

  test('a window is kept beside one that is hardly longer: their rings begin at other times', () => {
    const dead = (longer: string) =>
      found('allow payees a', 'cap 9 USD per 24h', `cap 9 USD per ${longer}`)
    expect(dead('1441m')).toEqual([])
    expect(dead('25h')).toHaveLength(1)
  })

  test('of two that are the same, the later', () => {
    const [twice] = Check.findings(of([...sound, 'cap 2 USD per payment']))
    expect(twice).toEqual({
      kind: 'dead',
      rule: 'cap 2 USD per payment',
      at: 3,
      against: ['cap 2 USD per payment'],
      because: '"cap 2 USD per payment" denies every payment as large as that',
      example: 'a payment of 3 USD is denied with or without it',
    })
  })

  test('one pattern of a sentence that lives on', () => {
    expect(
      found(...sound, 'allow models a*, ab', 'deny payees a.x, *.x', 'allow payees *x'),
    ).toEqual([
      'dead: deny payees a.x, *.x · a.x: *.x is denied already (a.x)',
      'dead: allow models a*, ab · ab: a* is allowed already (ab)',
    ])
  })

  test('an approval is kept for the patience that it alone has', () => {
    const policy = of([
      ...sound,
      'approve above 1 USD by ops',
      'approve above 9 USD within 30s by ops',
    ])
    expect(Check.findings(policy).filter(({ kind }) => kind === 'dead')).toEqual([])
  })
})

describe('limits that are never reached', () => {
  test.each([
    ['cap 40 USD per 24h', ['cap 2 USD per payment', 'at most 20 payments per 24h']],
    ['cap 310 USD per calendar month in UTC', ['cap 10 USD per calendar day in UTC']],
    ['cap 310 USD per 30d', ['cap 10 USD per 24h']],
    ['at most 122 payments per hour', ['at most 2 payments per minute']],
  ])('"%s" beside %j', (rule, against) => {
    const others = [...against, 'allow payees a']
    const reported = (sentence: string) =>
      Check.findings(of([sentence, ...others])).filter(({ kind }) => kind === 'never-binds')
    expect(reported(rule)).toEqual([expect.objectContaining({ rule, against })])
    // One less could be reached.
    const reachable = rule.replace(/\d+/, (limit) => `${Number(limit) - 1}`)
    expect(reported(reachable)).toEqual([])
  })

  test('says why in figures', () => {
    const [text] = found(
      'cap 310 USD per calendar month in UTC',
      'cap 10 USD per calendar day in UTC',
      'allow payees a',
    )
    expect(text).toBe(
      'never-binds: cap 310 USD per calendar month in UTC: it counts at most 31 times calendar day in UTC, in which "cap 10 USD per calendar day in UTC" allows no more than 310 USD together (310 USD can be spent, 310 USD would be allowed)',
    )
  })
})

describe('policies that allow nothing', () => {
  test.each([
    [['allow payees a, b', 'deny payees *'], 'all payees are denied'],
    [['allow models a.x', 'deny models *.x'], 'all models are denied'],
    [
      ['freeze from 06:00 to 22:00 in UTC', 'freeze from 22:00 to 06:00 in UTC'],
      'every hour of the day is frozen',
    ],
    [['stop at drawdown 0% seen within 1m'], 'an account that has lost nothing'],
    [['allow assets eip155:1/*'], 'neither USD nor any counted asset is allowed'],
  ])('%j', (rules, because) => {
    const findings = Check.findings(of([...sound, ...rules]))
    expect(findings[0]).toMatchObject({
      kind: 'contradiction',
      because: expect.stringContaining(because),
    })
  })
})

test('what few would want', () => {
  expect(found('allow payees *')).toEqual([
    'warning: no rule caps what is spent',
    'warning: allow payees *: anybody may be paid',
  ])
  expect(found('cap 2 USD per payment')).toEqual([
    'warning: no rule caps what is spent in any length of time: payments add up for ever',
    'warning: no sentence allows payees: by itself it allows nothing; only as a slice it may',
  ])
  expect(found(...sound, `count ${euro} of 1 decimals at 0 USD`)[0]).toContain('counts as nothing')
  expect(found(...sound, 'cap 0 USD per lifetime').at(-1)).toContain('only what costs 0 USD')
})

test('findings are plain data', () => {
  const findings = Check.findings(of([...sound, 'cap 3 USD per payment', 'deny payees *']))
  expect(JSON.parse(JSON.stringify(findings))).toEqual(findings)
})

test('overlaps of patterns agree with what the patterns match', () => {
  const draw = Random.from(5)
  const texts = ['', ...'ax', 'aa', 'ax', 'xa', 'xx', 'aax', 'axa', 'axax', 'xaxax', 'axxa']
  let [covered, met] = [0, 0]
  for (let round = 0; round < 3_000; round++) {
    const pattern = () =>
      Array.from({ length: 1 + draw(4) }, () => Random.one(draw, ['a', 'x', '*']))
        .join('')
        .replaceAll(/\*+/g, '*')
    const [one, other] = [pattern(), pattern()]
    const [is, isOther] = [one, other].map((each) => Pattern.compile('models', each))
    const names = texts.filter((text) => text !== '')
    if (Overlap.covers('models', one, other)) {
      covered++
      for (const name of names) expect(!isOther!(name) || is!(name)).toBe(true)
    }
    const shared = names.find((name) => is!(name) && isOther!(name))
    if (Overlap.meet('models', one, other)) met++
    else expect(shared).toBeUndefined()
    expect(is!(Overlap.sample('models', one, 'a'))).toBe(true)
  }
  expect(covered).toBeGreaterThan(200)
  expect(met).toBeGreaterThan(200)
})

test('a span reaches another only if it counts all that the other counts', () => {
  const draw = Random.from(8)
  const texts = [
    '10s',
    '63s',
    '64s',
    'minute',
    'hour',
    '24h',
    '1441m',
    '25h',
    '48h',
    '9d',
    '33d',
    'lifetime',
  ]
  const zones = ['UTC', 'Europe/Berlin', 'America/New_York']
  const periods = zones.flatMap((zone) =>
    ['day', 'week', 'month', 'year'].map((unit) => `calendar ${unit} in ${zone}` as const),
  )
  const spans = [...texts, ...periods].map((text) => Span.parse(text))
  const reached = spans.flatMap((wide) =>
    spans
      .filter((narrow) => Strictness.reaches(wide, narrow))
      .map((narrow) => [wide, narrow] as const),
  )
  expect(reached.length).toBeGreaterThan(60)
  for (const [wide, narrow] of reached)
    for (let round = 0; round < 60; round++) {
      const atMs = Random.startMs + draw(400 * 86_400) * 1_000
      // Often where a ring has just let go of what it counted, or not yet.
      const widthMs = 'windowMs' in narrow ? Window.open(narrow.windowMs).widthMs : 60_000
      const nearMs = 63 * widthMs + draw(widthMs)
      const anyMs = Random.one(draw, [1, 60, 3_600, 86_400, 40 * 86_400]) * draw(1_100)
      const nowMs = atMs + (draw(2) === 0 ? nearMs : anyMs)
      const [one, other] = [Span.open(wide), Span.open(narrow)]
      for (const tally of [one, other]) Span.add(tally, atMs, 1n)
      expect(Span.used(one, nowMs) >= Span.used(other, nowMs), Span.format(wide)).toBe(true)
    }
})

/** Asks for this and that, and moves what was allowed on; `explain` sees the usage before each request. */
function live(
  policy: Policy.Policy,
  draw: Random.Draw,
  see: (usage: Budget.Usage, request: Budget.Request, nowMs: number) => void,
): void {
  const usage = Budget.empty()
  const open: Budget.Request[] = []
  let nowMs = Random.startMs
  for (let id = 1; id <= 40; id++) {
    nowMs += Random.one(draw, [0, 0, 500, 9_000, 61_000, 3_600_000, 86_400_000]) * (1 + draw(2))
    const request = Random.request(draw, id, nowMs)
    see(usage, request, nowMs)
    if (Budget.authorize(usage, policy, request, nowMs).verdict === 'allow') open.push(request)
    if (open.length > 0 && draw(3) > 0) {
      const [done] = open.splice(draw(open.length), 1)
      const part = done!.atoms - BigInt(draw(3) === 0 && done!.atoms > 0n ? 1 : 0)
      if (draw(6) > 0) Budget.capture(usage, done!.id, part, nowMs)
      else Budget.release(usage, done!.id, nowMs)
    }
  }
}

/** Policies that differ from `policy` in one finding each, and one that differs in all of them. */
function pruned(policy: Policy.Policy, findings: readonly Check.Finding[]): Policy.Policy[] {
  const prune = (gone: readonly Check.Finding[]) => {
    const whole = gone.filter(({ pattern }) => pattern === undefined).map(({ at }) => at!)
    const rules = policy.rules.map((rule, at) => {
      const patterns = gone.filter((each) => each.at === at).map(({ pattern }) => pattern)
      return 'patterns' in rule && !whole.includes(at)
        ? { ...rule, patterns: rule.patterns.filter((each) => !patterns.includes(each)) }
        : rule
    })
    return Random.without(Policy.policy(policy.name, policy.asset, rules), whole)
  }
  return findings.length === 0 ? [] : [...findings.map((each) => prune([each])), prune(findings)]
}

test('a rule reported dead can be left out: no verdict changes, whatever was spent before', () => {
  const met = new Map<string, number>()
  let verdicts = 0
  for (let seed = 1; seed <= 160; seed++) {
    const draw = Random.from(seed)
    const policy = Random.policy(draw, { most: 12 })
    const dead = Check.findings(policy).filter(({ kind }) => kind === 'dead')
    for (const { rule, pattern } of dead) {
      const what = `${rule!.split(' ').slice(0, 2).join(' ')}${pattern === undefined ? '' : ' *'}`
      met.set(what.replace(/\d+/, 'N'), (met.get(what) ?? 0) + 1)
    }
    const others = pruned(policy, dead)
    if (others.length === 0) continue
    // What was spent under the policy, and what was spent under none.
    for (const spender of [policy, of(['allow payees *', `count ${euro} of 1 decimals at 3 USD`])])
      live(spender, draw, (usage, request, nowMs) => {
        const { verdict } = Budget.explain(usage, policy, request, nowMs)
        for (const other of others) {
          verdicts++
          const said = Budget.explain(usage, other, request, nowMs).verdict
          if (said !== verdict)
            expect.fail(
              `seed ${seed}: ${said}, not ${verdict}\n${Policy.toSentences(policy).join('\n')}\n---\n${Policy.toSentences(other).join('\n')}`,
            )
        }
      })
  }
  expect(verdicts).toBeGreaterThan(15_000)
  // Every kind of rule was found dead now and then.
  expect(met.size).toBeGreaterThan(14)
})

test('a limit reported as never reached can be left out, as long as it was kept from the start', () => {
  let met = 0
  const kinds = ['cap payment', 'cap window', 'cap window', 'exposure', 'rate', 'rate', 'device']
  for (let seed = 1; seed <= 1_000; seed++) {
    const draw = Random.from(seed)
    const policy = Random.policy(draw, { most: 9, kinds })
    const findings = Check.findings(policy).filter(({ kind }) => kind === 'never-binds')
    const others = pruned(policy, findings)
    met += findings.length
    if (others.length === 0) continue
    live(policy, draw, (usage, request, nowMs) => {
      const { verdict } = Budget.explain(usage, policy, request, nowMs)
      for (const other of others)
        if (Budget.explain(usage, other, request, nowMs).verdict !== verdict)
          expect.fail(`seed ${seed}: ${findings.map(Check.format).join('\n')}`)
    })
  }
  expect(met).toBeGreaterThan(60)
})

test('a contradiction allows nothing, whoever asks for what and when', () => {
  let met = 0
  for (let seed = 1; seed <= 400; seed++) {
    const draw = Random.from(seed)
    const kinds = ['allow', 'deny', 'freeze', 'stop', 'count']
    const policy = Random.policy(draw, { most: 7, kinds })
    if (!Check.findings(policy).some(({ kind }) => kind === 'contradiction')) continue
    met++
    live(policy, draw, (usage, request, nowMs) => {
      const { verdict } = Budget.explain(usage, policy, request, nowMs)
      if (verdict !== 'deny')
        expect.fail(`seed ${seed}: ${verdict}\n${Policy.toSentences(policy).join('\n')}`)
    })
  }
  expect(met).toBeGreaterThan(100)
})
