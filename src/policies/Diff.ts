/**
 * @module Diff: what changes from one version of a policy to the next. Rules in sentences; and for each
 * direction a request that one version allows and the other does not, found by trying what lies at the
 * boundaries of all rules and checked by asking both. Finding none is no proof that there is none.
 */
import * as Money from '../kernel/Money.ts'
import * as Budget from './Budget.ts'
import type * as Decision from './Decision.ts'
import * as Choices from './diff/Choices.ts'
import * as Scene from './diff/Scene.ts'
import * as History from './History.ts'
import * as Policy from './Policy.ts'
import type { Request } from './Request.ts'
import * as Rule from './Rule.ts'

/** What two versions say of one request, with what was paid before it. */
export type Witness = {
  readonly request: Request
  readonly atMs: number
  readonly given: readonly History.Past[]
  readonly before: Said
  readonly after: Said
}

/** A verdict, and the reason that made it; none when all allow. */
export type Said = { readonly verdict: Decision.Verdict; readonly because?: string }

/** How a version differs from the one before it. */
export type Diff = {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  /** Rules of which only the limit changed. */
  readonly changed: readonly { readonly before: string; readonly after: string }[]
  /** What only the version before allows; none if nothing that was tried. */
  readonly narrower: Witness | undefined
  /** What only the version after allows. */
  readonly wider: Witness | undefined
  /** How many requests both versions were asked. */
  readonly tried: number
}

/** How `after` differs from `before`. `most`: how many requests to try at most. */
export function diff(
  before: Policy.Policy,
  after: Policy.Policy,
  { most = 20_000 }: { readonly most?: number } = {},
): Diff {
  const sentences = rules(before, after)
  if (Policy.digest(before) === Policy.digest(after))
    return { ...sentences, narrower: undefined, wider: undefined, tried: 0 }
  const choices = Choices.of(before, after)
  const narrower = search(choices, [before, after], most / 2)
  const wider = search(choices, [after, before], most / 2)
  return {
    ...sentences,
    narrower: narrower.scene && witness(narrower.scene, before, after),
    wider: wider.scene && witness(wider.scene, before, after),
    tried: narrower.tried + wider.tried,
  }
}

/** A request in words. */
export function format(
  { request, atMs, given, before, after }: Witness,
  unit: Policy.Policy,
): string {
  const amount = (atoms: bigint) => Money.format(Money.of(unit.asset, atoms))
  const paid = given.reduce((sum, { request }) => sum + request.atoms, 0n)
  const past =
    given.length === 0 ? '' : `, after ${given.length} payments of ${amount(paid)} in all`
  const what = `${amount(request.atoms)} to ${request.payee} at ${new Date(atMs).toISOString()}${past}`
  const say = ({ verdict, because }: Said) =>
    verdict + (because === undefined ? '' : ` (${because})`)
  return `${what}: ${say(before)} before, ${say(after)} after`
}

function rules(
  before: Policy.Policy,
  after: Policy.Policy,
): Pick<Diff, 'added' | 'removed' | 'changed'> {
  const read = ({ rules, asset }: Policy.Policy) =>
    rules.map((rule) => ({ sentence: Rule.format(rule, asset), key: key(rule) }))
  const old = read(before)
  const added: string[] = []
  for (const { sentence, key } of read(after)) {
    const same = old.findIndex((each) => each.sentence === sentence)
    if (same < 0) added.push(`${key}\n${sentence}`)
    else old.splice(same, 1)
  }
  const removed: string[] = []
  const changed: Diff['changed'][number][] = []
  for (const { sentence, key } of old) {
    const at = added.findIndex((text) => text.startsWith(`${key}\n`))
    if (at < 0) removed.push(sentence)
    else changed.push({ before: sentence, after: added.splice(at, 1)[0]!.slice(key.length + 1) })
  }
  return { added: added.map((text) => text.slice(text.indexOf('\n') + 1)), removed, changed }
}

/** What a rule is about, without its limits. */
function key(rule: Rule.Rule): string {
  const about = ['dimension', 'windowMs', 'period', 'each', 'asset', 'zone'] as const
  const facts: Partial<Record<string, unknown>> = rule
  const isSpan = 'each' in rule || 'windowMs' in rule || 'period' in rule
  const keys =
    rule.rule === 'count' || !isSpan ? about.filter((name) => name !== 'windowMs') : about
  return [rule.rule, ...keys.map((name) => facts[name] ?? '')].join(' ')
}

type Versions = readonly [allowing: Policy.Policy, other: Policy.Policy]
type Found = { readonly scene: Scene.Scene | undefined; readonly tried: number }

/** A scene that the first allows and the second does not; rather one that it denies than reviews. */
function search(choices: Choices.Choices, versions: Versions, most: number): Found {
  let tried = 0
  let reviewed: Scene.Scene | undefined
  const ask = (scene: Scene.Scene) => {
    tried++
    return versions.map((policy) => decide(scene, policy)) as unknown as [Heard, Heard]
  }
  const base = start(choices, ask)
  for (const scene of scenes(base, choices)) {
    if (tried >= most) break
    const [allowing, other] = ask(scene)
    if (allowing.verdict !== 'allow' || other.verdict === 'allow') continue
    if (other.verdict === 'deny') return { scene, tried }
    reviewed ??= scene
  }
  return { scene: reviewed, tried }
}

const parts = Object.keys({
  ...{ asset: 0, payee: 0, agent: 0, host: 0, model: 0, adapter: 0, datanet: 0, tool: 0 },
  ...{ category: 0, atMs: 0, atoms: 0, price: 0, approvedBy: 0, coveragePpb: 0 },
  ...{ royaltySharePpb: 0, rarityPpb: 0, slippagePpb: 0, trustTier: 0, deviceMs: 0, drawdown: 0 },
}) as readonly (keyof Scene.Scene)[]

/** A scene that the first allows, if one is found, and that the second objects to least. */
function start(
  choices: Choices.Choices,
  ask: (scene: Scene.Scene) => readonly [Heard, Heard],
): Scene.Scene {
  const first = Object.entries(choices).map(([part, [choice]]) => [part, choice])
  let scene = Object.fromEntries(first) as Scene.Scene
  const objections = (changed: Scene.Scene) => {
    const [allowing, other] = ask(changed)
    return 1_000 * allowing.objections + other.objections
  }
  let least = objections(scene)
  // Twice: an approval helps only once there is something to approve.
  for (const part of [...parts, ...parts]) {
    if (least === 0) return scene
    for (const choice of choices[part]) {
      const changed = { ...scene, [part]: choice }
      const count = objections(changed)
      if (count >= least) continue
      scene = changed
      least = count
    }
  }
  return scene
}

/** The scene itself, then with one part changed, then with two. */
function* scenes(base: Scene.Scene, choices: Choices.Choices): Generator<Scene.Scene> {
  yield base
  for (const part of [...parts, 'before'] as const)
    for (const choice of choices[part]) yield { ...base, [part]: choice }
  const pairs = parts.flatMap((part, at) =>
    parts.slice(at + 1).map((other) => [part, other] as const),
  )
  const past = (['atoms', 'asset', 'atMs', 'deviceMs'] as const).map(
    (part) => [part, 'before'] as const,
  )
  for (const [part, other] of [...pairs, ...past])
    for (const choice of choices[part].slice(1))
      for (const second of choices[other].slice(1))
        yield { ...base, [part]: choice, [other]: second }
}

type Heard = { readonly verdict: Decision.Verdict; readonly objections: number }

function decide(scene: Scene.Scene, policy: Policy.Policy): Heard {
  const { verdict, reasons } = explain(scene, policy)
  const weights = { allow: 0, review: 1, deny: 1 }
  return { verdict, objections: reasons.reduce((sum, { outcome }) => sum + weights[outcome], 0) }
}

function explain(scene: Scene.Scene, policy: Policy.Policy): Decision.Decision {
  const usage = History.usage(policy, Scene.given(scene, policy.asset.id))
  return Budget.explain(usage, policy, Scene.request(scene), scene.atMs)
}

function witness(scene: Scene.Scene, before: Policy.Policy, after: Policy.Policy): Witness {
  const said = (policy: Policy.Policy): Said => {
    const { verdict, decidedBy } = explain(scene, policy)
    return decidedBy === undefined ? { verdict } : { verdict, because: decidedBy.because }
  }
  return {
    request: Scene.request(scene),
    atMs: scene.atMs,
    given: Scene.given(scene, before.asset.id),
    before: said(before),
    after: said(after),
  }
}
