/** @module Bad requests: each is a right one with one fact wrong, missing or impossible to read. */
import type * as Budget from '../../src/policies/Budget.ts'
import type { Bad } from './Bad.ts'
import { dollars, euro, id, nowMs, request, till, usdc } from './Desk.ts'
import { type Draw, one } from './Random.ts'

/** Every rule there is; {@link good} is allowed by all. */
export const sentences = [
  `allow payees ${till}`,
  'allow hosts 127.0.0.1:*',
  'allow models docs-reader',
  'allow agents desk',
  `allow assets ${usdc.id}, ${euro}`,
  'allow adapters legal-de@*',
  'allow datanets handbook',
  'allow tools search',
  'allow categories research',
  'deny models evil',
  'cap 2 USDC per payment',
  'cap 2 USDC per 24h per payee',
  'cap 2 USDC per calendar day in Europe/Berlin per model',
  'cap exposure 2 USDC per tool',
  'at most 5 payments per minute per agent',
  'at most 60 device seconds per hour per adapter',
  'demand coverage 50%',
  'demand royalty share 50%',
  'demand rarity 50%',
  'cap slippage 1%',
  'demand trust tier 2',
  'approve above 1 USDC by ops',
  'stop at drawdown 10% seen within 5m',
  `count ${euro} of 6 decimals at prices within 1m`,
]

const approval = { by: 'ops', payee: till, model: 'docs-reader', ceilingAtoms: dollars(2) }

/** A right request of one of three kinds: plain, in another asset, and approved. */
export function good(draw: Draw, count: number): Budget.Request {
  const plain = request(count, { atoms: BigInt(1 + draw(1_000_000)) })
  const priced = {
    ...plain,
    asset: euro,
    price: { atoms: 1_000_000n, asOfMs: nowMs - draw(60_001) },
  }
  return one(draw, [plain, priced, { ...plain, atoms: dollars(1) + 1n, approval }])
}

const proxy = new Proxy({}, { get: (_, key, self) => (key === 'toString' ? () => 'x' : self) })
const things = [
  ...[
    undefined,
    null,
    true,
    false,
    Symbol('x'),
    Symbol.iterator,
    [],
    {},
    [till],
    () => till,
    proxy,
  ],
  ...[Number.NaN, -0, 0, 1, 1.5, -1, 2 ** 53 + 2, Number.POSITIVE_INFINITY, new Date(0)],
  ...[Object(1n), Object(5), Object('desk'), { toString: () => till }, { valueOf: () => 1n }],
]
const bigs = [-1n, -(2n ** 64n), 2n ** 256n, 2n ** 256n + 1n, 10n ** 100n]
const strange = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']
const texts = [
  '',
  ' ',
  'a b',
  '\u0000',
  '\ud800',
  'x'.repeat(257),
  'а',
  '1',
  'NaN',
  '*',
  'ünï',
  ...strange,
]
const amounts = [...things.filter((each) => each !== undefined), ...bigs, '1', '1n', '0x1', 'NaN']
const numbers = [
  ...things.filter((each) => each !== 1 && each !== 0),
  ...bigs,
  '5',
  '٥',
  10,
  11,
  -2,
]

/** A name with one letter of another alphabet, a blank nobody sees, or something around it. */
const alike = (name: string) => [
  ...[`${name}\u200b`, `\ufeff${name}`, `${name}\n`, ` ${name}`, `${name}\u0000`, `${name},`],
  ...[name.replace('a', 'а'), name.replace('e', 'е'), name.replace('o', 'о'), `${name}é`].filter(
    (each) => each !== name,
  ),
  [...name].map((each) => String.fromCharCode(each.charCodeAt(0) + 0xfee0)).join(''),
]
const word = id(7).slice(2)
const hashes = [
  ...[...things, ...bigs, ...texts, word, `0x${word.slice(1)}`, `0x${word}0`, `0X${word}`],
  ...[
    `0x${word.slice(1)}g`,
    `0x${word.slice(1)}７`,
    `0x${word} `,
    `\u200b0x${word.slice(1)}`,
    `0x${word}${word}`,
  ],
]
const name = (right: string) => [...things, ...bigs, ...texts, ...alike(right)]
const moments = [
  ...things.filter((each) => each !== undefined),
  2 ** 53,
  nowMs + 1,
  nowMs - 400_000,
  `${nowMs}`,
  BigInt(nowMs),
]
const shares = [...things, ...bigs, '500000000', 1_000_000_001n, 2n ** 64n, 5e8, 499_999_999n]
const slippages = [...things, ...bigs, '0', 1_000_000_001n, 10_000_001n]
const losses = [...things, ...bigs, '0', 1_000_000_001n, 100_000_000n]

/** What is wrong in a fact; of a fact with parts, `fact.part`. */
const wrong: Readonly<Record<string, readonly unknown[]>> = {
  id: hashes,
  digest: hashes,
  agent: name('desk'),
  asset: [...name(euro), euro.slice(0, -1), euro.replace('8453', '1')],
  atoms: [...amounts, dollars(3), 2n ** 53n + 1n],
  payee: name(till),
  host: [
    ...name('127.0.0.1:4020'),
    'http://127.0.0.1',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:4020/x',
    '127.0.0.1:1:2',
  ],
  model: name('docs-reader'),
  coveragePpb: shares,
  royaltySharePpb: shares,
  rarityPpb: shares,
  slippagePpb: slippages,
  trustTier: numbers,
  deviceMs: [...amounts, 60_001n],
  adapter: name('legal-de@3'),
  datanet: name('handbook'),
  tool: name('search'),
  category: name('research'),
  drawdown: [...things, 0n, 'x'],
  'drawdown.ppb': losses,
  'drawdown.asOfMs': moments,
  price: [...things, 1_000_000n, 'x'],
  'price.atoms': amounts,
  'price.asOfMs': moments,
  approval: [...things, 'ops', true],
  'approval.by': name('ops'),
  'approval.payee': name(till),
  'approval.model': name('docs-reader'),
  'approval.ceilingAtoms': [...amounts, dollars(1)],
}

const facts = Object.keys(wrong)
const boom = () => {
  throw new Error('no')
}

/** How a fact is made wrong: by its value, by nothing, or by something that does not let it be read. */
const ways: Readonly<
  Record<string, (draw: Draw, target: object, key: string, fact: string) => void>
> = {
  wrong(draw, target, key, fact) {
    Object.assign(target, { [key]: one(draw, wrong[fact]!) })
  },
  missing(_, target, key) {
    Reflect.deleteProperty(target, key)
  },
  throwing(_, target, key) {
    Object.defineProperty(target, key, { get: boom, enumerable: true })
  },
  'read as wrong'(draw, target, key, fact) {
    const value = one(draw, wrong[fact]!)
    Object.defineProperty(target, key, { get: () => value, enumerable: true })
  },
  'a proxy that throws'(_, target, key) {
    const made = new Proxy({}, { get: boom, has: boom, ownKeys: boom, getPrototypeOf: boom })
    Object.assign(target, { [key]: made })
  },
}

/** One fact of a right request made wrong; which, and how. */
export function bad(draw: Draw, count: number): Bad<Budget.Request> {
  const fact = one(draw, facts)
  const [key, part] = fact.split('.') as [keyof Budget.Request, string | undefined]
  const kind = one(draw, Object.keys(ways))
  let asked: Record<string, unknown> = { ...good(draw, count) }
  // A price counts only for another asset, an approval only above the limit.
  if (key === 'price')
    asked = { ...asked, asset: euro, price: { atoms: 1_000_000n, asOfMs: nowMs } }
  if (key === 'asset') asked = { ...request(count) }
  if (key === 'approval') asked = { ...request(count), atoms: dollars(1) + 1n, approval }
  const target = part === undefined ? asked : { ...(asked[key] as object) }
  if (part !== undefined) asked[key] = target
  ways[kind]!(draw, target, part ?? key, fact)
  const wrapped = draw(4) > 0 ? asked : new Proxy(asked, {})
  return { how: `${fact} ${kind}`, value: wrapped as unknown as Budget.Request }
}

/** How many ways there are. */
export const hows = facts.length * Object.keys(ways).length

/** What is no request at all. */
export const nothing: readonly unknown[] = [
  ...things,
  ...bigs,
  ...texts,
  new Proxy({}, { get: boom }),
  new Proxy({}, { get: (_, __, self) => self }),
  new Proxy(() => 1, { get: boom }),
  Object.create(null),
  JSON.parse('{"__proto__": {"id": 1}, "constructor": {"prototype": {"payee": "x"}}}'),
]
