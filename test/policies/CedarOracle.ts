/**
 * @module Random policies and requests put to Cedar by the export, to our own rules, and to plain code that
 * shares nothing with either.
 */
import { setFlagsFromString } from 'node:v8'
import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import * as Budget from '../../src/policies/Budget.ts'
import * as Cedar from '../../src/policies/Cedar.ts'
import * as Policy from '../../src/policies/Policy.ts'
import type * as Rule from '../../src/policies/Rule.ts'
import * as Random from './Random.ts'

// Node 20 aborts when it takes back the optimisation of a call into WebAssembly that it had inlined.
setFlagsFromString('--no-turbo-inline-js-wasm-calls')

/** What was compared. */
export type Comparison = {
  readonly pairs: number
  readonly verdicts: Readonly<Record<Budget.Verdict, number>>
  /** Where two of the three said different things, in words. */
  readonly differences: readonly string[]
}

const kinds = [
  ...['allow', 'allow', 'allow', 'deny', 'cap payment', 'approve', 'approve', 'approve', 'freeze'],
  ...['coverage', 'royalty', 'rarity', 'slippage', 'tier', 'stop', 'count', 'cap window', 'rate'],
]
const requestsPerPolicy = 50
const scales = [0n, 0n, 14n, 15n, 16n, 30n, 44n, 60n]

/** Compares at least so many pairs; the same ones for the same seed. */
export function compare(pairs: number, seed: number): Comparison {
  const draw = Random.from(seed)
  const verdicts = { allow: 0, deny: 0, review: 0 }
  const differences: string[] = []
  let done = 0
  while (done < pairs) {
    const scale = 10n ** Random.one(draw, scales)
    const policy = scaled(Random.policy(draw, { most: 5, kinds }), scale, draw)
    const { text, left } = Cedar.from(policy)
    if (left.length === policy.rules.length) continue
    const parsed = cedar.preparsePolicySet('random', { staticPolicies: text })
    if (parsed.type !== 'success') throw new Error(`${JSON.stringify(parsed)}\n${text}`)
    const stateless = without(policy, left)
    for (let each = 0; each < requestsPerPolicy; each++, done++) {
      const nowMs = Random.startMs + draw(48) * 1_800_000
      const request = friendly(draw, Random.request(draw, done, nowMs), scale)
      const said = {
        cedar: ask(policy, request, nowMs),
        ours: Budget.explain(Budget.empty(), stateless, request, nowMs).verdict,
        plain: verdict(stateless, request, nowMs),
      }
      verdicts[said.ours]++
      if (said.cedar !== said.ours || said.plain !== said.ours)
        differences.push(
          `${JSON.stringify(said)}\n${Policy.toSentences(policy).join('\n')}\n${text}`,
        )
    }
  }
  return { pairs: done, verdicts, differences }
}

/** The part of the policy that the export is. */
function without(policy: Policy.Policy, left: Cedar.Export['left']): Policy.Policy {
  const isLeft = (sentence: string) => left.some(({ rule }) => rule === sentence)
  const places = Policy.toSentences(policy).flatMap((sentence, at) =>
    isLeft(sentence) ? [at] : [],
  )
  return Random.without(policy, places)
}

/** Limits so large that they need several of Cedar's numbers. */
function scaled(policy: Policy.Policy, scale: bigint, draw: Random.Draw): Policy.Policy {
  const rules = policy.rules.map((rule) =>
    'atoms' in rule && rule.rule !== 'count'
      ? { ...rule, atoms: `${BigInt(rule.atoms) * scale + BigInt(draw(2))}` }
      : rule,
  )
  // A unit of account so fine that such amounts can be written.
  return Policy.policy(policy.name, { ...policy.asset, decimals: 36 }, rules)
}

/** Atoms near the limits; and mostly such facts that not everything is denied. */
function friendly(draw: Random.Draw, request: Budget.Request, scale: bigint): Budget.Request {
  const near = request.atoms * scale + BigInt(draw(4) - 1)
  const atoms = near < 0n ? 0n : near
  const { approval } = request
  const lifted = approval && {
    approval: { ...approval, ceilingAtoms: atoms + BigInt(draw(9) > 1 ? 1 : 0) },
  }
  const nobody = draw(40) === 0 ? { id: '0x' as const } : {}
  return { ...request, atoms, ...lifted, ...nobody }
}

function ask(policy: Policy.Policy, request: Budget.Request, nowMs: number): Budget.Verdict {
  const permits = (action: Cedar.Action) => {
    const call = Cedar.call(policy, request, { nowMs, action })
    const answer = cedar.statefulIsAuthorized({
      ...(call as unknown as cedar.StatefulAuthorizationCall),
      preparsedPolicySetId: 'random',
      entities: [],
    })
    if (answer.type !== 'success') throw new Error(JSON.stringify(answer.errors))
    const { decision, diagnostics } = answer.response
    if (diagnostics.errors.length > 0) throw new Error(JSON.stringify(diagnostics.errors))
    return decision === 'allow'
  }
  if (permits('pay')) return 'allow'
  return permits('review') ? 'review' : 'deny'
}

const singular: Readonly<Record<string, string>> = {
  ...{ payees: 'payee', hosts: 'host', models: 'model', assets: 'asset', adapters: 'adapter' },
  ...{ datanets: 'datanet', tools: 'tool', agents: 'agent', categories: 'category' },
}

/** The rules as anybody would write them who reads their sentences. */
function verdict(policy: Policy.Policy, request: Budget.Request, nowMs: number): Budget.Verdict {
  const { rules, asset } = policy
  const stated = request as unknown as Partial<Record<string, string>>
  if (request.id === '0x' || request.asset !== asset.id) return 'deny'
  if (!rules.some((rule) => rule.rule === 'allow' && rule.dimension === 'payees')) return 'deny'
  const dimensions = new Set(
    rules.flatMap((rule) => (rule.rule === 'allow' ? [rule.dimension] : [])),
  )
  for (const dimension of dimensions) {
    const name = stated[singular[dimension]!]
    const patterns = rules.flatMap((rule) =>
      rule.rule === 'allow' && rule.dimension === dimension ? rule.patterns : [],
    )
    if (name === undefined || !patterns.some((each) => isMatch(each, name))) return 'deny'
  }
  const outcomes = rules.map((rule) => outcome(rule, request, nowMs))
  if (outcomes.includes('deny')) return 'deny'
  return outcomes.includes('review') ? 'review' : 'allow'
}

function outcome(rule: Rule.Rule, request: Budget.Request, nowMs: number): Budget.Verdict {
  const unless = (isWell: boolean) => (isWell ? 'allow' : 'deny')
  const { atoms, drawdown } = request
  switch (rule.rule) {
    case 'deny': {
      const name = (request as unknown as Partial<Record<string, string>>)[
        singular[rule.dimension]!
      ]
      return unless(name !== undefined && !rule.patterns.some((each) => isMatch(each, name)))
    }
    case 'cap-payment':
      return unless(atoms <= BigInt(rule.atoms))
    case 'demand-coverage':
      return unless((request.coveragePpb ?? -1n) >= BigInt(rule.coveragePpb))
    case 'demand-royalty-share':
      return unless((request.royaltySharePpb ?? -1n) >= BigInt(rule.royaltySharePpb))
    case 'demand-rarity':
      return unless((request.rarityPpb ?? -1n) >= BigInt(rule.rarityPpb))
    case 'cap-slippage':
      return unless((request.slippagePpb ?? 2_000_000_000n) <= BigInt(rule.slippagePpb))
    case 'demand-trust-tier':
      return unless((request.trustTier ?? -1) >= rule.tier)
    case 'approve-above':
      return atoms <= BigInt(rule.atoms) || isApproved(rule.by, request) ? 'allow' : 'review'
    case 'freeze-hours':
      return unless(!isFrozen(rule, nowMs))
    case 'stop-drawdown': {
      if (drawdown === undefined) return 'deny'
      const ageMs = nowMs - drawdown.asOfMs
      return unless(ageMs >= 0 && ageMs <= rule.withinMs && drawdown.ppb < BigInt(rule.drawdownPpb))
    }
    // Of the unit of account itself; others are not in this part of a policy.
    case 'count':
      return 'deny'
    default:
      return 'allow'
  }
}

function isApproved(by: readonly string[], request: Budget.Request): boolean {
  const { approval, payee, model, atoms } = request
  if (approval === undefined || !by.includes(approval.by)) return false
  return approval.payee === payee && approval.model === model && approval.ceilingAtoms >= atoms
}

function isFrozen(rule: Extract<Rule.Rule, { rule: 'freeze-hours' }>, nowMs: number): boolean {
  const options = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
  const text = new Intl.DateTimeFormat('en', { ...options, timeZone: rule.zone }).format(nowMs)
  const [hour, minute] = text.split(':').map(Number)
  const now = 60 * hour! + minute!
  const { fromMinute, toMinute } = rule
  const length = (toMinute - fromMinute + 1_440) % 1_440
  return (now - fromMinute + 1_440) % 1_440 < length
}

/** By regular expressions; of hosts the port apart. */
function isMatch(pattern: string, name: string): boolean {
  if (pattern === '*') return true
  const port = /^(.*):(\d+|\*)$/.exec(pattern)
  const isHost = /^[^/]*:\d+$/.test(name)
  if (port === null) return !isHost && regex(pattern).test(name)
  const [, host, number] = /^(.*):(\d+)$/.exec(name) ?? []
  return host !== undefined && regex(port[1]!).test(host) && regex(port[2]!).test(number!)
}

function regex(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.?+^$()[\]{}|\\/]/g, '\\$&'))
  return new RegExp(`^${parts.join('.+')}$`, 'su')
}
