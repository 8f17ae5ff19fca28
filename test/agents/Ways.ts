/**
 * @module The ways a purchase can go, by what chain and sellers do: honest and hostile ones, of all three
 * kinds of purchase. Each names the path that it takes through the machine's table.
 */
import * as Pair from '../harness/Pair.ts'
import type * as Shop from './Shop.ts'
import * as Stage from './Stage.ts'

/** What is bought. */
export type Kind = 'inference' | 'resource' | 'call'

/** One way. */
export type Way = Stage.Script & {
  readonly kind: Kind
  readonly name: string
  /** What the effects answer, from the beginning. */
  readonly path: string
  readonly ends: string
  /** How it ends after a kill, where that may be otherwise. */
  readonly or?: string
  /** Not killed: another way takes the same path, and is. */
  readonly lives?: true
  /** What is under review is approved. */
  readonly approves?: true
  /** The caller cancels after this effect. */
  readonly cancels?: string
}

const stranger = `0x${'9'.repeat(40)}` as const
const paid = 'found quoted allow signed'
const tiny = 'cap 0.000001 USDC per payment'
const asks = 'approve above 0.000001 USDC by ops'
const freeze = ({ buyer }: Stage.Stage) =>
  buyer.freeze({ kind: 'everything' }, { by: 'ops', because: 'alarm' })
const late = ({ pair }: Stage.Stage) => {
  pair.nowMs += 120_000
}

/** Lies in a quote, none of which is signed for. */
const quotes: readonly (readonly [string, Shop.Script])[] = [
  [
    'to another payee than it signed',
    { alters: ({ quote }) => Object.assign(quote, { payTo: stranger }) },
  ],
  ['to another payer', { quotes: { payer: stranger } }],
  ['that has expired', { quotes: { expiresAtMs: 1_700_000_000_000 } }],
  ['above its own rates', { quotes: { maxAtoms: '999999', payAtoms: '999999' } }],
  ['for another model', { quotes: { model: 'docs-writer' } }],
  ['on another card', { quotes: { cardHash: `0x${'12'.repeat(32)}` } }],
  ['for another request', { quotes: { requestDigest: `0x${'12'.repeat(32)}` } }],
  ['in another asset', { quotes: { asset: { ...Pair.asset, symbol: 'EURC', decimals: 2 } } }],
  [
    'cheaper than it was signed',
    { alters: ({ quote }) => Object.assign(quote, { payAtoms: '9' }) },
  ],
  [
    'with the signature of another',
    { alters: (signed) => Object.assign(signed, { signature: `0x${'11'.repeat(64)}1b` }) },
  ],
  ['that is none', { alters: ({ quote }) => delete quote.payTo }],
]

/** Lies in an answer that is paid for: disputed. */
const lies: readonly (readonly [string, Shop.Lie])[] = [
  ['with other words', ({ choices: [{ message }] }) => Object.assign(message, { content: 'Buy.' })],
  ['of another model', ({ requite }) => Object.assign(requite.receipt, { model: 'docs-writer' })],
  [
    'with a forged receipt',
    ({ requite }) => {
      requite.signature = `0x${'11'.repeat(64)}1b`
    },
  ],
  ['that stands in no log', ({ requite }) => Object.assign(requite.proof, { size: 1, path: [] })],
]

/** What the policy and its operator say, whatever is bought. */
const ruled: readonly Omit<Way, 'kind'>[] = [
  { name: 'over a cap', path: 'found quoted deny', ends: 'refused', rules: [tiny, Stage.cap] },
  {
    name: 'to be approved',
    path: 'found quoted review',
    ends: 'refused',
    rules: [asks, Stage.cap],
  },
  {
    ...{ name: 'approved', path: 'found quoted review', ends: 'captured', approves: true },
    rules: [asks, Stage.cap],
  },
  {
    ...{ name: 'frozen before it is signed', path: 'found quoted allow unsigned refused' },
    ...{ ends: 'refused', after: { 'deciding allow': freeze } },
  },
  {
    ...{ name: 'cancelled before it is signed', path: 'found quoted allow unsigned refused' },
    ...{ ends: 'refused', cancels: 'deciding allow' },
  },
]

const inference: readonly Omit<Way, 'kind'>[] = [
  {
    ...{ name: 'to a payee that nobody allowed', path: 'found quoted deny', ends: 'refused' },
    quotes: { payTo: stranger },
  },
  { name: 'honest', path: `${paid} answered captured`, ends: 'captured' },
  { name: 'nobody sells it', path: 'none', ends: 'refused', gone: true },
  {
    ...{ name: 'a card that its hash does not name', path: 'none', ends: 'refused' },
    shows: ({ card }) => Object.assign(card, { maxTokensOut: 999 }),
  },
  ...quotes.map(([name, script], at) => ({
    ...{ name: `a quote ${name}`, path: 'found refused', ends: 'refused', ...script },
    ...(at % 4 > 0 && { lives: true as const }),
  })),
  ...lies.map(([name, says], at) => ({
    ...{ name: `an answer ${name}`, path: `${paid} answered disputed`, ends: 'disputed' },
    paid: [{ says }],
    ...(at > 0 && { lives: true as const }),
  })),
  {
    ...{ name: 'kept as change', path: `${paid} answered refunded`, ends: 'refunded' },
    ...{ paid: [{ says: 'returned' }], or: 'refused' },
  },
  {
    ...{ name: 'answered, never taken', path: `${paid} answered unpaid never expired` },
    ...{ ends: 'expired', paid: [{ settles: false, next: 'late' }] },
  },
  {
    ...{ name: 'answered, spent elsewhere', path: `${paid} answered unpaid never refused` },
    ...{ ends: 'refused', paid: [{ settles: false, next: 'elsewhere' }] },
  },
  {
    ...{ name: 'lost for good', path: `${paid} unclear never expired` },
    ...{ ends: 'expired', paid: [{ lost: true, next: 'late' }] },
  },
  {
    ...{ name: 'cancelled on chain', path: `${paid} unclear never refused` },
    ...{ ends: 'refused', paid: [{ lost: true, next: 'cancelled' }] },
  },
  // Round about: these go through a state twice.
  {
    ...{ name: 'lost once', path: `${paid} unclear again answered captured` },
    ...{ ends: 'captured', paid: [{ lost: true }, {}] },
  },
  {
    ...{ name: 'taken, and silent once', path: `${paid} unclear again answered captured` },
    ...{ ends: 'captured', paid: [{ says: 'silence' }, {}] },
  },
  {
    ...{ name: 'answered ahead of a slow block', path: `${paid} answered unpaid paid captured` },
    ...{ ends: 'captured', paid: [{ next: 'slow' }] },
  },
  {
    ...{ name: 'a silent chain', path: `${paid} answered captured`, ends: 'captured' },
    silences: 3,
  },
  {
    ...{ name: 'taken, and nothing but no', ends: 'disputed', paid: [{ says: 'no' }] },
    path: `${paid} ${'unclear again '.repeat(4)}unclear paid disputed`,
  },
  {
    ...{ name: 'taken, and garbage', ends: 'disputed', paid: [{ says: 'garbage' }], lives: true },
    path: `${paid} ${'unclear again '.repeat(4)}unclear paid disputed`,
  },
]

const resource: readonly Omit<Way, 'kind'>[] = [
  { name: 'honest', path: `${paid} answered captured`, ends: 'captured' },
  { name: 'nobody there', path: 'none', ends: 'refused', gone: true },
  {
    ...{ name: 'cancelled at its price', path: 'found refused', ends: 'refused' },
    cancels: 'discovering found',
  },
  {
    ...{ name: 'given ahead of a slow block', path: `${paid} answered unpaid paid captured` },
    ...{ ends: 'captured', paid: [{ next: 'slow' }, { says: 'no' }] },
  },
  {
    ...{ name: 'given, never taken', path: `${paid} answered unpaid never expired` },
    ...{ ends: 'expired', paid: [{ settles: false, next: 'late' }] },
  },
  {
    ...{ name: 'given, spent elsewhere', path: `${paid} answered unpaid never refused` },
    ...{ ends: 'refused', paid: [{ settles: false, next: 'elsewhere' }] },
  },
  {
    ...{ name: 'lost for good', path: `${paid} unclear never expired` },
    ...{ ends: 'expired', paid: [{ lost: true, next: 'late' }] },
  },
  {
    ...{ name: 'cancelled on chain', path: `${paid} unclear never refused` },
    ...{ ends: 'refused', paid: [{ lost: true, next: 'cancelled' }] },
  },
  {
    ...{ name: 'taken, and nothing but no', ends: 'disputed', paid: [{ says: 'no' }] },
    path: `${paid} ${'unclear again '.repeat(4)}unclear paid disputed`,
  },
]

const call: readonly Omit<Way, 'kind'>[] = [
  { name: 'honest', path: `${paid} unclear paid captured`, ends: 'captured' },
  { name: 'no contract', path: 'none', ends: 'refused', codeless: true },
  { name: 'reverts when tried', path: 'found refused', ends: 'refused', tried: 'reverts' },
  { name: 'takes more when tried', path: 'found refused', ends: 'refused', tried: 'takes more' },
  {
    ...{ name: 'no coin for gas', path: 'found quoted allow unsigned refused', ends: 'refused' },
    penniless: true,
  },
  {
    ...{ name: 'tried too long ago', path: 'found quoted allow unsigned refused' },
    ...{ ends: 'refused', after: { 'deciding allow': late } },
  },
  {
    ...{ name: 'takes more than it said', path: `${paid} unclear paid disputed` },
    ...{ ends: 'disputed', mined: ['takes more'] },
  },
  {
    ...{ name: 'reverts', path: `${paid} unclear never refused`, ends: 'refused' },
    mined: ['reverts'],
  },
  {
    ...{ name: 'its nonce is taken', path: `${paid} unclear never refused`, ends: 'refused' },
    mined: ['replaced'],
  },
  {
    ...{ name: 'lost once', path: `${paid} unclear again unclear paid captured`, ends: 'captured' },
    mined: ['lost', 'succeeds'],
  },
]

/** All ways. */
export const ways: readonly Way[] = [
  ...[...ruled, ...inference].map((way) => ({ kind: 'inference', ...way }) as const),
  ...[...ruled, ...resource].map((way) => ({ kind: 'resource', ...way }) as const),
  ...[...ruled, ...call].map((way) => ({ kind: 'call', ...way }) as const),
]

/** A simple path that a kind of purchase cannot take, wherever it begins, and why. */
export type Never = {
  readonly kinds: readonly Kind[]
  readonly ends: RegExp
  readonly because: string
}

/** Those that cannot happen. */
export const nevers: readonly Never[] = [
  {
    kinds: ['inference', 'resource', 'call'],
    ends: /allow unsigned expired$/,
    because: 'only a payment that was signed can expire; what was not signed is refused',
  },
  {
    kinds: ['inference', 'resource', 'call'],
    ends: /unclear paid refunded$/,
    because: 'that it keeps all as change is an answer of its seller',
  },
  {
    kinds: ['inference', 'resource'],
    ends: /unclear paid captured$/,
    because: 'nothing is captured that was not answered, and an answer is judged at once',
  },
  {
    kinds: ['inference', 'resource'],
    ends: /unclear paid disputed$/,
    because: 'who does not answer is asked again first: the way round about is walked',
  },
  {
    kinds: ['resource'],
    ends: /answered (disputed|refunded)$/,
    because: 'whatever a stranger gives is what was bought, and it keeps no books',
  },
  {
    kinds: ['call'],
    ends: /answered /,
    because: 'nobody answers a transaction: the chain is looked at',
  },
  {
    kinds: ['call'],
    ends: /unclear never expired$/,
    because: 'a transaction has no time at which it is void',
  },
]
