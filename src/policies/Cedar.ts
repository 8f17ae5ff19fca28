/**
 * @module Cedar export: the part of a policy that needs no meter, as Cedar text (docs.cedarpolicy.com), for
 * those who audit or enforce in Cedar. One `permit` with every condition for each of two actions: `pay`, and
 * `review` without the approvals. Nothing is a `forbid`, since Cedar skips what errs: here it does not permit.
 * Amounts are
 * records of six numbers of 15 digits each, `e0` the lowest: Cedar's integers have 64 bits, JSON's 53.
 */

import * as Calendar from './Calendar.ts'
import * as Pattern from './Pattern.ts'
import * as Policy from './Policy.ts'
import * as Request from './Request.ts'
import * as Rule from './Rule.ts'

/** A policy in Cedar, and what Cedar cannot say. */
export type Export = {
  readonly text: string
  readonly left: readonly { readonly rule: string; readonly because: string }[]
}

/** What is asked: to pay, or at least to be reviewed. If neither is permitted, the verdict is deny. */
export type Action = 'pay' | 'review'

/** An authorisation call; no entities are needed. */
export type Call = {
  readonly principal: { readonly type: 'Agent'; readonly id: string }
  readonly action: { readonly type: 'Action'; readonly id: Action }
  readonly resource: { readonly type: 'Payee'; readonly id: string }
  readonly context: { readonly [fact: string]: Fact }
}

type Fact = string | number | { readonly [part: string]: string | number | Limbs }

/** The policy in Cedar. */
export function from(policy: Policy.Policy): Export {
  const { rules, asset, name } = policy
  const sentence = (rule: Rule.Rule) => Rule.format(rule, asset)
  const left = rules.flatMap((rule) => {
    const because = unsaid(rule, asset.id)
    return because === undefined ? [] : [{ rule: sentence(rule), because }]
  })
  const said = rules.filter((rule) => unsaid(rule, asset.id) === undefined)
  const clauses = (rule: Rule.Rule) => `// ${sentence(rule)}\nwhen { ${condition(rule, policy)} }`
  const permit = (action: Action, asked: readonly Rule.Rule[]) =>
    [
      `@policy(${quote(name)})`,
      `@version("${Policy.digest(policy)}")`,
      `permit (principal, action == Action::"${action}", resource)`,
      `// what every request states\nwhen { ${whole(policy)} }`,
      ...asked.map(clauses),
    ].join('\n')
  const hard = said.filter(({ rule }) => rule !== 'approve-above')
  return { text: `${permit('pay', said)};\n\n${permit('review', hard)};\n`, left }
}

/** The call for a request at a time. What is wrong with the request is left out, and so not permitted. */
export function call(
  { rules }: Policy.Policy,
  request: Request.Request,
  options: { readonly nowMs: number; readonly action: Action },
): Call {
  const { nowMs, action } = options
  const facts = Request.facts(request)
  const { id, digest, agent, atoms, drawdown, approval, host } = facts
  const [hostName, hostPort] = host === undefined ? [] : Pattern.splitPort(host)
  const names = Object.values(Pattern.singular).map((fact) => [fact, facts[fact]] as const)
  const parts = [...names, ['hostName', hostName], ['hostPort', hostPort]] as const
  const wide = spacedFacts(rules)
  const context = {
    ...Object.fromEntries(parts),
    ...Object.fromEntries(
      parts.flatMap(([fact, text]) =>
        wide.has(fact) && text !== undefined ? [[`${fact}Spaced`, spaced(text)]] : [],
      ),
    ),
    request: digest === undefined ? undefined : id,
    atoms: atoms === undefined ? undefined : limbs(atoms),
    coverage: share(facts.coveragePpb),
    royaltyShare: share(facts.royaltySharePpb),
    rarity: share(facts.rarityPpb),
    slippage: share(facts.slippagePpb),
    trustTier: facts.trustTier,
    nowMs,
    drawdown: drawdown && { ppb: share(drawdown.ppb)!, asOfMs: drawdown.asOfMs },
    approval: approval && {
      ...{ by: approval.by, payee: approval.payee, model: approval.model },
      ceiling: limbs(approval.ceilingAtoms),
    },
    clock: clock(rules, nowMs),
  }
  const stated = Object.entries(context).filter(([, fact]) => fact !== undefined)
  return {
    principal: { type: 'Agent', id: agent ?? '' },
    action: { type: 'Action', id: action },
    resource: { type: 'Payee', id: facts.payee ?? '' },
    context: Object.fromEntries(stated) as Call['context'],
  }
}

/** Why a rule cannot be said in Cedar; `undefined` if it can. */
function unsaid(rule: Rule.Rule, unit: string): string | undefined {
  switch (rule.rule) {
    case 'cap-window':
    case 'cap-exposure':
    case 'rate':
    case 'device-time':
      return 'it counts what was paid before, and Cedar remembers nothing'
    case 'count':
      // Counting the unit of account itself denies all of it: that can be said.
      return rule.asset === unit
        ? undefined
        : 'Cedar cannot reckon with amounts beyond 64 bits: other assets are denied there'
    default:
      return undefined
  }
}

/** What is denied whatever the rules say. */
function whole({ rules, asset }: Policy.Policy): string {
  const isNamed = rules.some((rule) => rule.rule === 'allow' && rule.dimension === 'payees')
  const stated = ['request', 'agent', 'asset', 'atoms'].map((fact) => `context has ${fact}`)
  const unit = `context.asset == ${quote(asset.id)}`
  return [...(isNamed ? [] : ['false']), ...stated, unit].join(' && ')
}

function condition(rule: Rule.Rule, { rules }: Policy.Policy): string {
  switch (rule.rule) {
    case 'allow': {
      const same = rules.filter(
        (each) => each.rule === 'allow' && each.dimension === rule.dimension,
      )
      return listed(
        rule.dimension,
        same.flatMap((each) => ('patterns' in each ? each.patterns : [])),
      )
    }
    case 'deny':
      return listed(rule.dimension, rule.patterns, '!')
    case 'cap-payment':
      return atMost('context.atoms', BigInt(rule.atoms))
    case 'approve-above':
      return `${atMost('context.atoms', BigInt(rule.atoms))} || ${approved(rule.by)}`
    case 'demand-coverage':
      return atLeast('coverage', rule.coveragePpb)
    case 'demand-royalty-share':
      return atLeast('royaltyShare', rule.royaltySharePpb)
    case 'demand-rarity':
      return atLeast('rarity', rule.rarityPpb)
    case 'cap-slippage':
      return `context has slippage && context.slippage <= ${rule.slippagePpb}`
    case 'demand-trust-tier':
      return atLeast('trustTier', rule.tier)
    case 'freeze-hours':
      return thawed(rule)
    case 'stop-drawdown':
      return [
        'context has drawdown && context.drawdown.asOfMs <= context.nowMs',
        `context.nowMs - context.drawdown.asOfMs <= ${rule.withinMs}`,
        `context.drawdown.ppb < ${rule.drawdownPpb}`,
      ].join(' && ')
    default:
      return 'false'
  }
}

function atLeast(fact: string, least: string | number): string {
  return `context has ${fact} && context.${fact} >= ${least}`
}

function thawed({
  fromMinute,
  toMinute,
  zone,
}: Extract<Rule.Rule, { rule: 'freeze-hours' }>): string {
  const now = `context.clock[${quote(zone)}]`
  const joint = fromMinute < toMinute ? '&&' : '||'
  const has = `context has clock && context.clock has ${quote(zone)}`
  return `${has} && !(${now} >= ${fromMinute} ${joint} ${now} < ${toMinute})`
}

function approved(by: readonly string[]): string {
  const same = ['payee', 'model'].map(
    (fact) => `context has ${fact} && context.approval.${fact} == context.${fact}`,
  )
  return [
    `(context has approval && [${by.map(quote).join(', ')}].contains(context.approval.by)`,
    ...same,
    `${covers('context.approval.ceiling', 'context.atoms')})`,
  ].join(' && ')
}

function listed(dimension: Pattern.Dimension, patterns: readonly string[], not = ''): string {
  const fact = Pattern.singular[dimension]
  const any = patterns.map((pattern) => matches(dimension, pattern)).join(' || ')
  return `context has ${fact} && ${not}(${any})`
}

function matches(dimension: Pattern.Dimension, pattern: string): string {
  if (pattern === '*') return 'true'
  if (dimension !== 'hosts') return glob(Pattern.singular[dimension], pattern)
  const [name, port] = Pattern.splitPort(pattern)
  return `(${glob('hostName', name)} && ${port === '*' ? 'context.hostPort != ""' : `context.hostPort == ${quote(port)}`})`
}

/** Cedar's `*` is no character or more, ours is one or more. */
function glob(fact: string, pattern: string): string {
  const stars = pattern.split('*').length - 1
  if (stars === 0) return `context.${fact} == ${quote(pattern)}`
  if (stars === 1)
    return `(context.${fact} like ${quote(pattern)} && context.${fact} != ${quote(pattern.replace('*', ''))})`
  // A mark before each character: a star after a mark takes at least the character that follows it.
  const marked = [...pattern].map((character) => `\\u{1}${escaped(character)}`).join('')
  return `context.${fact}Spaced like "${marked}"`
}

/** Facts that some pattern with several stars is about. */
function spacedFacts(rules: readonly Rule.Rule[]): ReadonlySet<string> {
  return new Set(
    rules.flatMap((rule) => {
      if (rule.rule !== 'allow' && rule.rule !== 'deny') return []
      const isWide = rule.patterns.some((pattern) => pattern.split('*').length > 2)
      if (!isWide) return []
      return [rule.dimension === 'hosts' ? 'hostName' : Pattern.singular[rule.dimension]]
    }),
  )
}

const marks: Readonly<Record<string, string>> = { '\u0001': '\u0002a', '\u0002': '\u0002b' }

function spaced(text: string): string {
  return [...text].map((character) => `\u0001${marks[character] ?? character}`).join('')
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')
}

function quote(text: string): string {
  return `"${escaped(text)}"`
}

const digits = 15n
const limbNames = ['e0', 'e15', 'e30', 'e45', 'e60', 'e75'] as const
type Limbs = { readonly [Name in (typeof limbNames)[number]]: number }

function limbs(value: bigint): Limbs {
  const parts = limbNames.map((name, at) => [name, Number(cut(value, at))])
  return Object.fromEntries(parts) as Limbs
}

function share(ppb: bigint | undefined): number | undefined {
  return ppb === undefined ? undefined : Number(ppb)
}

/** Minutes since midnight in each zone that a rule speaks of. */
function clock(rules: readonly Rule.Rule[], nowMs: number): Record<string, number> | undefined {
  const zones = rules.flatMap((rule) => (rule.rule === 'freeze-hours' ? [rule.zone] : []))
  if (zones.length === 0) return undefined
  return Object.fromEntries(zones.map((zone) => [zone, Calendar.clock(zone)(nowMs)]))
}

function cut(value: bigint, at: number): bigint {
  return (value / 10n ** (digits * BigInt(at))) % 10n ** digits
}

/** From the lowest up: what is higher decides unless it is equal. */
function atMost(amount: string, limit: bigint): string {
  return limbNames.reduce((lower, name, at) => {
    const [part, most] = [`${amount}.${name}`, cut(limit, at)]
    if (at === 0) return `${part} <= ${most}`
    const isEqual = `${part} == ${most} && ${lower}`
    return most === 0n ? isEqual : `(${part} < ${most} || (${isEqual}))`
  }, '')
}

/** Whether one amount is at least the other. */
function covers(amount: string, other: string): string {
  return limbNames.reduce((lower, name, at) => {
    const [one, two] = [`${amount}.${name}`, `${other}.${name}`]
    return at === 0 ? `${one} >= ${two}` : `(${one} > ${two} || (${one} == ${two} && ${lower}))`
  }, '')
}
