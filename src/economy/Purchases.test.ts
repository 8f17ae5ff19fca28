import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Terms from '../../test/harness/Terms.ts'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Id from '../kernel/Id.ts'
import * as Json from '../kernel/Json.ts'
import * as Budget from '../policies/Budget.ts'
import * as Policy from '../policies/Policy.ts'
import * as Economy from './Economy.ts'
import * as Event from './Event.ts'
import * as PolicyRequest from './PolicyRequest.ts'
import * as Purchases from './Purchases.ts'
import * as PurchaseTerms from './PurchaseTerms.ts'

const signature = `0x${'11'.repeat(65)}` as const
const agent = Terms.address('payer')
const evidence = { chainId: 31337, tx: Hash.text('tx') }
const transition = { machine: Hash.text('machine'), from: 'a', event: 'b', to: 'c' }
const payees = [Terms.address('till'), Terms.address('other till')]
const dayMs = 24 * 60 * 60 * 1000

/** Three quotes fit under the cap, two under that of one payee. */
const price = BigInt(Terms.quote().maxAtoms)
const capAtoms = price * 3n + 5n
const payeeCapAtoms = price * 2n + 5n
const usdc = (atoms: bigint) =>
  `${atoms / 1_000_000n}.${String(atoms % 1_000_000n).padStart(6, '0')}`
const policyOf = (rules: readonly string[]) =>
  Policy.parse(
    [
      'policy: desk',
      `asset: ${Terms.asset.id}`,
      'rules:',
      `  - allow payees ${payees.join(', ')}`,
      ...rules.map((rule) => `  - ${rule}`),
    ].join('\n'),
    { file: 'policy.yaml', assets: [Terms.asset] },
  )
const policy = policyOf([
  `cap ${usdc(capAtoms)} USDC per 24h`,
  `cap ${usdc(payeeCapAtoms)} USDC per 24h per payee`,
])

type Desk = { economy: Economy.Economy; told: [Event.Event, number][]; nowMs: number }

function apply(economy: Economy.Economy, event: Event.Event, at: { leaf: number; atMs: number }) {
  const id = Event.id(event)
  return Economy.apply(economy, {
    ...{ v: 1, origin: agent, previous: Hash.text(''), causes: [], ...at, id, event },
  })
}

function tell(desk: Desk, event: Event.Event): void {
  const at = { leaf: desk.told.length, atMs: desk.nowMs }
  expect(apply(desk.economy, event, at)).toBeUndefined()
  desk.told.push([event, desk.nowMs])
}

/** What a fresh fold of the same log says of one more event. */
function ask(desk: Desk, event: Event.Event): string | undefined {
  const economy = Economy.empty()
  for (const [leaf, [each, atMs]] of desk.told.entries()) apply(economy, each, { leaf, atMs })
  return apply(economy, event, { leaf: desk.told.length, atMs: desk.nowMs })
}

function adopted(given: Policy.Policy): Event.Of<'adopted'> {
  return { type: 'adopted', digest: Policy.digest(given), policy: Json.members(given) }
}

function open(given = policy): Desk {
  const desk: Desk = { economy: Economy.empty(), told: [], nowMs: Terms.nowMs }
  tell(desk, {
    ...{ type: 'opened', role: 'agent', name: 'desk', address: agent, asset: Terms.asset },
    ...{ till: payees[0]!, vault: Terms.address('vault'), scale: '1', local: true },
    salt: Hash.text('salt'),
  })
  tell(desk, adopted(given))
  return desk
}

type Wish = {
  readonly payee?: number
  readonly step?: number
  readonly attempt?: number
  /** The attempt before, to be decided under its approval. */
  readonly approved?: Hex
  /** How many times dearer the quote is. */
  readonly times?: bigint
}

function decide(desk: Desk, wish: Wish = {}, given = policy): Event.DecidedOnQuote {
  const { payee = 0, step = desk.told.length, attempt = 0, approved, times = 1n } = wish
  const quote = Terms.quote({
    payTo: payees[payee]!,
    payAtoms: String(price * times),
    ...{ issuedAtMs: desk.nowMs, expiresAtMs: desk.nowMs + 60_000 },
    salt: Hash.text(`${desk.told.length}`),
  })
  const key = { agent, run: 'run', step, attempt }
  const purchase = Id.purchase(key)
  const reviewed = approved && desk.economy.purchases.purchases.get(approved)
  const request = PolicyRequest.of(
    { key, quote, card: Terms.card },
    {
      host: '127.0.0.1:4020',
      hold: reviewed?.hold ?? purchase,
      approval: reviewed && Purchases.approvalOf(reviewed),
    },
  )
  const { usage } = desk.economy.purchases
  const { verdict, reasons } = Budget.explain(usage, given, request, desk.nowMs)
  return {
    ...{ type: 'decided', purchase, key, quote, signature, card: Terms.card, verdict },
    policyDigest: Policy.digest(given),
    request: Json.members(request),
    reasons: Json.plain(reasons) as { [key: string]: unknown }[],
    ...(approved === undefined ? {} : { approved }),
    transition,
  }
}

function held({ purchase, quote }: Event.DecidedOnQuote): Event.Of<'held'> {
  return { type: 'held', purchase, atoms: quote.payAtoms }
}

function paying({ purchase, quote }: Event.DecidedOnQuote): Event.Of<'paying'> {
  const validBeforeSec = Math.ceil(quote.expiresAtMs / 1000)
  const nonce = Id.nonce(agent, purchase)
  return { type: 'paying', purchase, nonce, validBeforeSec, payload: {}, transition }
}

function captured({ purchase, quote }: Event.DecidedOnQuote): Event.CapturedAnswer {
  const receipt = Terms.receipt(quote, { paymentNonce: Id.nonce(agent, purchase) })
  return {
    ...{ type: 'captured', purchase, atoms: quote.payAtoms, receipt, signature, evidence },
    ...{ proof: {}, transition },
  }
}

function disputed({ purchase, quote }: Event.DecidedOnQuote): Event.Of<'disputed'> {
  const because = 'nothing was delivered'
  return { type: 'disputed', purchase, atoms: quote.payAtoms, because, evidence, transition }
}

function voided({ purchase }: Pick<Event.DecidedOnQuote, 'purchase'>): Event.Of<'voided'> {
  return { type: 'voided', purchase, because: 'never paid', transition }
}

function refunded({ purchase, quote }: Event.DecidedOnQuote): Event.Of<'refunded'> {
  const told = { because: 'nothing was served', record: '{}', proof: {} }
  return { ...{ type: 'refunded', purchase, atoms: quote.payAtoms, ...told, evidence, transition } }
}

const ends = ['captured', 'disputed', 'refunded', 'voided'] as const
function isEnd(event: Event.Event): event is Event.Of<(typeof ends)[number]> {
  return (ends as readonly string[]).includes(event.type)
}

/** Used and held by the story alone, in an exact window of 24 h. */
function standing(desk: Desk, payee?: Hex): bigint {
  const held = new Map<string, bigint>()
  let used = 0n
  for (const [event, atMs] of desk.told) {
    if (event.type === 'decided' && event.verdict === 'allow')
      if (payee === undefined || PurchaseTerms.of(event).payTo === payee)
        held.set(event.purchase, BigInt(PurchaseTerms.of(event).payAtoms))
    if (!isEnd(event)) continue
    const atoms = held.get(event.purchase) ?? 0n
    held.delete(event.purchase)
    if (event.type !== 'voided' && desk.nowMs - atMs < dayMs) used += atoms
  }
  return [...held.values()].reduce((sum, atoms) => sum + atoms, used)
}

type Step = {
  readonly do: 'decide' | 'go on' | 'void' | 'dispute' | 'refund' | 'wait'
  readonly at: number
}
const steps = fc.array(
  fc.record<Step>({
    do: fc.constantFrom(
      ...(['decide', 'decide', 'decide', 'go on', 'go on', 'go on'] as const),
      ...(['void', 'dispute', 'refund', 'wait'] as const),
    ),
    at: fc.nat(100),
  }),
  { minLength: 25, maxLength: 70, size: 'max' },
)

/** What a step means here and now; undefined where there is nothing to do it to. */
function eventOf(desk: Desk, { do: what, at }: Step): Event.Event | undefined {
  if (what === 'wait') desk.nowMs += at * (dayMs / 60)
  if (what === 'wait') return undefined
  if (what === 'decide') return decide(desk, { payee: at % 2 })
  const open = Purchases.open(desk.economy.purchases)
  const purchase = open[at % Math.max(1, open.length)]
  if (purchase === undefined) return undefined
  const { status } = purchase
  const decided = PurchaseTerms.quoted(purchase.decided)
  if (what === 'void') return voided(decided)
  if (status === 'decided') return held(decided)
  if (status === 'held') return paying(decided)
  if (what === 'refund') return refunded(decided)
  return what === 'dispute' ? disputed(decided) : captured(decided)
}

describe('in whatever order it happens', () => {
  test('what is captured in a window and what is held stay within every cap', () => {
    const happened: Record<string, number> = {}
    fc.assert(
      fc.property(steps, (list) => {
        const desk = open()
        for (const each of list) {
          const event = eventOf(desk, each)
          if (event !== undefined) tell(desk, event)
          expect(standing(desk) <= capAtoms).toBe(true)
          for (const payee of payees) expect(standing(desk, payee) <= payeeCapAtoms).toBe(true)
          if (event === undefined) continue
          const name = event.type === 'decided' ? event.verdict : event.type
          happened[name] = (happened[name] ?? 0) + 1
        }
      }),
      { numRuns: 80 },
    )
    for (const name of ['allow', 'deny', 'captured', 'disputed', 'refunded', 'voided'])
      expect(happened[name], name).toBeGreaterThan(40)
  })

  test('a verdict that is not the policy’s, or rests on other meters, does not follow', () => {
    fc.assert(
      fc.property(steps, fc.nat(), (list, at) => {
        const desk = open()
        for (const each of list) {
          const event = eventOf(desk, each)
          if (event !== undefined) tell(desk, event)
        }
        const event = decide(desk, { payee: at % 2 })
        expect(ask(desk, event)).toBeUndefined()
        const verdicts = (['allow', 'deny', 'review'] as const).filter(
          (one) => one !== event.verdict,
        )
        for (const verdict of verdicts) expect(ask(desk, { ...event, verdict })).toMatch(/verdict/)
        const [first, ...rest] = event.reasons
        const reasons = [{ ...first, because: 'because' }, ...rest]
        expect(ask(desk, { ...event, reasons })).toMatch(/reasons or meters/)
      }),
      { numRuns: 40 },
    )
  })

  test('each purchase ends once', () => {
    fc.assert(
      fc.property(steps, fc.nat(), (list, at) => {
        const desk = open()
        for (const each of list) {
          const event = eventOf(desk, each)
          if (event !== undefined) tell(desk, event)
        }
        const ended = [...desk.economy.purchases.purchases.values()].filter(
          ({ status }) => !['decided', 'held', 'paying'].includes(status),
        )
        if (ended.length === 0) return
        const decided = PurchaseTerms.quoted(ended[at % ended.length]!.decided)
        for (const again of [held, paying, captured, disputed, refunded, voided])
          expect(ask(desk, again(decided))).toMatch(/./)
        expect(ask(desk, decided)).toMatch(/decided twice/)
      }),
      { numRuns: 40 },
    )
  })

  test('told again, the same meters and sums, byte for byte', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const desk = open()
        for (const each of list) {
          const event = eventOf(desk, each)
          if (event !== undefined) tell(desk, event)
        }
        const again = Economy.empty()
        for (const [leaf, [event, atMs]] of desk.told.entries()) apply(again, event, { leaf, atMs })
        const bytes = ({ purchases }: Economy.Economy) =>
          JSON.stringify([Budget.toJson(purchases.usage), String(purchases.spentAtoms)])
        expect(bytes(again)).toBe(bytes(desk.economy))
      }),
      { numRuns: 40 },
    )
  })
})

describe('a decision', () => {
  test.each<[string, (event: Event.DecidedOnQuote) => Event.DecidedOnQuote, RegExp]>([
    [
      'under a policy that was never adopted',
      (event) => ({ ...event, policyDigest: Hash.text('x') }),
      /never adopted/,
    ],
    [
      'under another name',
      (event) => ({ ...event, purchase: Hash.text('x') }),
      /not the hash of its key/,
    ],
    [
      'on another card',
      (event) => ({ ...event, card: { ...event.card, stdUsPerTokenOut: 1 } }),
      /another model card/,
    ],
    [
      'on a request that asks less than the quote',
      (event) => ({ ...event, request: { ...event.request, atoms: '1' } }),
      /does not follow from quote and key/,
    ],
  ])('%s does not follow', (_, forge, because) => {
    const desk = open()
    expect(ask(desk, decide(desk))).toBeUndefined()
    expect(ask(desk, forge(decide(desk)))).toMatch(because)
  })

  test('to deny holds nothing', () => {
    const mean = policyOf(['cap 0.000001 USDC per payment', `cap ${usdc(price)} USDC per 24h`])
    const desk = open(mean)
    for (let step = 0; step < 3; step++) {
      const event = decide(desk, { step }, mean)
      expect(event.verdict).toBe('deny')
      tell(desk, event)
      expect(ask(desk, held(event))).toBe('hold without an allowing decision')
      expect(ask(desk, voided(event))).toMatch(/holds nothing/)
    }
  })

  test('on the next attempt waits for the end of the one before', () => {
    const desk = open()
    const first = decide(desk, { step: 7 })
    tell(desk, first)
    const second = decide(desk, { step: 7, attempt: 1 })
    expect(ask(desk, second)).toBe('attempt begun before the last one ended')
    tell(desk, voided(first))
    expect(ask(desk, decide(desk, { step: 7, attempt: 1 }))).toBeUndefined()
  })
})

describe('money leaves as it was decided', () => {
  function paid(): { desk: Desk; decided: Event.DecidedOnQuote } {
    const desk = open()
    const decided = decide(desk)
    for (const event of [decided, held(decided), paying(decided)]) tell(desk, event)
    return { desk, decided }
  }
  const more = (atoms: string) => String(BigInt(atoms) + 1n)
  const less = (atoms: string) => String(BigInt(atoms) - 1n)

  test('held: what was quoted', () => {
    const desk = open()
    const decided = decide(desk)
    tell(desk, decided)
    const event = held(decided)
    for (const atoms of [more(event.atoms), less(event.atoms)])
      expect(ask(desk, { ...event, atoms })).toMatch(/another amount/)
    expect(ask(desk, paying(decided))).toBe('payment without a hold')
  })

  test('paid: under its own nonce, and not void before its quote', () => {
    const desk = open()
    const decided = decide(desk)
    for (const event of [decided, held(decided)]) tell(desk, event)
    const event = paying(decided)
    expect(ask(desk, { ...event, nonce: Hash.text('x') })).toMatch(/nonce/)
    const validBeforeSec = event.validBeforeSec - 1
    expect(ask(desk, { ...event, validBeforeSec })).toMatch(/void before its quote/)
    expect(ask(desk, captured(decided))).toBe('capture without a payment')
  })

  test('captured, disputed or refunded: all of it, no more and no less', () => {
    const { desk, decided } = paid()
    for (const event of [captured(decided), disputed(decided), refunded(decided)])
      for (const atoms of [more(event.atoms), less(event.atoms), '0'])
        expect(ask(desk, { ...event, atoms }), event.type).toMatch(/another amount/)
    expect(ask(desk, captured(decided))).toBeUndefined()
    expect(ask(desk, disputed(decided))).toBeUndefined()
    expect(ask(desk, refunded(decided))).toBeUndefined()
  })

  test('captured: for this payment’s receipt', () => {
    const { desk, decided } = paid()
    const event = captured(decided)
    const receipt = (altered: Partial<typeof event.receipt>) => ({
      ...event,
      receipt: { ...event.receipt, ...altered },
    })
    expect(ask(desk, receipt({ paymentNonce: Hash.text('x') }))).toMatch(/another payment/)
    expect(ask(desk, receipt({ payer: Terms.address('x') }))).toMatch(/another payer/)
    expect(ask(desk, receipt({ stdUs: '1' }))).toMatch(/recomputed/)
  })
})

test('a policy is known by its digest, and by nothing else', () => {
  const desk = open()
  const other = policyOf(['cap 1 USDC per 24h'])
  expect(ask(desk, { ...adopted(other), digest: Policy.digest(policy) })).toMatch(/recomputed/)
  const malformed = { ...adopted(other), policy: { name: 'x' } }
  expect(() => ask(desk, malformed)).toThrow(/expected/)
})

describe('a review', () => {
  const cautious = policyOf([
    `cap ${usdc(2n * price)} USDC per 24h`,
    'approve above 0.000001 USDC within 10m by ops',
  ])
  const minutes = (count: number) => count * 60_000
  const approval = (purchase: Hex, ceilingAtoms = price): Event.Event => ({
    ...{ type: 'approved', purchase, by: 'ops', ceilingAtoms: String(ceilingAtoms) },
  })
  const refusal = (purchase: Hex): Event.Event => ({
    ...{ type: 'declined', purchase, by: 'ops', because: 'too dear' },
  })
  function reviewed(): { desk: Desk; first: Event.DecidedOnQuote } {
    const desk = open(cautious)
    const first = decide(desk, { step: 1 }, cautious)
    expect(first.verdict).toBe('review')
    tell(desk, first)
    return { desk, first }
  }
  const heldAtoms = ({ economy, nowMs }: Desk) =>
    Budget.status(economy.purchases.usage, cautious, nowMs)[0]!.meter.held

  test('holds its room while it waits, and nothing can be paid under it', () => {
    const { desk, first } = reviewed()
    expect(heldAtoms(desk)).toBe(String(price))
    expect(ask(desk, held(first))).toBe('hold without an allowing decision')
    const again = decide(desk, { step: 1, attempt: 1 }, cautious)
    expect(ask(desk, again)).toBe('attempt begun while the last one waits for an answer')
    tell(desk, decide(desk, { step: 2 }, cautious))
    expect(decide(desk, { step: 3 }, cautious).verdict).toBe('deny')
  })

  test('approved leads to a fresh quote, bought under the hold it had', () => {
    const { desk, first } = reviewed()
    const wish = { step: 1, attempt: 1, approved: first.purchase }
    expect(ask(desk, decide(desk, wish, cautious))).toBe(
      'decision under an approval that was not given',
    )
    tell(desk, approval(first.purchase))
    expect(ask(desk, approval(first.purchase))).toBe('approval given twice')
    const second = decide(desk, wish, cautious)
    expect(second.verdict).toBe('allow')
    for (const event of [second, held(second), paying(second), captured(second)]) tell(desk, event)
    expect(desk.economy.purchases.spentAtoms).toBe(price)
    expect(heldAtoms(desk)).toBe('0')
    expect(desk.economy.purchases.usage.reviews.size).toBe(0)
  })

  test('approved up to a ceiling is reviewed again where the fresh quote is above it', () => {
    const { desk, first } = reviewed()
    tell(desk, approval(first.purchase, price))
    const dearer = decide(
      desk,
      { step: 1, attempt: 1, approved: first.purchase, times: 2n },
      cautious,
    )
    expect(dearer.verdict).toBe('review')
    tell(desk, dearer)
    expect(heldAtoms(desk)).toBe(String(2n * price))
    tell(desk, approval(dearer.purchase, 2n * price))
    const third = decide(
      desk,
      { step: 1, attempt: 2, approved: dearer.purchase, times: 2n },
      cautious,
    )
    expect(third.verdict).toBe('allow')
    tell(desk, third)
    expect(heldAtoms(desk)).toBe(String(2n * price))
  })

  test('that nobody answers in time holds nothing any more, and is not approved late', () => {
    const { desk, first } = reviewed()
    desk.nowMs += minutes(10) - 1
    expect(ask(desk, approval(first.purchase))).toBeUndefined()
    desk.nowMs += 1
    expect(ask(desk, approval(first.purchase))).toBe('approval of what is not under review')
    const again = decide(desk, { step: 1, attempt: 1 }, cautious)
    expect(again.verdict).toBe('review')
    tell(desk, again)
    expect(heldAtoms(desk)).toBe(String(price))
  })

  test('declined holds nothing any more, and its next attempt is reviewed like any other', () => {
    const { desk, first } = reviewed()
    tell(desk, refusal(first.purchase))
    expect(heldAtoms(desk)).toBe('0')
    expect(ask(desk, approval(first.purchase))).toBe('approval of what is not under review')
    expect(decide(desk, { step: 1, attempt: 1 }, cautious).verdict).toBe('review')
  })

  test('approved and gone on with in another amount than it was approved for is a fault', () => {
    const { desk, first } = reviewed()
    tell(desk, approval(first.purchase))
    const second = decide(desk, { step: 1, attempt: 1, approved: first.purchase }, cautious)
    const forged = { ...second, request: { ...second.request, atoms: '1' } }
    expect(ask(desk, forged)).toBe('recorded request that does not follow from quote and key')
  })
})

describe('a kill switch', () => {
  const salt = (count: number) => Hash.text(`switch ${count}`)
  const froze = (name?: string): Event.Event => ({
    ...{ type: 'froze', salt: salt(1), by: 'ops', because: 'drill' },
    target: name === undefined ? { kind: 'everything' } : { kind: 'payee', name },
  })
  const thawed = (name?: string): Event.Event => ({
    ...{ type: 'thawed', salt: salt(2), by: 'ops' },
    target: name === undefined ? { kind: 'everything' } : { kind: 'payee', name },
  })

  test('denies everything, or one payee, until it is thawed', () => {
    const desk = open()
    tell(desk, froze(payees[0]))
    expect(decide(desk, { payee: 0 }).reasons[0]).toMatchObject({
      outcome: 'deny',
      because: `frozen payee ${payees[0]}: by ops, drill`,
    })
    expect(decide(desk, { payee: 1 }).verdict).toBe('allow')
    tell(desk, { ...froze(), salt: salt(3) } as Event.Event)
    expect(decide(desk, { payee: 1 }).verdict).toBe('deny')
    expect(ask(desk, thawed(payees[1]))).toContain('not frozen')
    tell(desk, thawed())
    tell(desk, { ...thawed(payees[0]), salt: salt(4) } as Event.Event)
    expect(decide(desk, { payee: 0 }).verdict).toBe('allow')
  })
})
