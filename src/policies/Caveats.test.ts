import { concat, encodeAbiParameters, encodePacked, type Hex, pad, toFunctionSelector } from 'viem'
import { describe, expect, test } from 'vitest'
import * as Random from '../../test/policies/Random.ts'
import * as Budget from './Budget.ts'
import * as Calendar from './Calendar.ts'
import * as Caveats from './Caveats.ts'
import * as Policy from './Policy.ts'

const { of, usd, startMs } = Random
const token = '0x00000000000000000000000000000000000000cc'
const [one, other] = [`0x${'1'.repeat(40)}`, `0x${'2'.repeat(40)}`] as const
const options = { startsAtMs: startMs }
const startS = BigInt(startMs / 1_000)

/** What the chain enforces of one rule among others that allow somebody. */
function enforced(...sentences: string[]): Caveats.Caveat | undefined {
  return Caveats.caveats(of(sentences), options).caveats.find(
    ({ rule }) => rule === sentences.at(-1),
  )
}

test('only transfers of the one token pass', () => {
  const { caveats } = Caveats.caveats(of(['allow payees *']), {
    ...options,
    endsAtMs: startMs + 5_999,
  })
  expect(caveats.map(({ enforcer, terms }) => [enforcer, terms])).toEqual([
    ['AllowedTargetsEnforcer', encodePacked(['address'], [token])],
    ['AllowedMethodsEnforcer', toFunctionSelector('transfer(address,uint256)')],
    ['ValueLteEnforcer', encodePacked(['uint256'], [0n])],
    ['TimestampEnforcer', encodePacked(['uint128', 'uint128'], [0n, startS + 5n])],
  ])
})

describe('a rule that the chain enforces', () => {
  const cap = (amount: bigint, durationS: bigint, fromS = startS) =>
    encodePacked(['address', 'uint256', 'uint256', 'uint256'], [token, amount, durationS, fromS])
  const berlin = BigInt(Calendar.period('month', 'Europe/Berlin', startMs).startMs / 1_000)
  const monday = BigInt(Calendar.period('week', 'UTC', startMs).startMs / 1_000)
  const recipient = (address: Hex) => pad(address, { size: 32 })
  test.each<[string, string, Hex, boolean]>([
    [
      ...(['cap 50 USD per lifetime', 'ERC20TransferAmountEnforcer'] as const),
      encodePacked(['address', 'uint256'], [token, 50n]),
      true,
    ],
    ['cap 50 USD per 24h', 'ERC20PeriodTransferEnforcer', cap(50n, 86_400n), false],
    ['cap 50 USD per 24h per asset', 'ERC20PeriodTransferEnforcer', cap(50n, 86_400n), false],
    [
      ...(['cap 50 USD per calendar week in UTC', 'ERC20PeriodTransferEnforcer'] as const),
      cap(50n, 7n * 86_400n, monday),
      true,
    ],
    [
      ...([
        'cap 50 USD per calendar month in Europe/Berlin',
        'ERC20PeriodTransferEnforcer',
      ] as const),
      cap(50n, 32n * 86_400n, berlin),
      false,
    ],
    [
      'at most 5 payments per lifetime',
      'LimitedCallsEnforcer',
      encodePacked(['uint256'], [5n]),
      true,
    ],
    [
      ...([`allow payees ${one}`, 'AllowedCalldataEnforcer'] as const),
      encodePacked(['uint256', 'bytes'], [4n, recipient(one)]),
      true,
    ],
    [
      ...([`allow payees ${one}, ${other}`, 'AllowedCalldataAnyOfEnforcer'] as const),
      concat([
        encodePacked(['uint256'], [4n]),
        encodeAbiParameters([{ type: 'bytes[]' }], [[recipient(one), recipient(other)]]),
      ]),
      true,
    ],
    [
      ...([`allow agents ${one}, ${other}`, 'RedeemerEnforcer'] as const),
      encodePacked(['address', 'address'], [one, other]),
      true,
    ],
  ])('"%s" by %s', (sentence, enforcer, terms, exact) => {
    const caveat = enforced(sentence)
    expect(caveat).toMatchObject({ enforcer, terms, exact })
    expect(caveat?.worst === undefined).toBe(exact)
  })

  test('what is denied is taken off the list', () => {
    const terms = encodePacked(['uint256', 'bytes'], [4n, pad(other, { size: 32 })])
    expect(enforced(`deny payees ${one}`, `allow payees ${one}, ${other}`)?.terms).toBe(terms)
  })

  test('a cap for each payee is one for the delegation if there is one payee', () => {
    const sentence = 'cap 50 USD per 24h per payee'
    expect(enforced(`allow payees ${one}`, sentence)).toBeDefined()
    expect(enforced(`allow payees ${one}, ${other}`, sentence)).toBeUndefined()
  })

  test('a policy that denies its own token delegates nothing', () => {
    const { left } = Caveats.caveats(of(['deny assets *']), options)
    expect(left.map(({ because }) => because)).toEqual([
      'it denies the unit of account itself: delegate nothing',
      'no sentence allows payees: delegate nothing',
    ])
    expect(enforced('allow assets *cc')).toMatchObject({ terms: token, exact: true })
  })

  test('the worst case is named', () => {
    expect(enforced('cap 50 USD per 24h')?.worst).toContain('up to 100 USD in some 24h')
    expect(enforced('cap 50 USD per calendar year in UTC')?.worst).toContain('may also refuse')
  })
})

test('every other rule is left, with the reason', () => {
  const sentences = [
    ...['allow payees *.x', 'allow models a', 'deny hosts b', 'cap 2 USD per payment'],
    ...['cap exposure 9 USD', 'cap 9 USD per 24h per model', 'at most 3 payments per minute'],
    ...['at most 9 device seconds per 24h', 'demand coverage 50%', 'demand trust tier 2'],
    ...['approve above 1 USD by ops', 'freeze from 22:00 to 06:00 in UTC'],
    ...['stop at drawdown 10% seen within 5m', `count ${Random.euro} of 1 decimals at 2 USD`],
  ]
  const { caveats, left } = Caveats.caveats(of(sentences), options)
  expect(caveats).toHaveLength(3)
  expect(left.map(({ rule }) => rule)).toEqual(sentences)
  for (const { because } of left) expect(because).not.toBe('')
})

test('each rule of a random policy is enforced or left, once, and the result is plain data', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const policy = Random.policy(Random.from(seed))
    const made = Caveats.caveats(policy, options)
    const told = [...made.caveats.slice(3), ...made.left]
      .map(({ rule }) => rule)
      .filter((rule) => rule !== 'default deny')
    expect(told.sort()).toEqual([...Policy.toSentences(policy)].sort())
    expect(JSON.parse(JSON.stringify(made))).toEqual(made)
  }
})

/** The chain's side: fixed periods from a start, as the enforcer's source has it. */
function chain(limit: bigint, durationMs: number, fromMs: number) {
  let [last, spent] = [-1, 0n]
  return (atMs: number, atoms: bigint): boolean => {
    const current = Math.floor((atMs - fromMs) / durationMs)
    const before = current === last ? spent : 0n
    if (before + atoms > limit) return false
    last = current
    spent = before + atoms
    return true
  }
}

test('the chain lets pass whatever a rolling or exact cap allows, and at worst twice the cap', () => {
  const draw = Random.from(3)
  let paid = 0
  for (const text of ['10s', 'hour', '24h', 'calendar day in UTC', 'calendar week in UTC'])
    for (let round = 0; round < 40; round++) {
      const policy = of(['allow payees *', `cap 50 USD per ${text}`])
      const [, rule] = policy.rules
      const span = rule as Extract<typeof rule, { rule: 'cap-window' }>
      const { durationMs, fromMs } = Caveats.period(span!, startMs)
      const passes = chain(50n, durationMs, fromMs)
      const usage = Budget.empty()
      let nowMs = startMs
      for (let id = 1; id <= 60; id++) {
        nowMs += draw(durationMs / 4)
        const request = { ...Random.request(draw, id, nowMs), payee: 'a', asset: usd.id }
        if (Budget.authorize(usage, policy, request, nowMs).verdict !== 'allow') continue
        Budget.capture(usage, request.id, request.atoms, nowMs)
        paid++
        expect(passes(nowMs, request.atoms)).toBe(true)
      }
    }
  expect(paid).toBeGreaterThan(1_000)
  // Twice the cap within two milliseconds, on either side of a period's end.
  const passes = chain(50n, 86_400_000, startMs)
  expect([86_399_999, 86_400_000].map((ms) => passes(startMs + ms, 50n))).toEqual([true, true])
})

test('a period of a calendar meets two of the chain at most, in any zone, for years', () => {
  const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Cairo']
  let seen = 0
  for (const zone of zones)
    for (const unit of Calendar.units) {
      const fixed = Caveats.period({ period: `calendar ${unit} in ${zone}` }, startMs)
      const index = (ms: number) => Math.floor((ms - fixed.fromMs) / fixed.durationMs)
      const rounds = { day: 800, week: 150, month: 60, year: 12 }[unit]
      let { startMs: fromMs } = Calendar.period(unit, zone, startMs)
      for (let round = 0; round < rounds; round++) {
        const { endMs } = Calendar.period(unit, zone, fromMs)
        const met = index(endMs - 1) - index(fromMs) + 1
        if (fixed.isExact) expect(met).toBe(1)
        else expect(met).toBeLessThanOrEqual(2)
        fromMs = endMs
        seen++
      }
    }
  expect(seen).toBe(5 * (800 + 150 + 60 + 12))
})
