import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AssertionError } from '../kernel/Assert.ts'
import { InputError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Decision from './Decision.ts'
import * as Meter from './Meter.ts'
import * as Usage from './Usage.ts'
import * as UsageJson from './UsageJson.ts'

const asset = 'eip155:31337/erc20:0x5fbdb2315678afecb367f032d93f642f64180aa3'
const startMs = 1_700_000_000_000
const hex = (value: number): Hex => `0x${value.toString(16).padStart(64, '0')}`

const decision: Decision.Decision = Decision.from(
  [
    {
      rule: 'cap 2 USDC per 24h',
      outcome: 'allow',
      because: 'cap 2 USDC per 24h: 1 asked, 0 used, 0 held',
      meter: {
        key: `${asset} per 24h`,
        unit: 'atoms',
        windowMs: 86_400_000,
        used: '0',
        held: '0',
        limit: '2000000',
      },
    },
  ],
  hex(9),
)

function entry(state: Usage.State, atoms: bigint, captured?: Usage.Entry['captured']): Usage.Entry {
  const payment = { asset, atoms, payee: 'p', agent: 'a' }
  return { ...payment, state, digest: hex(1), decision, ...(captured && { captured }) }
}

const day: Meter.Shape = { unit: 'atoms', asset, windowMs: 86_400_000 }
const perPayee: Meter.Shape = { ...day, each: 'payee' }
const rate: Meter.Shape = { unit: 'payments', windowMs: 60_000, each: 'agent' }

describe('meters', () => {
  test('a meter is named by what it measures, without a limit', () => {
    expect([day, perPayee, rate].map(Meter.key)).toEqual([
      `${asset} per 24h`,
      `${asset} per 24h per payee`,
      'payments per minute per agent',
    ])
  })

  test('a shape measured late says what it would have said from the start', () => {
    const steps = fc.array(
      fc.record({
        id: fc.nat(9),
        gapMs: fc.nat(40_000_000),
        atoms: fc.bigInt({ min: 0n, max: 50n }),
        capture: fc.boolean(),
      }),
      { minLength: 1, maxLength: 40 },
    )
    let counted = 0
    fc.assert(
      fc.property(steps, fc.nat(90_000_000), (list, waitMs) => {
        const early = Usage.empty()
        for (const shape of [day, perPayee, rate]) Usage.measure(early, shape)
        const late = Usage.empty()
        let atMs = startMs
        for (const { id, gapMs, atoms, capture } of list) {
          atMs += gapMs
          const before = early.entries.get(hex(id))
          if (before?.captured !== undefined) continue
          const held = before ?? entry('held', 50n)
          const after = capture ? { ...held, ...entry('captured', 50n, { atoms, atMs }) } : held
          for (const usage of [early, late]) Usage.put(usage, hex(id), after)
        }
        for (const shape of [day, perPayee, rate]) {
          const subject = shape.each === undefined ? '' : shape.each === 'payee' ? 'p' : 'a'
          const options = { subject, nowMs: atMs + waitMs }
          const said = Usage.read(early, shape, options)
          if (said.used > 0n) counted++
          expect(Usage.read(late, shape, options)).toEqual(said)
        }
      }),
      { numRuns: 200 },
    )
    expect(counted).toBeGreaterThan(100)
  })

  test('money of another asset does not count, payments in it do', () => {
    const usage = Usage.empty()
    const foreign = { ...entry('held', 5n), asset: asset.replace('31337', '1') }
    Usage.put(usage, hex(1), foreign)
    const read = (shape: Meter.Shape, subject: string) =>
      Usage.read(usage, shape, { subject, nowMs: startMs }).held
    expect([read(day, ''), read(rate, 'a')]).toEqual([0n, 1n])
  })

  test('replacing what was captured is a bug', () => {
    const usage = Usage.empty()
    Usage.measure(usage, day)
    Usage.put(usage, hex(1), entry('captured', 5n, { atoms: 5n, atMs: startMs }))
    expect(() => Usage.put(usage, hex(1), entry('voided', 5n))).toThrow(AssertionError)
  })
})

describe('as JSON', () => {
  function sample(): Usage.Usage {
    const usage = Usage.empty()
    usage.latestMs = startMs
    Usage.put(usage, hex(1), entry('held', 1n << 200n))
    Usage.put(usage, hex(2), entry('captured', 7n, { atoms: 5n, atMs: startMs - 1 }))
    Usage.put(usage, hex(3), entry('denied', 7n))
    return usage
  }

  const json = () => JSON.parse(JSON.stringify(UsageJson.toJson(sample())))

  test('reads back to the same entries and the same meters', () => {
    const back = UsageJson.fromJson(json())
    expect(back).toEqual(sample())
    for (const shape of [day, perPayee, rate])
      for (const subject of ['', 'p', 'a']) {
        const options = { subject, nowMs: startMs }
        expect(Usage.read(back, shape, options)).toEqual(Usage.read(sample(), shape, options))
      }
  })

  test('a copy made by structuredClone goes its own way', () => {
    const usage = sample()
    Usage.measure(usage, day)
    const copy = structuredClone(usage)
    Usage.put(copy, hex(4), entry('held', 5n))
    const held = (of: Usage.Usage) => Usage.read(of, day, { subject: '', nowMs: startMs }).held
    expect(held(copy) - held(usage)).toBe(5n)
  })

  test.each<[string, (value: ReturnType<typeof json>) => unknown]>([
    ['no object', () => 5],
    ['null', () => null],
    ['a missing key', ({ entries }) => ({ entries })],
    ['another key', (value) => ({ ...value, more: 1 })],
    ['entries that are no list', (value) => ({ ...value, entries: {} })],
    ['time that is no time', (value) => ({ ...value, latestMs: 1.5 })],
    ['an id twice', (value) => ({ ...value, entries: [value.entries[0], value.entries[0]] })],
    ['a capture later than the latest time', (value) => ({ ...value, latestMs: 5 })],
  ])('%s is refused', (_, change) => {
    expect(() => UsageJson.fromJson(change(json()))).toThrow(InputError)
  })

  test.each<[string, Record<string, unknown>]>([
    ['id', { id: '0x01' }],
    ['id in upper case', { id: `0x${'AB'.repeat(32)}` }],
    ['state', { state: 'spent' }],
    ['digest', { digest: 5 }],
    ['atoms as a number', { atoms: 5 }],
    ['negative atoms', { atoms: '-5' }],
    ['atoms no chain can hold', { atoms: (1n << 256n).toString() }],
    ['payee', { payee: null }],
    ['decision', { decision: {} }],
    ['verdict', { decision: { ...decision, verdict: 'maybe' } }],
    ['policy digest', { decision: { ...decision, policyDigest: '0x' } }],
    ['reasons', { decision: { ...decision, reasons: [{ rule: 1 }] } }],
    ['a capture of what was not captured', { state: 'held' }],
    ['no capture of what was', { captured: undefined }],
    ['more captured than held', { captured: { atoms: '8', atMs: startMs } }],
    ['another key', { more: 1 }],
  ])('an entry with wrong %s is refused', (_, change) => {
    const value = json()
    value.entries[1] = { ...value.entries[1], ...change }
    expect(() => UsageJson.fromJson(value)).toThrow(InputError)
  })
})
