import { readFileSync } from 'node:fs'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { InputError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Money from '../kernel/Money.ts'
import * as Budget from './Budget.ts'
import { allow, approve, atMost, cap, demand } from './Combinators.ts'
import * as Policy from './Policy.ts'
import * as Rule from './Rule.ts'

const usdc = {
  id: 'eip155:31337/erc20:0x5fbdb2315678afecb367f032d93f642f64180aa3',
  decimals: 6,
  symbol: 'USDC',
} as const

const sentences = `policy: research-desk
asset: ${usdc.id} # USDC, 6 decimals
rules:
  - allow payees 0x00000000000000000000000000000000000000aa, "*.research.example"
  - allow models docs-reader, legal-de@*
  - cap 2 USDC per payment
  - cap 50 USDC per 24h
  - cap 10 USDC per 24h per payee
  - at most 30 payments per minute per agent
  - demand coverage 50%
  - approve above 1 USDC by ops
`.replaceAll('"', '')

const made = Policy.policy('research-desk', usdc, [
  allow.payees('0x00000000000000000000000000000000000000AA', '*.research.example'),
  allow.models('docs-reader', 'legal-de@*'),
  cap('2 USDC').perPayment(),
  cap('50 USDC').per('24h'),
  cap('10 USDC').per('24h', 'payee'),
  atMost(30).per('minute', 'agent'),
  demand.coverage('50%'),
  approve.above('1 USDC').by('ops'),
])

describe('a policy', () => {
  test('in sentences and in code is the same plain JSON with the same version', () => {
    const read = Policy.parse(sentences, { file: 'policy.yaml', assets: [usdc] })
    expect(read).toEqual(made)
    expect(Policy.digest(read)).toBe(Policy.digest(made))
    expect(JSON.parse(JSON.stringify(made))).toEqual(made)
    expect(Policy.fromJson(JSON.parse(JSON.stringify(made)))).toEqual(made)
    expect(Policy.format(made)).toBe(sentences)
  })

  test('has the SHA-256 of its canonical JSON as its version', () => {
    const small = Policy.policy('a', usdc, [cap('2 USDC').perPayment()])
    const canonical = `{"asset":{"decimals":6,"id":"${usdc.id}","symbol":"USDC"},"name":"a","rules":[{"atoms":"2000000","rule":"cap-payment"}]}`
    expect(Policy.digest(small)).toBe(Hash.text(canonical))
  })

  test('has another version for any other limit, order or name', () => {
    const versions = [
      made,
      { ...made, name: 'other' },
      { ...made, rules: made.rules.toReversed() },
      { ...made, rules: made.rules.slice(1) },
    ].map(Policy.digest)
    expect(new Set(versions).size).toBe(4)
  })

  test('writes an amount, a window and an address in one way, so that they have one version', () => {
    const spell = (sentence: string) =>
      Policy.digest(Policy.policy('a', usdc, [Rule.parse(sentence, usdc)]))
    expect(spell('cap 2.00 USDC per 1440m')).toBe(spell('cap 02 USDC per 24h'))
    expect(spell('cap 2 USDC per 24h')).not.toBe(spell('cap 2 USDC per 23h'))
  })

  test('cannot be changed once made', () => {
    expect(() => {
      ;(made.rules as Rule.Rule[]).push(cap('9 USDC') as never)
    }).toThrow(TypeError)
    expect(() => {
      ;(made.rules[2] as { atoms: string }).atoms = '9'
    }).toThrow(TypeError)
  })

  test('leaves the asset it was given as it was', () => {
    const asset = { ...usdc }
    Policy.policy('a', asset, [cap('2 USDC').perPayment()])
    expect(Object.isFrozen(asset)).toBe(false)
  })

  test.each<[string, () => unknown]>([
    ['no rules', () => Policy.policy('a', usdc, [])],
    ['no name', () => Policy.policy('', usdc, [cap('2 USDC').perPayment()])],
    ['a name that is a path', () => Policy.policy('../a', usdc, [cap('2 USDC').perPayment()])],
    ['no payees', () => allow.payees()],
    ['an address that is none', () => allow.payees('0x1')],
    ['a rate of nothing', () => atMost(0).per('minute')],
    ['a rate of a fraction', () => atMost(1.5).per('minute')],
    ['more than the whole', () => demand.coverage('101%')],
    [
      'an approver that is none',
      () => Policy.policy('a', usdc, [approve.above('1 USDC').by('o p s')]),
    ],
    ['too many decimals', () => Policy.policy('a', usdc, [cap('0.0000001 USDC').perPayment()])],
  ])('with %s is refused', (_, make) => {
    expect(make).toThrow(InputError)
  })

  test('is typed', () => {
    expectTypeOf(made).toEqualTypeOf<Policy.Policy>()
    expectTypeOf(cap('2 USDC').perPayment()).toExtend<Rule.Draft<'USDC'>>()
    expectTypeOf(cap('2 EURC').perPayment()).not.toExtend<Rule.Draft<'USDC'>>()
    expectTypeOf(allow.payees('a')).toExtend<Rule.Draft<'USDC'>>()
  })
})

describe('the policy this package ships', () => {
  const text = readFileSync(new URL('../../policy.yaml', import.meta.url), 'utf8')
  const policy = Policy.parse(text, { file: 'policy.yaml', assets: [usdc] })
  const payee = Policy.toSentences(policy)[0]!.replace('allow payees ', '')

  const ask = (count: number, atoms: bigint): Budget.Request => ({
    id: Hash.text(`id ${count}`),
    digest: Hash.text(`request ${count}`),
    agent: 'research-desk',
    asset: usdc.id,
    atoms,
    payee,
    host: '127.0.0.1:4020',
    model: 'docs-reader',
  })

  test('explains each sentence to whoever opens it', () => {
    const lines = text.split('\n')
    for (const [index, line] of lines.entries())
      if (line.startsWith('  - ')) expect(lines[index - 1]).toMatch(/^ {2}# /)
    expect(Policy.toSentences(policy)).toHaveLength(
      lines.filter((line) => line.startsWith('  - ')).length,
    )
  })

  test('admits at least twenty questions in one run, at the most that needs no approval', () => {
    const usage = Budget.empty()
    for (let count = 0; count < 20; count++) {
      const dear = ask(count, 40_000n)
      const { verdict, decidedBy } = Budget.authorize(usage, policy, dear, 1_700_000_000_000)
      expect([verdict, decidedBy?.because]).toEqual(['allow', undefined])
      expect(Budget.capture(usage, dear.id, dear.atoms, 1_700_000_000_000)).toBe('ok')
    }
  })

  test('asks ops above 0.04, and denies above 0.05', () => {
    const verdict = (atoms: bigint) =>
      Budget.explain(Budget.empty(), policy, ask(1, atoms), 1_700_000_000_000).verdict
    expect([40_000n, 40_001n, 50_000n, 50_001n].map(verdict)).toEqual([
      'allow',
      'review',
      'review',
      'deny',
    ])
  })

  test('with its cap lowered denies in these words', () => {
    const lowered = text.replace(/cap \S+ USDC per payment/, 'cap 0.0001 USDC per payment')
    const tight = Policy.parse(lowered, { file: 'policy.yaml', assets: [usdc] })
    const { verdict, decidedBy } = Budget.explain(
      Budget.empty(),
      tight,
      ask(1, Money.parse('0.0053 USDC', usdc).atoms),
      1_700_000_000_000,
    )
    expect([verdict, decidedBy?.rule]).toEqual(['deny', 'cap 0.0001 USDC per payment'])
  })
})
