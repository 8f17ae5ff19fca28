import { expect, test } from 'vitest'
import * as Random from '../../test/policies/Random.ts'
import * as Budget from './Budget.ts'
import * as Policy from './Policy.ts'
import * as Simulation from './Simulation.ts'

const { of, word, startMs, usd } = Random

const policy = of([
  'allow payees a, b',
  'cap 20 USD per payment',
  'cap 50 USD per 24h',
  'demand coverage 50%',
  'approve above 15 USD by ops',
])

function ask(id: number, atoms: bigint, more: Partial<Budget.Request> = {}): Budget.Request {
  return {
    ...{ id: word(id), digest: word(id), agent: 'desk', asset: usd.id, atoms },
    ...{ payee: 'a', host: 'a', model: 'm', coveragePpb: 500_000_000n },
    ...more,
  }
}

function recorded(
  request: Budget.Request,
  more: Partial<Simulation.Recorded> = {},
): Simulation.Recorded {
  return { request, atMs: startMs, outcome: 'allow', capturedAtoms: request.atoms, ...more }
}

const { capturedAtoms: _, ...unpaid } = recorded(ask(4, 10n))

test('counts verdicts, atoms, and who decided what first', () => {
  const approval = { by: 'ops', payee: 'a', model: 'm', ceilingAtoms: 20n }
  const traffic: readonly Simulation.Recorded[] = [
    recorded(ask(1, 15n), { capturedAtoms: 14n }),
    recorded(ask(2, 21n)),
    recorded(ask(3, 10n, { payee: 'mallory' })),
    // Allowed then, and never paid: it takes nothing of the day.
    unpaid,
    recorded(ask(5, 20n), { outcome: 'review' }),
    recorded(ask(5, 20n, { approval })),
    recorded(ask(5, 20n, { approval })),
    recorded(ask(6, 15n)),
    recorded(ask(7, 2n)),
  ]
  expect(Simulation.simulate(policy, traffic)).toEqual({
    judged: 8,
    repeated: 1,
    verdicts: {
      allow: { requests: 4, atoms: '60' },
      deny: { requests: 3, atoms: '33' },
      review: { requests: 1, atoms: '20' },
    },
    capturedAtoms: '49',
    deciding: [
      {
        ...{ rule: 'cap 20 USD per payment', verdict: 'deny', requests: 1, atoms: '21' },
        first: { at: 1, id: word(2), because: 'cap 20 USD per payment: 21 asked' },
      },
      {
        ...{ rule: 'allow payees a, b', verdict: 'deny', requests: 1, atoms: '10' },
        first: { at: 2, id: word(3), because: 'allow payees: mallory is not allowed' },
      },
      {
        ...{ rule: 'approve above 15 USD by ops', verdict: 'review', requests: 1, atoms: '20' },
        first: {
          ...{ at: 4, id: word(5) },
          because: 'approve above 15 USD by ops: 20 asked, not approved yet',
        },
      },
      {
        ...{ rule: 'cap 50 USD per 24h', verdict: 'deny', requests: 1, atoms: '2' },
        first: {
          ...{ at: 8, id: word(7) },
          because: 'cap 50 USD per 24h: 2 asked, 49 used, 0 held',
        },
      },
    ],
    silent: ['demand coverage 50%'],
    differing: [
      {
        ...{ at: 1, id: word(2), recorded: 'allow', verdict: 'deny' },
        because: 'cap 20 USD per payment: 21 asked',
      },
      {
        ...{ at: 2, id: word(3), recorded: 'allow', verdict: 'deny' },
        because: 'allow payees: mallory is not allowed',
      },
      {
        ...{ at: 8, id: word(7), recorded: 'allow', verdict: 'deny' },
        because: 'cap 50 USD per 24h: 2 asked, 49 used, 0 held',
      },
    ],
  })
})

test('what was denied then and is allowed now is taken to be paid in full', () => {
  const { capturedAtoms: _, ...denied } = recorded(ask(1, 15n), { outcome: 'deny' })
  const { capturedAtoms, differing } = Simulation.simulate(policy, [denied])
  expect(capturedAtoms).toBe('15')
  expect(differing).toEqual([{ at: 0, id: word(1), recorded: 'deny', verdict: 'allow' }])
})

test('a payment is held until it was settled', () => {
  const exposed = of(['allow payees *', 'cap exposure 20 USD'])
  const slow = recorded(ask(1, 15n), { settledAtMs: startMs + 1_000 })
  const at = (ms: number) => recorded(ask(2, 15n), { atMs: startMs + ms })
  const verdict = (ms: number) =>
    Simulation.simulate(exposed, [slow, at(ms)]).verdicts.deny.requests
  expect([verdict(999), verdict(1_000)]).toEqual([1, 0])
})

test('what was paid before counts', () => {
  const given = [{ request: ask(9, 36n), atMs: startMs - 1_000, capturedAtoms: 36n }]
  const { verdicts } = Simulation.simulate(policy, [recorded(ask(1, 15n))], { given })
  expect(verdicts.deny.requests).toBe(1)
})

test('the result is plain data, and the order of the record does not matter, only its times', () => {
  const traffic = [1, 2, 3, 4, 5].map((id) =>
    recorded(ask(id, 15n), { atMs: startMs + id, outcome: 'deny' }),
  )
  const one = Simulation.simulate(policy, traffic)
  const other = Simulation.simulate(policy, traffic.toReversed())
  expect(JSON.parse(JSON.stringify(one))).toEqual(one)
  expect(one.verdicts).toEqual(other.verdicts)
  expect(one.deciding[0]!.first.id).toBe(other.deciding[0]!.first.id)
})

test('a policy over what it decided itself differs in nothing', () => {
  let judged = 0
  for (let seed = 1; seed <= 60; seed++) {
    const draw = Random.from(seed)
    const random = Random.policy(draw)
    const usage = Budget.empty()
    const traffic: Simulation.Recorded[] = []
    for (let id = 1; id <= 40; id++) {
      const atMs = startMs + id * Random.one(draw, [1, 1_000, 3_600_000])
      const last = traffic.at(-1)?.atMs ?? 0
      const at = { atMs: Math.max(last, atMs), request: Random.request(draw, id, atMs) }
      const { verdict } = Budget.authorize(usage, random, at.request, at.atMs)
      if (verdict === 'allow' && draw(4) > 0) {
        Budget.capture(usage, at.request.id, at.request.atoms, at.atMs)
        traffic.push({ ...at, outcome: verdict, capturedAtoms: at.request.atoms })
      } else {
        if (verdict === 'allow') Budget.release(usage, at.request.id, at.atMs)
        traffic.push({ ...at, outcome: verdict })
      }
    }
    const simulation = Simulation.simulate(random, traffic)
    judged += simulation.judged
    if (simulation.differing.length > 0)
      expect.fail(`seed ${seed}: ${Policy.toSentences(random).join('; ')}`)
  }
  expect(judged).toBe(60 * 40)
})
