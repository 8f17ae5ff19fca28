/**
 * @module Bad documents: each is a right one with one thing wrong. Sentences have places for what they say,
 * and each kind of place has values that are wrong there and nowhere right.
 */
import { euro, till, usdc } from './Desk.ts'
import { type Draw, one } from './Random.ts'

/** A corruption's name, and what came of it. */
export type Bad<Value> = { readonly how: string; readonly value: Value }

type Place = { readonly right: readonly string[]; readonly wrong: readonly string[] }

const long = 'x'.repeat(257)

const places: Readonly<Record<string, Place>> = {
  money: {
    right: ['2 USDC', '0.5 USDC', '0 USDC', '9007199254740993 USDC'],
    wrong: [
      ...['2', 'USDC', '2 EURC', '2 usdc', '$2', '2USDC', '-1 USDC', '−1 USDC', '+1 USDC'],
      ...['1e3 USDC', 'NaN USDC', 'Infinity USDC', '1,000 USDC', '0x10 USDC', '0.0000001 USDC'],
      ...['٢ USDC', '２ USDC', '2 USDС', '.5 USDC', '5. USDC', '1_000 USDC', '2\u200b USDC'],
      ...[`${2n ** 256n} USDC`, '', '2 USDC USDC', '-0 USDC', '2 constructor'],
    ],
  },
  span: {
    right: ['24h', 'minute', '30d', 'lifetime', 'calendar month in Europe/Berlin'],
    wrong: [
      ...[
        '0h',
        '-1h',
        '1.5h',
        '367d',
        '24',
        '24H',
        'h',
        '1w',
        '٢٤h',
        '24ｈ',
        'day',
        'week',
        '1e1h',
      ],
      ...['NaNh', 'calendar', 'calendar day', 'calendar hour in UTC', 'calendar day in Mars/Base'],
      ...['calendar day in +01:00', 'calendar day in Еurope/Berlin', 'held', '__proto__', ''],
      ...['constructor', 'toString', 'Lifetime', 'calendar __proto__ in UTC', '9007199254740993h'],
    ],
  },
  duration: {
    right: ['5m', '60s', 'hour'],
    wrong: ['0s', '-5m', '5', 'm', '1.5m', '367d', 'lifetime', '٥m', 'constructor', '', 'soon'],
  },
  share: {
    right: ['50%', '0%', '100%', '12.5%'],
    wrong: ['101%', '50', '-1%', '1e1%', '50％', '٥٠%', '50.00000001%', 'NaN%', '%', '', '100.1%'],
  },
  count: {
    right: ['30', '2', '1000000000'],
    wrong: [
      '0',
      '-1',
      '1.5',
      '1e3',
      '1000000001',
      'NaN',
      '٣',
      '３',
      '03',
      '',
      '9007199254740993',
      '-0',
    ],
  },
  tier: { right: ['0', '2', '9'], wrong: ['10', '-1', '2.5', '٢', '', 'high', '-0', '02'] },
  time: {
    right: ['22:00'],
    wrong: ['24:00', '6:00', '22.00', '22:60', '06:00', '٢٢:00', '', '22'],
  },
  zone: {
    right: ['UTC', 'Europe/Berlin'],
    wrong: ['Mars/Base', '+01:00', 'Еurope/Berlin', '__proto__', 'constructor', '', 'UTC UTC', '5'],
  },
  each: {
    right: ['payee', 'agent', 'tool'],
    wrong: [
      'planet',
      'Payee',
      'payees',
      '__proto__',
      'constructor',
      'toString',
      'рayee',
      '',
      '24h',
    ],
  },
  dimension: {
    right: ['payees', 'models', 'tools', 'categories'],
    wrong: ['planets', 'payee', 'Payees', '__proto__', 'constructor', 'toString', 'рayees', ''],
  },
  names: {
    right: ['docs-reader', 'a, b', '*', till],
    wrong: [
      ...['', ',', 'a,', ',a', 'a,,b', 'a b', 'a, a', 'a**b', 'ünï', 'dосs', 'a\u200b', 'a\u0000'],
      ...[long, 'a, \u202eb', '𝐚', 'a\u00e9'],
    ],
  },
  approvers: {
    right: ['ops', 'ops, finance'],
    wrong: ['', '-ops', 'öps', 'o p', 'ops, ops', 'x'.repeat(65), '*', '__proto__', 'ops,'],
  },
  other: {
    right: [euro],
    wrong: [
      'EURC',
      'eip155:1',
      euro.slice(0, -1),
      `${euro}0`,
      euro.replace('0x', ''),
      'constructor',
      '',
    ],
  },
  decimals: { right: ['0', '6', '36'], wrong: ['37', '-1', '1.5', '', '٦', '06', '-0'] },
}

const templates = [
  'allow {dimension} {names}',
  'deny {dimension} {names}',
  'cap {money} per payment',
  'cap {money} per {span}',
  'cap {money} per {span} per {each}',
  'cap exposure {money}',
  'cap exposure {money} per {each}',
  'at most {count} payments per {span} per {each}',
  'at most {count} device seconds per {span}',
  'demand coverage {share}',
  'demand royalty share {share}',
  'demand rarity {share}',
  'cap slippage {share}',
  'demand trust tier {tier}',
  'approve above {money} by {approvers}',
  'approve above {money} within {duration} by {approvers}',
  'freeze from {time} to 06:00 in {zone}',
  'stop at drawdown {share} seen within {duration}',
  'count {other} of {decimals} decimals at {money}',
  'count {other} of {decimals} decimals at prices within {duration}',
]

const slot = /\{(\w+)\}/g
const likeness: Readonly<Record<string, string>> = {
  ...{ a: 'а', c: 'с', e: 'е', i: 'і', o: 'о', p: 'р', s: 'ѕ', t: 'τ', u: 'υ', r: 'ｒ', m: 'ｍ' },
}

/** A right sentence of a template, but for one place of a kind if it is said which. */
function sentence(draw: Draw, template: string, spoilt?: { at: number; value: string }): string {
  let at = 0
  return template.replace(slot, (_, kind: string) =>
    at++ === spoilt?.at ? spoilt.value : one(draw, places[kind]!.right),
  )
}

/** Any right sentence. */
export function right(draw: Draw): string {
  return sentence(draw, one(draw, templates))
}

const words: Readonly<Record<string, (draw: Draw, sentence: string) => string>> = {
  'a first word left out': (_, text) => text.slice(text.indexOf(' ') + 1),
  'a first word said twice': (_, text) => `${text.slice(0, text.indexOf(' '))} ${text}`,
  'a first word in capitals': (_, text) => text.replace(/^\w+/, (word) => word.toUpperCase()),
  'a word more': (draw, text) => `${text} ${one(draw, ['now', 'per', 'USDC', '5', '__proto__'])}`,
  'a letter of another alphabet': (_, text) =>
    text.replace(/^(\w*?)([aceiopstum])/, (_, before, letter) => before + likeness[letter]),
  'a blank that nobody sees': (draw, text) =>
    text.replace(/^(\w)/, `$1${one(draw, ['\u200b', '\u200d', '\u2060', '\u00ad', '\u202e'])}`),
  'no word at all': (draw) =>
    one(draw, ['', ' ', '\n', ',', '%', '{}', '__proto__', 'constructor']),
}

/** A sentence with one thing wrong. */
export function badSentence(draw: Draw): Bad<string> {
  if (draw(3) === 0) {
    const how = one(draw, Object.keys(words))
    return { how: `sentence: ${how}`, value: words[how]!(draw, right(draw)) }
  }
  const template = one(draw, templates)
  const kinds = [...template.matchAll(slot)].map(([, kind]) => kind!)
  const at = draw(kinds.length)
  const kind = kinds[at]!
  const value = sentence(draw, template, { at, value: one(draw, places[kind]!.wrong) })
  return { how: `sentence: a wrong ${kind}`, value }
}

type File = { readonly policy: string; readonly asset: string; readonly rules: string }

const good = (draw: Draw): File => ({
  policy: 'desk',
  asset: usdc.id,
  rules: list(Array.from({ length: 1 + draw(5) }, () => right(draw))),
})
const list = (sentences: readonly string[]) =>
  `\n${sentences.map((each) => `  - ${JSON.stringify(each)}\n`).join('')}`
const write = ({ policy, asset, rules }: File) =>
  `policy: ${policy}\nasset: ${asset}\nrules: ${rules}${rules.endsWith('\n') ? '' : '\n'}`

const files: Readonly<Record<string, (draw: Draw, file: File) => string>> = {
  'another key': (draw, file) =>
    `${write(file)}${one(draw, ['owner', '__proto__', 'constructor', 'toString', 'Rules', 'rüles', '5', '~', '? a\n'])}: x\n`,
  'a key left out': (draw, file) =>
    write(file).replace(one(draw, [/^policy.*\n/, /asset.*\n/, /rules[\s\S]*/]), ''),
  'a key twice': (draw, file) =>
    `${write(file)}${one(draw, ['policy: a', `asset: ${usdc.id}`, 'rules: [a]'])}\n`,
  'a key of another alphabet': (draw, file) => {
    const [key, alike] = one(draw, [
      ['policy', 'рolicy'],
      ['asset', 'аsset'],
      ['rules', 'ruleѕ'],
    ] as const)
    return write(file).replace(key, alike)
  },
  'rules that are no list': (draw, file) =>
    write({
      ...file,
      rules: one(draw, [
        '',
        '[]',
        '{}',
        'x',
        '5',
        '~',
        '{0: a}',
        '"cap 2 USDC per payment"',
        'true',
      ]),
    }),
  'a rule that is no sentence': (draw, file) =>
    `${write(file)}  - ${one(draw, ['5', '~', 'true', '[]', '{}', '{cap: 2}', '2 USDC: x', '.nan', '-0', '""', '*a', '2024-01-01'])}\n`,
  'a name that is none': (draw, file) =>
    write({
      ...file,
      policy: one(draw, [
        '5',
        '',
        '~',
        'a b',
        'ünï',
        '__proto__',
        '-a',
        '[a]',
        '{}',
        'x'.repeat(65),
        'true',
        '"a\\u200b"',
        'dеsk',
        '1e3',
        '.inf',
      ]),
    }),
  'an asset that is none': (draw, file) =>
    write({
      ...file,
      asset: one(draw, [
        'USDC',
        '5',
        '',
        '~',
        '[]',
        euro,
        usdc.id.slice(0, -1),
        `${usdc.id}0`,
        usdc.id.replace('eip', 'еip'),
        '__proto__',
      ]),
    }),
  'an anchor, an alias or a tag': (draw, file) =>
    one(draw, [
      write({ ...file, policy: `&a ${file.policy}` }),
      write({ ...file, policy: `!!str ${file.policy}` }),
      write({ ...file, asset: `!x ${file.asset}` }),
      `${write(file)}  - &a "cap 2 USDC per payment"\n`,
      `${write(file)}  - !!str "cap 2 USDC per payment"\n`,
      write({ ...file, rules: `&r${file.rules}` }),
      `${write(file)}<<: {}\n`,
    ]),
  'no YAML, or more than one': (draw, file) =>
    one(draw, [
      `${write(file)}---\npolicy: x\n`,
      `${write(file)}  - "a\n`,
      `\t${write(file)}`,
      `[${write(file)}`,
      '',
      '~',
      '5',
      `- ${file.policy}`,
      `${write(file)}}`,
      `%${write(file)}`,
    ]),
  'a file that is too large': (_, file) => `${write(file)}#${'x'.repeat(65_536)}`,
}

/** A policy file with one thing wrong. */
export function badFile(draw: Draw): Bad<string> {
  const file = good(draw)
  if (draw(3) > 0) {
    const { how, value } = badSentence(draw)
    const rules = Array.from({ length: draw(4) }, () => right(draw))
    rules.splice(draw(rules.length + 1), 0, value)
    return { how, value: write({ ...file, rules: list(rules) }) }
  }
  const how = one(draw, Object.keys(files))
  return { how: `file: ${how}`, value: files[how]!(draw, file) }
}

/** A right file. */
export function goodFile(draw: Draw): string {
  return write(good(draw))
}
