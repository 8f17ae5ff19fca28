import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InputError } from '../kernel/Errors.ts'
import * as Json from '../kernel/Json.ts'
import * as Money from '../kernel/Money.ts'
import * as Share from '../kernel/Share.ts'
import * as Calendar from './Calendar.ts'
import {
  allow,
  approve,
  atMost,
  cap,
  count,
  demand,
  deny,
  deviceSeconds,
  freeze,
  stop,
} from './Combinators.ts'
import * as Meter from './Meter.ts'
import * as Nearest from './Nearest.ts'
import * as Pattern from './Pattern.ts'
import * as Policy from './Policy.ts'
import * as Rule from './Rule.ts'
import * as Sentence from './Sentence.ts'
import * as Window from './Window.ts'

const usdc = {
  id: 'eip155:8453/erc20:0x833589fcd6edb6e08f4c7c32d4f71b54bda02913',
  decimals: 6,
  symbol: 'USDC',
} as const

const payee = '0x00000000000000000000000000000000000000aa'
const usdcText = (atoms: bigint) => Money.format(Money.of(usdc, atoms)) as `${number} USDC`

const atoms = fc.bigInt({ min: 0n, max: 10n ** 30n })
const windowMs = fc.integer({ min: 1, max: Window.longestMs / 1_000 }).map((s) => s * 1_000)
const each = fc.constantFrom(undefined, ...Meter.subjects)
const span = fc.oneof(
  windowMs.map((ms) => [Window.format(ms) as Window.Text, { windowMs: ms }] as const),
  fc
    .tuple(
      fc.constantFrom(...Calendar.units),
      fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Tokyo'),
    )
    .map(([unit, zone]) => {
      const period = `calendar ${unit} in ${zone}` as const
      return [period, { period }] as const
    }),
  fc.constant(['lifetime', { period: 'lifetime' }] as const),
)
const other = 'eip155:8453/erc20:0x00000000000000000000000000000000000000bb'
const time = fc.nat(1439).map((minute) => [Sentence.formatTime(minute) as '0:0', minute] as const)
const share = fc.bigInt({ min: 0n, max: Share.whole })
const word = fc.stringMatching(/^[a-z][a-z0-9@._-]{0,12}$/)
const words = fc.uniqueArray(word, { minLength: 1, maxLength: 4 })
const patterns = fc.uniqueArray(
  word.chain((name) => fc.constantFrom(name, `${name}*`, `*.${name}`)),
  { minLength: 1, maxLength: 4 },
)
const hosts = fc.uniqueArray(
  fc.stringMatching(/^[a-z][a-z0-9-]{0,5}\.example(:([1-9]\d{0,3}|\*))?$/),
  { minLength: 1, maxLength: 3 },
)

/** A rule as a combinator makes it and as JSON, for every form. */
const both: fc.Arbitrary<{ made: Rule.Rule | Rule.Draft<'USDC'>; json: unknown }> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(...Pattern.dimensions.filter((name) => name !== 'hosts')),
      patterns,
      fc.boolean(),
    )
    .map(([dimension, list, isAllowed]) => ({
      made: (isAllowed ? allow : deny)[dimension](...list),
      json: { rule: isAllowed ? 'allow' : 'deny', dimension, patterns: list },
    })),
  hosts.map((list) => ({
    made: allow.hosts(...list),
    json: { rule: 'allow', dimension: 'hosts', patterns: list },
  })),
  atoms.map((amount) => ({
    made: cap(usdcText(amount)).perPayment(),
    json: { rule: 'cap-payment', atoms: `${amount}` },
  })),
  fc.tuple(atoms, span, each).map(([amount, [text, json], subject]) => ({
    made: cap(usdcText(amount)).per(text, subject),
    json: { rule: 'cap-window', atoms: `${amount}`, ...json, ...(subject && { each: subject }) },
  })),
  fc.tuple(atoms, each).map(([amount, subject]) => ({
    made: cap(usdcText(amount)).exposure(subject),
    json: { rule: 'cap-exposure', atoms: `${amount}`, ...(subject && { each: subject }) },
  })),
  fc
    .tuple(fc.integer({ min: 1, max: 1e9 }), span, each)
    .map(([payments, [text, json], subject]) => ({
      made: atMost(payments).per(text, subject),
      json: { rule: 'rate', payments, ...json, ...(subject && { each: subject }) },
    })),
  fc
    .tuple(fc.integer({ min: 1, max: 1e9 }), span, each)
    .map(([seconds, [text, json], subject]) => ({
      made: deviceSeconds(seconds).per(text, subject),
      json: { rule: 'device-time', seconds, ...json, ...(subject && { each: subject }) },
    })),
  share.map((ppb) => ({
    made: demand.coverage(Share.format(ppb) as `${number}%`),
    json: { rule: 'demand-coverage', coveragePpb: `${ppb}` },
  })),
  share.map((ppb) => ({
    made: demand.royaltyShare(Share.format(ppb) as `${number}%`),
    json: { rule: 'demand-royalty-share', royaltySharePpb: `${ppb}` },
  })),
  share.map((ppb) => ({
    made: demand.rarity(Share.format(ppb) as `${number}%`),
    json: { rule: 'demand-rarity', rarityPpb: `${ppb}` },
  })),
  share.map((ppb) => ({
    made: cap.slippage(Share.format(ppb) as `${number}%`),
    json: { rule: 'cap-slippage', slippagePpb: `${ppb}` },
  })),
  fc.nat(9).map((tier) => ({
    made: demand.trustTier(tier),
    json: { rule: 'demand-trust-tier', tier },
  })),
  fc
    .tuple(time, time)
    .filter(([from, to]) => from[1] !== to[1])
    .map(([from, to]) => ({
      made: freeze.from(from[0]).to(to[0]).in('Europe/Berlin'),
      json: { rule: 'freeze-hours', fromMinute: from[1], toMinute: to[1], zone: 'Europe/Berlin' },
    })),
  fc.tuple(share, windowMs).map(([ppb, withinMs]) => ({
    made: stop
      .atDrawdown(Share.format(ppb) as `${number}%`)
      .seenWithin(Window.duration(withinMs) as Window.Text),
    json: { rule: 'stop-drawdown', drawdownPpb: `${ppb}`, withinMs },
  })),
  fc.tuple(fc.nat(36), atoms).map(([decimals, amount]) => ({
    made: count(other, decimals).at(usdcText(amount)),
    json: { rule: 'count', asset: other, decimals, atoms: `${amount}` },
  })),
  fc.tuple(fc.nat(36), windowMs).map(([decimals, withinMs]) => ({
    made: count(other, decimals).atPrices(Window.duration(withinMs) as Window.Text),
    json: { rule: 'count', asset: other, decimals, withinMs },
  })),
  fc.tuple(atoms, words, windowMs).map(([amount, by, withinMs]) => ({
    made: approve
      .above(usdcText(amount))
      .within(Window.duration(withinMs) as Window.Text)
      .by(...(by as [string])),
    json: { rule: 'approve-above', atoms: `${amount}`, by, withinMs },
  })),
  fc.tuple(atoms, words).map(([amount, by]) => ({
    made: approve.above(usdcText(amount)).by(...(by as [string])),
    json: { rule: 'approve-above', atoms: `${amount}`, by },
  })),
)

describe('sentence, combinator and JSON are one value', () => {
  test('on every form and any content', () => {
    const forms = new Set<string>()
    fc.assert(
      fc.property(both, ({ made, json }) => {
        const rule = Rule.from(made, usdc)
        expect(rule).toEqual(json)
        expect(Rule.fromJson(JSON.parse(JSON.stringify(json)))).toEqual(json)
        const sentence = Rule.format(rule, usdc)
        expect(Rule.parse(sentence, usdc)).toEqual(json)
        expect(Rule.format(Rule.parse(sentence, usdc), usdc)).toBe(sentence)
        expect(Json.encode(rule)).toBe(Json.encode(json))
        forms.add('dimension' in rule ? `${rule.rule} ${rule.dimension}` : rule.rule)
      }),
      { numRuns: 2_000 },
    )
    expect(forms.size).toBe(14 + 2 * Pattern.dimensions.length - 1)
  })

  test.each<[string, Rule.Rule | Rule.Draft<'USDC'>]>([
    [`allow payees ${payee}, *.research.example`, allow.payees(payee, '*.research.example')],
    ['allow hosts 127.0.0.1:*', allow.hosts('127.0.0.1:*')],
    ['allow models docs-reader, legal-de@*', allow.models('docs-reader', 'legal-de@*')],
    ['cap 2 USDC per payment', cap('2 USDC').perPayment()],
    ['cap 0.0001 USDC per payment', cap('0.0001 USDC').perPayment()],
    ['cap 50 USDC per 24h', cap('50 USDC').per('24h')],
    ['cap 10 USDC per 24h per payee', cap('10 USDC').per('24h', 'payee')],
    ['at most 30 payments per minute per agent', atMost(30).per('minute', 'agent')],
    ['at most 1 payment per hour', atMost(1).per('hour')],
    ['cap slippage 1%', cap.slippage('1%')],
    ['cap slippage 0.25%', cap.slippage('0.25%')],
    ['demand coverage 50%', demand.coverage('50%')],
    ['approve above 1 USDC by ops', approve.above('1 USDC').by('ops')],
    ['approve above 1.5 USDC by ops, finance', approve.above('1.5 USDC').by('ops', 'finance')],
  ])('%s', (sentence, made) => {
    expect(Rule.parse(sentence, usdc)).toEqual(Rule.from(made, usdc))
    expect(Rule.format(Rule.parse(sentence, usdc), usdc)).toBe(sentence)
  })

  test('every example that errors name is a right sentence', () => {
    const examples = Rule.examples('USDC')
    expect(examples.length).toBeGreaterThanOrEqual(8)
    for (const example of examples)
      expect(Rule.format(Rule.parse(example, usdc), usdc)).toBe(example)
  })

  test('addresses and hosts are one in whatever case, models are not', () => {
    const checksummed = '0xA16E02E87b7454126E5E10d957A927A7F5B5d2be'
    expect(Rule.parse(`allow payees ${checksummed}`, usdc)).toEqual(
      allow.payees(checksummed.toLowerCase()),
    )
    expect(Rule.parse('allow hosts API.example', usdc)).toEqual(allow.hosts('api.example'))
    expect(Rule.parse('allow models A', usdc)).not.toEqual(allow.models('a'))
  })
})

describe('money is typed', () => {
  test('an amount in another money does not compile, and is refused when types are not asked', () => {
    const build = () =>
      Policy.policy('desk', usdc, [
        // @ts-expect-error the policy's money is USDC
        cap('2 EURC').perPayment(),
      ])
    expect(build).toThrow('expected an amount in USDC, got EURC')
    // @ts-expect-error the policy's money is USDC
    expect(() => Policy.policy('desk', usdc, [cap('2 EURC').per('24h')])).toThrow(InputError)
    expect(() =>
      // @ts-expect-error the policy's money is USDC
      Policy.policy('desk', usdc, [approve.above('2 EURC').by('ops')]),
    ).toThrow(InputError)
  })

  test('a bare number is no amount, to the compiler and to the reader', () => {
    // @ts-expect-error an amount is text with a symbol
    expect(() => Policy.policy('desk', usdc, [cap(2).perPayment()])).toThrow(InputError)
    // @ts-expect-error an amount has a symbol
    expect(() => Policy.policy('desk', usdc, [cap('2').perPayment()])).toThrow(InputError)
    expect(() => Rule.parse('cap 2 per payment', usdc)).toThrow('expected USDC, the symbol')
  })

  test('windows and subjects are typed', () => {
    // @ts-expect-error no such window
    expect(() => cap('2 USDC').per('day')).toThrow(InputError)
    // @ts-expect-error no such subject
    const made = cap('2 USDC').per('24h', 'planet')
    expect(() => Rule.from(made as never, usdc)).toThrow('expected each as payee or agent')
  })

  test('an asset whose symbol is not known to the compiler takes any, and refuses at run time', () => {
    const asset: { id: string; decimals: number; symbol: string } = usdc
    expect(() => Policy.policy('desk', asset, [cap('2 EURC').perPayment()])).toThrow(InputError)
    expect(Policy.policy('desk', asset, [cap('2 USDC').perPayment()]).rules).toHaveLength(1)
  })
})

describe('a wrong sentence', () => {
  test.each([
    ['cap 2 per payment', 'cap 2 USDC per payment'],
    ['cap 2 EURC per payment', 'cap 2 USDC per payment'],
    ['cap 2 USDC per paiment', 'cap 2 USDC per payment'],
    ['cap 2 USDC', 'cap 2 USDC per 24h'],
    ['cap 2 USDC per day', 'cap 2 USDC per 24h'],
    ['kap 2 USDC per 24h', 'cap 2 USDC per 24h'],
    ['Cap 2 USDC Per 24h', 'cap 2 USDC per 24h'],
    ['cap 2 USDC per 24h per payer', 'cap 2 USDC per 24h per payee'],
    ['cap 2 USDC per 24h each payee', 'cap 2 USDC per 24h per payee'],
    ['at most 30 per minute', 'at most 30 payments per minute'],
    ['at most 30 payment per minute', 'at most 30 payments per minute'],
    ['approve above 1 USDC', 'approve above 1 USDC by ops'],
    ['demand coverage 50', 'demand coverage 50%'],
    ['cap slippage 1', 'cap slippage 1%'],
    ['cap slippage 1% per payment', 'cap slippage 1%'],
    ['allow model docs-reader', 'allow models docs-reader'],
    ['allow models a b', 'allow models a, b'],
    ['allow payee 0x1', `allow payees ${payee}`],
  ])('%j is answered with %j', (wrong, right) => {
    expect(Nearest.sentence(wrong, usdc)).toBe(right)
  })

  test.each<[string, number, string]>([
    ['cap 2 per payment', 6, 'expected USDC, the symbol of the amount, got "per"'],
    [
      'cap 0.0000001 USDC per payment',
      4,
      'with at most 6 decimals or "exposure" or "slippage", got "0.0000001"',
    ],
    ['cap -1 USDC per payment', 4, 'expected an amount such as 2 USDC'],
    ['cap 1e3 USDC per payment', 4, 'expected an amount such as 2 USDC'],
    ['cap $2 per payment', 4, 'expected an amount such as 2 USDC'],
    ['cap 1,000 USDC per payment', 5, 'expected USDC, the symbol of the amount, got ","'],
    ['cap 2 USDC per payment now', 23, 'expected the end of the sentence, got "now"'],
    ['cap 2 USDC per 0h', 15, 'expected "payment" or a rolling window such as 24h'],
    ['at most 0 payments per minute', 8, 'expected a number of payments from 1'],
    ['at most 1.5 payments per minute', 8, 'expected a number of payments from 1'],
    ['allow', 5, '"tools" or "agents" or "categories", got the end of the sentence'],
    ['allow payees', 12, 'expected a payee, got the end of the sentence'],
    ['allow payees a,', 15, 'expected a payee, got the end of the sentence'],
    ['allow payees a, a', 16, 'expected each item of a list once, got "a"'],
    ['allow payees , a', 13, 'expected a payee, got ","'],
    ['demand coverage 101%', 16, 'expected a share such as 50%'],
    ['cap slippage 101%', 13, 'expected a share such as 50%, from 0% to 100%, got "101%"'],
    ['cap slippage -1%', 13, 'expected a share such as 50%'],
    ['approve above 1 USDC by o,p s', 28, 'expected "," or the end of the sentence, got "s"'],
    [
      'permit payees a',
      0,
      'expected "allow" or "deny" or "cap" or "at" or "demand" or "approve" or "freeze"',
    ],
  ])('%j is refused at %d', (wrong, offset, message) => {
    let mistake: unknown
    try {
      Rule.parse(wrong, usdc)
    } catch (error) {
      mistake = error
    }
    expect(mistake).toBeInstanceOf(Sentence.Mistake)
    expect((mistake as Sentence.Mistake).message).toContain(message)
    expect((mistake as Sentence.Mistake).offset).toBe(offset)
  })

  test('whatever it is, the nearest is right', () => {
    const near = fc
      .tuple(fc.constantFrom(...Rule.examples('USDC')), fc.nat(60), fc.string({ maxLength: 5 }))
      .map(([right, at, noise]) => right.slice(0, at) + noise + right.slice(at + 1))
    fc.assert(
      fc.property(fc.oneof(near, fc.string()), (text) => {
        const nearest = Nearest.sentence(text, usdc)
        expect(Rule.format(Rule.parse(nearest, usdc), usdc)).toBe(nearest)
      }),
      { numRuns: 300 },
    )
  })
})
