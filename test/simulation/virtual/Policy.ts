/** @module The real policies, each read once: processes that come back read the same files and records. */
import * as Real from '../../../src/policies/Policy.ts'

export * from '../../../src/policies/Policy.ts'

const parsed = new Map<string, Real.Policy>()
const read = new Map<string, Real.Policy>()
const digests = new WeakMap<Real.Policy, ReturnType<typeof Real.digest>>()

/** As the real one; every file of a simulation is in the same asset. */
export function parse(...[yaml, options]: Parameters<typeof Real.parse>): Real.Policy {
  const known = parsed.get(yaml) ?? Real.parse(yaml, options)
  parsed.set(yaml, known)
  return known
}

/** As the real one. */
export function fromJson(value: unknown): Real.Policy {
  const text = JSON.stringify(value)
  const known = read.get(text) ?? Real.fromJson(value)
  read.set(text, known)
  return known
}

/** As the real one: a policy is frozen through and through. */
export function digest(policy: Real.Policy): ReturnType<typeof Real.digest> {
  const known = digests.get(policy) ?? Real.digest(policy)
  digests.set(policy, known)
  return known
}
