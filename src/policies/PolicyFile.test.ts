import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InputError } from '../kernel/Errors.ts'
import * as Policy from './Policy.ts'
import * as PolicyFile from './PolicyFile.ts'
import * as Rule from './Rule.ts'

const usdc = {
  id: 'eip155:31337/erc20:0x5fbdb2315678afecb367f032d93f642f64180aa3',
  decimals: 6,
  symbol: 'USDC',
}
const options = { file: 'policy.yaml', assets: [usdc] }
const head = `policy: desk\nasset: ${usdc.id}\n`

const file = (...sentences: string[]) =>
  `${head}rules:\n${sentences.map((sentence) => `  - ${sentence}\n`).join('')}`

function refusal(text: string): InputError {
  try {
    Policy.parse(text, options)
  } catch (error) {
    if (error instanceof InputError) return error
    throw error
  }
  throw new Error(`accepted: ${text}`)
}

describe('a policy file', () => {
  test('reads as a name, an asset and rules', () => {
    const policy = Policy.parse(file('allow payees *', 'cap 2 USDC per payment'), options)
    expect(policy).toEqual({
      name: 'desk',
      asset: usdc,
      rules: [
        { rule: 'allow', dimension: 'payees', patterns: ['*'] },
        { rule: 'cap-payment', atoms: '2000000' },
      ],
    })
  })

  test.each<[string, string]>([
    [
      'comments, blank lines and any order of keys',
      `# a\nrules:\n\n  - allow payees * # all\n${head}`,
    ],
    ['quotes', `${head}rules: ["allow payees *", 'cap 2 USDC per payment']`],
    ['a folded sentence', `${head}rules:\n  - allow payees a,\n      b\n`],
    [
      'a byte order mark and carriage returns',
      `\uFEFF${file('allow payees *')}`.replaceAll('\n', '\r\n'),
    ],
    ['an address in whatever case', file('allow payees *').replace('5fbdb', '5FbDB')],
  ])('may have %s', (_, text) => {
    expect(Policy.parse(text, options).rules[0]).toMatchObject({ dimension: 'payees' })
  })

  test('is written so that it reads back the same, whatever the rules', () => {
    const names = fc.stringMatching(/^[!-+.-~]{1,12}$/)
    fc.assert(
      fc.property(fc.array(names, { minLength: 1, maxLength: 5 }), (models) => {
        const usable = models.filter((name) => !name.includes('**'))
        if (usable.length === 0) return
        const rule = Rule.fromJson({
          rule: 'allow',
          dimension: 'models',
          patterns: [...new Set(usable)],
        })
        const policy = Policy.policy('desk', usdc, [rule])
        expect(Policy.parse(Policy.format(policy), options)).toEqual(policy)
      }),
      { numRuns: 500 },
    )
  })
})

describe('errors', () => {
  test.each<[string, string, string, string | undefined]>([
    [file('cap 2 per payment'), '4:11', 'USDC, the symbol of the amount', 'cap 2 USDC per payment'],
    [file('allow payees *', '  cap 2 EURC per 24h'), '5:13', 'USDC', 'cap 2 USDC per 24h'],
    [file('"cap 2 USDC per paiment"'), '4:21', '"payment" or', 'cap 2 USDC per payment'],
    [file('spend less'), '4:5', '"allow" or "deny" or "cap"', undefined],
    [file('5'), '4:5', 'a sentence such as "cap 2 USDC per payment"', undefined],
    [file('cap: 2'), '4:5', 'a sentence', undefined],
    [file('[cap 2]'), '4:5', 'a sentence', undefined],
    [file('true'), '4:5', 'a sentence', undefined],
    [file('~'), '4:5', 'a sentence', undefined],
    [file(''), '4:5', 'a sentence', undefined],
    [file('!!str allow payees *'), '4:11', 'no tag', undefined],
    [file('&a allow payees *'), '4:8', 'no anchor', undefined],
    [`${head}rules: []`, '3:8', 'a list of at least one sentence', undefined],
    [`${head}rules:\n`, '3:7', 'a list of at least one sentence', undefined],
    [`${head}? rules\n`, '3:3', 'a value for rules', undefined],
    [`${head}rules: allow payees *\n`, '3:8', 'a list of at least one sentence', undefined],
    [head, '1:1', 'the keys policy, asset, rules', undefined],
    ['', '1:1', 'the keys policy, asset, rules', undefined],
    ['- a\n- b\n', '1:1', 'the keys policy, asset, rules', undefined],
    ['just text', '1:1', 'the keys policy, asset, rules', undefined],
    [`${file('allow payees *')}rule: x\n`, '5:1', 'one of policy, asset, rules', 'rules'],
    [`${file('allow payees *')}<<: {}\n`, '5:1', 'one of policy, asset, rules', undefined],
    [`${file('allow payees *')}policy: x\n`, '5:1', 'plain YAML', undefined],
    [`${file('allow payees *')}---\npolicy: x\n`, '5:1', 'plain YAML', undefined],
    [`policy: 5\nasset: ${usdc.id}\nrules: [a]`, '1:9', 'a name such as', undefined],
    [`policy: a b\nasset: ${usdc.id}\nrules: [a]`, '1:9', 'a name of at most 64', undefined],
    ['policy: a\nasset: USDC\nrules: [a]', '2:8', usdc.id, undefined],
    ['policy: a\nasset: [x]\nrules: [a]', '2:8', 'an asset id', undefined],
    [`policy: "a\nasset: x`, '2:9', 'plain YAML', undefined],
    [`policy: a\n\tasset: x\nrules: [a]`, '2:1', 'plain YAML', undefined],
    [file('*unknown'), '4:5', 'a sentence', undefined],
  ])('%j is refused at %s', (text, place, expected, nearest) => {
    const error = refusal(text)
    expect(error.message).toContain(`policy.yaml:${place}: expected `)
    expect(error.facts.expected).toContain(expected)
    const [line, column] = place.split(':').map(Number)
    expect(error.facts).toMatchObject({ file: 'policy.yaml', line, column })
    if (nearest !== undefined) {
      expect(error.facts.nearest).toBe(nearest)
      expect(error.hint).toContain(nearest)
    }
  })

  test('an asset that is not known names those that are', () => {
    const error = refusal(`policy: a\nasset: eip155:1/erc20:0x${'1'.repeat(40)}\nrules: [a]`)
    expect(error.code).toBe('unknown-asset')
    expect(error.message).toContain(`expected ${usdc.id} (USDC), got "eip155:1/`)
    const text = file('allow payees *')
    expect(() => Policy.parse(text, { file: 'p', assets: [] })).toThrow('none is known here')
  })

  test('a file that is too large, and one with too many rules, is not read', () => {
    const long = `${file('allow payees *')}#${'x'.repeat(PolicyFile.longestText)}`
    expect(refusal(long).message).toContain('expected at most 65536 characters')
    const many = file(...new Array(1_025).fill('allow payees *'))
    expect(refusal(many).message).toContain('expected at most 1024 rules')
    expect(
      Policy.parse(file(...new Array(1_024).fill('allow payees *')), options).rules,
    ).toHaveLength(1_024)
  })

  test.each([
    ['nested flow lists', '['.repeat(60_000)],
    ['nested flow maps', '{a: '.repeat(15_000)],
    ['nested block lists', `${'- '.repeat(30_000)}a`],
    ['a list of aliases', `a: &a [x]\n${'b: *a\n'.repeat(5_000)}`],
    ['one long word', `${head}rules:\n  - ${'x'.repeat(60_000)}`],
    ['one long list', `${head}rules:\n  - allow models ${'a b '.repeat(10_000)}`],
    ['many commas', `${head}rules:\n  - allow models a${','.repeat(50_000)}`],
    ['many anchors', `${head}rules:\n${'  - &a x\n'.repeat(5_000)}`],
  ])('%s are refused, soon', (_, text) => {
    const startMs = performance.now()
    expect(refusal(text)).toBeInstanceOf(InputError)
    expect(performance.now() - startMs).toBeLessThan(5_000)
  })
})

describe('ten thousand bad files', () => {
  const good = file(
    'allow payees 0x00000000000000000000000000000000000000aa, *.example',
    'allow hosts 127.0.0.1:*',
    'cap 2 USDC per payment',
    'cap 10 USDC per 24h per payee',
    'at most 30 payments per minute per agent',
    'demand coverage 50%',
    'approve above 1 USDC by ops',
  )

  /** Reads, or refuses with a place; whatever is read means what it says when written out. */
  function sound(text: string): 'read' | 'refused' {
    let policy: Policy.Policy
    try {
      policy = Policy.parse(text, options)
    } catch (error) {
      expect(error).toBeInstanceOf(InputError)
      expect((error as InputError).message).toMatch(/^policy\.yaml:\d+:\d+: expected /)
      return 'refused'
    }
    expect(Policy.parse(Policy.format(policy), options)).toEqual(policy)
    return 'read'
  }

  test('never crash, and never read as something else', () => {
    expect(sound(good)).toBe('read')
    const noise = fc.constantFrom(
      '',
      ' ',
      '\n',
      ':',
      '-',
      '*',
      '&',
      '!',
      '"',
      '#',
      '0',
      'é',
      '\u0000',
    )
    const cut = fc
      .tuple(fc.nat(good.length), fc.nat(4), fc.oneof(noise, fc.string({ maxLength: 4 })))
      .map(([at, length, text]) => good.slice(0, at) + text + good.slice(at + length))
    const sentences = fc
      .array(
        fc.constantFrom(
          ...'cap allow payees per payment 2 USDC EURC 24h at most by ops 50% , a 0x1 -1'.split(
            ' ',
          ),
        ),
        { maxLength: 8 },
      )
      .map((words) => file(`"${words.join(' ')}"`))
    const met = { read: 0, refused: 0 }
    fc.assert(
      fc.property(
        fc.oneof(cut, sentences, fc.string({ unit: 'binary', maxLength: 80 })),
        (text) => {
          met[sound(text)]++
        },
      ),
      { numRuns: 3_000 },
    )
    expect(met.refused).toBeGreaterThan(1_000)
    expect(met.read).toBeGreaterThan(10)
  })

  test('as JSON they are refused too', () => {
    const policy = JSON.parse(JSON.stringify(Policy.parse(good, options)))
    expect(Policy.fromJson(policy)).toEqual(policy)
    const wrong = fc.oneof(
      fc.constantFrom<unknown>(
        null,
        true,
        -1,
        1.5,
        '',
        'x',
        [],
        {},
        [null],
        { toString: 1 },
        Number.POSITIVE_INFINITY,
      ),
      fc.jsonValue(),
    )
    const places = paths(policy)
    let refused = 0
    fc.assert(
      fc.property(fc.constantFrom(...places), wrong, (path, value) => {
        const changed = replace(policy, path, value)
        try {
          const read = Policy.fromJson(changed)
          expect(Policy.fromJson(JSON.parse(JSON.stringify(read)))).toEqual(read)
        } catch (error) {
          expect(error).toBeInstanceOf(InputError)
          refused++
        }
      }),
      { numRuns: 7_000 },
    )
    expect(refused).toBeGreaterThan(5_000)
  })

  test.each<[string, unknown]>([
    ['another key', { name: 'a', asset: usdc, rules: [], more: 1 }],
    ['no rules', { name: 'a', asset: usdc, rules: [] }],
    ['an unknown rule', { name: 'a', asset: usdc, rules: [{ rule: 'pray' }] }],
    ['an asset with more', { name: 'a', asset: { ...usdc, x: 1 }, rules: [{ rule: 'allow' }] }],
    [
      'a rule with more',
      { name: 'a', asset: usdc, rules: [{ rule: 'cap-payment', atoms: '1', per: 'day' }] },
    ],
    ['atoms as a number', { name: 'a', asset: usdc, rules: [{ rule: 'cap-payment', atoms: 1 }] }],
    [
      'more than the whole',
      { name: 'a', asset: usdc, rules: [{ rule: 'demand-coverage', coveragePpb: '1000000001' }] },
    ],
    [
      'a window of no whole second',
      { name: 'a', asset: usdc, rules: [{ rule: 'rate', payments: 1, windowMs: 1_500 }] },
    ],
    [
      'a pattern with a comma',
      {
        name: 'a',
        asset: usdc,
        rules: [{ rule: 'allow', dimension: 'models', patterns: ['a, b'] }],
      },
    ],
    [
      'a rule made of its prototype',
      { name: 'a', asset: usdc, rules: [JSON.parse('{"__proto__":{"rule":"cap-payment"}}')] },
    ],
  ])('%s is refused', (_, value) => {
    expect(() => Policy.fromJson(value)).toThrow(InputError)
  })
})

type Path = readonly (string | number)[]

function paths(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path]
  const inner = Array.isArray(value)
    ? value.flatMap((item, index) => paths(item, [...path, index]))
    : Object.entries(value).flatMap(([key, item]) => paths(item, [...path, key]))
  return [path, ...inner]
}

function replace(value: unknown, [first, ...rest]: Path, by: unknown): unknown {
  if (first === undefined) return by
  if (Array.isArray(value))
    return value.map((item, index) => (index === first ? replace(item, rest, by) : item))
  const record = value as Record<string, unknown>
  return { ...record, [first]: replace(record[first], rest, by) }
}
