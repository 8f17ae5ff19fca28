/**
 * @module Lists: patterns of `allow` and `deny` that never decide. One dimension at a time: a pattern is
 * dead if another covers it, a denied one also if nothing of it is allowed, an allowed one also if all of
 * it is denied. What remains is never empty, so no list loses its meaning.
 */
import * as Pattern from '../Pattern.ts'
import type * as Policy from '../Policy.ts'
import * as Overlap from './Overlap.ts'

/** One pattern of one rule. */
export type Entry = {
  readonly at: number
  readonly rule: 'allow' | 'deny'
  readonly dimension: Pattern.Dimension
  readonly pattern: string
}

/** An entry that never decides, and why. */
export type Dead = {
  readonly entry: Entry
  readonly by: readonly Entry[]
  readonly because: string
}

/** Every pattern of a policy's lists. */
export function entries({ rules }: Policy.Policy): readonly Entry[] {
  return rules.flatMap((rule, at) =>
    rule.rule === 'allow' || rule.rule === 'deny'
      ? rule.patterns.map((pattern) => {
          return { at, rule: rule.rule, dimension: rule.dimension, pattern }
        })
      : [],
  )
}

/** Entries that never decide. */
export function dead(policy: Policy.Policy): readonly Dead[] {
  const all = entries(policy)
  return Pattern.dimensions.flatMap((dimension) => {
    const mine = all.filter((entry) => entry.dimension === dimension)
    const allowed = mine.filter(({ rule }) => rule === 'allow')
    const denied = mine.filter(({ rule }) => rule === 'deny')
    const goneDenied = without(denied, (entry, others) => denialOf(entry, others, allowed))
    const standing = denied.filter((entry) => !goneDenied.some((each) => each.entry === entry))
    const goneAllowed = without(allowed, (entry, others) =>
      others.length === 0 ? undefined : allowanceOf(entry, others, standing),
    )
    return [...goneAllowed, ...goneDenied]
  })
}

/** Allowed dimensions of which all is denied. */
export function emptied(policy: Policy.Policy): readonly (readonly Entry[])[] {
  const all = entries(policy)
  return Pattern.dimensions.flatMap((dimension) => {
    const mine = all.filter((entry) => entry.dimension === dimension)
    const allowed = mine.filter(({ rule }) => rule === 'allow')
    const denied = mine.filter(({ rule }) => rule === 'deny')
    const isDenied = ({ pattern }: Entry) =>
      denied.some((deny) => Overlap.covers(dimension, deny.pattern, pattern))
    const isAll = denied.some(({ pattern }) => pattern === '*')
    return isAll || (allowed.length > 0 && allowed.every(isDenied)) ? [mine] : []
  })
}

type Found = { readonly by: readonly Entry[]; readonly because: string }

/** Each from the last to the first, against those that remain: of two that are equal the later goes. */
function without(
  list: readonly Entry[],
  find: (entry: Entry, others: readonly Entry[]) => Found | undefined,
): readonly Dead[] {
  const standing = [...list]
  const gone: Dead[] = []
  for (const entry of list.toReversed()) {
    const others = standing.filter((each) => each !== entry)
    const found = find(entry, others)
    if (found === undefined) continue
    standing.splice(standing.indexOf(entry), 1)
    gone.unshift({ entry, ...found })
  }
  return gone
}

function denialOf(
  { dimension, pattern }: Entry,
  others: readonly Entry[],
  allowed: readonly Entry[],
): Found | undefined {
  const wide = others.find((other) => Overlap.covers(dimension, other.pattern, pattern))
  if (wide !== undefined) return { by: [wide], because: `${wide.pattern} is denied already` }
  if (allowed.length === 0) return undefined
  if (allowed.some((other) => Overlap.meet(dimension, other.pattern, pattern))) return undefined
  return { by: allowed, because: `nothing that matches ${pattern} is allowed anyway` }
}

function allowanceOf(
  { dimension, pattern }: Entry,
  others: readonly Entry[],
  denied: readonly Entry[],
): Found | undefined {
  const wide = others.find((other) => Overlap.covers(dimension, other.pattern, pattern))
  if (wide !== undefined) return { by: [wide], because: `${wide.pattern} is allowed already` }
  const deny = denied.find((other) => Overlap.covers(dimension, other.pattern, pattern))
  return deny && { by: [deny], because: `all of it is denied by ${deny.pattern}` }
}
