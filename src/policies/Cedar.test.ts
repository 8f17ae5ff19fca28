import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import { expect, test } from 'vitest'
import * as CedarOracle from '../../test/policies/CedarOracle.ts'
import * as Random from '../../test/policies/Random.ts'
import * as Cedar from './Cedar.ts'

const { of, startMs, word, usd } = Random

const desk = of([
  'allow payees a, *.x',
  'cap 20 USD per payment',
  'cap 50 USD per 24h',
  'approve above 15 USD by ops',
])

test('a policy in Cedar', () => {
  const { text, left } = Cedar.from(desk)
  expect(text.split('\n\n')[0]!.replace(/0x[0-9a-f]{64}/, 'VERSION')).toMatchInlineSnapshot(`
    "@policy("random")
    @version("VERSION")
    permit (principal, action == Action::"pay", resource)
    // what every request states
    when { context has request && context has agent && context has asset && context has atoms && context.asset == "eip155:8453/erc20:0x00000000000000000000000000000000000000cc" }
    // allow payees a, *.x
    when { context has payee && (context.payee == "a" || (context.payee like "*.x" && context.payee != ".x")) }
    // cap 20 USD per payment
    when { context.atoms.e75 == 0 && context.atoms.e60 == 0 && context.atoms.e45 == 0 && context.atoms.e30 == 0 && context.atoms.e15 == 0 && context.atoms.e0 <= 20 }
    // approve above 15 USD by ops
    when { context.atoms.e75 == 0 && context.atoms.e60 == 0 && context.atoms.e45 == 0 && context.atoms.e30 == 0 && context.atoms.e15 == 0 && context.atoms.e0 <= 15 || (context has approval && ["ops"].contains(context.approval.by) && context has payee && context.approval.payee == context.payee && context has model && context.approval.model == context.model && (context.approval.ceiling.e75 > context.atoms.e75 || (context.approval.ceiling.e75 == context.atoms.e75 && (context.approval.ceiling.e60 > context.atoms.e60 || (context.approval.ceiling.e60 == context.atoms.e60 && (context.approval.ceiling.e45 > context.atoms.e45 || (context.approval.ceiling.e45 == context.atoms.e45 && (context.approval.ceiling.e30 > context.atoms.e30 || (context.approval.ceiling.e30 == context.atoms.e30 && (context.approval.ceiling.e15 > context.atoms.e15 || (context.approval.ceiling.e15 == context.atoms.e15 && context.approval.ceiling.e0 >= context.atoms.e0))))))))))) };"
  `)
  expect(left).toEqual([
    {
      rule: 'cap 50 USD per 24h',
      because: 'it counts what was paid before, and Cedar remembers nothing',
    },
  ])
})

test('a call for it', () => {
  const request = {
    ...{ id: word(1), digest: word(1), agent: 'desk', asset: usd.id, atoms: 2n ** 256n - 1n },
    ...{ payee: 'b.x', host: 'h.example:8080', model: 'm' },
  }
  expect(Cedar.call(desk, request, { nowMs: startMs, action: 'pay' })).toEqual({
    principal: { type: 'Agent', id: 'desk' },
    action: { type: 'Action', id: 'pay' },
    resource: { type: 'Payee', id: 'b.x' },
    context: {
      ...{ payee: 'b.x', host: 'h.example:8080', hostName: 'h.example', hostPort: '8080' },
      ...{ model: 'm', asset: usd.id, agent: 'desk', request: word(1), nowMs: startMs },
      atoms: limbs(2n ** 256n - 1n),
    },
  })
})

/** Fifteen digits at a time. */
function limbs(value: bigint): Record<string, number> {
  const text = value.toString().padStart(90, '0')
  const part = (at: number) => Number(text.slice(75 - at, 90 - at))
  return Object.fromEntries([0, 15, 30, 45, 60, 75].map((at) => [`e${at}`, part(at)]))
}

test('every rule of a random policy is exported or left, and all of it parses', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const policy = Random.policy(Random.from(seed))
    const { text, left } = Cedar.from(policy)
    const lines = text.split('\n\n')[0]!.split('\n')
    const said = lines.filter((line) => line.startsWith('// ')).length - 1
    expect(said + left.length).toBe(policy.rules.length)
    const parsed = cedar.checkParsePolicySet({ staticPolicies: text })
    expect(parsed.type).toBe('success')
  }
})

test('names with quotes, marks and stars in them match only as they are written', () => {
  const policy = of(['allow payees *', 'allow models a"b\\c*, *x"*y', 'allow agents *a*b*'])
  cedar.preparsePolicySet('quoted', { staticPolicies: Cedar.from(policy).text })
  const says = (model: string, agent = 'xaxbx') => {
    const request = {
      ...{ id: word(1), digest: word(1), asset: usd.id, atoms: 1n },
      ...{ payee: 'a', host: 'a', model, agent },
    }
    const call = Cedar.call(policy, request, { nowMs: startMs, action: 'pay' })
    const answer = cedar.statefulIsAuthorized({
      ...(call as unknown as cedar.StatefulAuthorizationCall),
      preparsedPolicySetId: 'quoted',
      entities: [],
    })
    return answer.type === 'success' && answer.response.decision
  }
  expect(['a"b\\cd', '1x"1y'].map((model) => says(model))).toEqual(['allow', 'allow'])
  expect(['a"b\\c', 'x"1y', '1x"y', 'ab'].map((model) => says(model))).toEqual(
    Array(4).fill('deny'),
  )
  const agents = ['xaxb', 'xabx', '\u0001a\u0001b\u0001', '\u0001ab\u0002', '\u{1f600}a-b\u{1f600}']
  expect(agents.map((agent) => says('a"b\\cd', agent))).toEqual([
    ...['deny', 'deny', 'allow', 'deny', 'allow'],
  ])
})

test('Cedar, our rules and plain code say the same of 20,000 random policies and requests', () => {
  const { pairs, verdicts, differences } = CedarOracle.compare(20_000, 4)
  expect(differences.slice(0, 1).join()).toBe('')
  expect(pairs).toBe(20_000)
  for (const count of Object.values(verdicts)) expect(count).toBeGreaterThan(500)
})
