/**
 * @module Findings of an audit, counted. Each check is verified, failed, erased (a text it needs was
 * withdrawn) or recorded (stated, and not to be decided from these files). Whatever a hostile record
 * makes a check throw is a failed check: an audit ends with a report, never with a crash.
 */

/** What is checked. */
export const names = [
  'chain-of-hashes',
  'clock',
  'replay',
  'policy',
  'identity',
  'quote',
  'receipt',
  'attribution',
  'document',
  'answer',
  'payment',
  'transition',
  'epoch',
  'claim',
  'causes',
  'chain',
  'counterpart',
] as const

/** One of {@link names}. */
export type Name = (typeof names)[number]

/** How a check ended, in order of gravity. */
export type Outcome = 'verified' | 'recorded' | 'erased' | 'failed'

/** One check. */
export type Check = {
  readonly name: Name
  /** What was checked: `leaf 12 (served)`, a document's path, `epoch 0`. */
  readonly subject: string
  readonly outcome: Outcome
  readonly because?: string
}

/** How often each check ended how. */
export type Counts = Readonly<Record<Name, Readonly<Record<Outcome, number>>>>

/** Why a check did not pass; undefined when it did. */
export type Fault = string | undefined

/** Collects findings. */
export type Tally = {
  readonly counts: Counts
  readonly failures: readonly Check[]
  /** Notes a finding. */
  note(check: Check): void
  /** Runs a check that says why it fails; what it throws is why. */
  judge(name: Name, subject: string, check: () => Fault): void
}

/** A tally of nothing. */
export function create(): Tally {
  const counts = Object.fromEntries(
    names.map((name) => [name, { verified: 0, recorded: 0, erased: 0, failed: 0 }]),
  ) as Record<Name, Record<Outcome, number>>
  const failures: Check[] = []
  const note = (check: Check) => {
    counts[check.name][check.outcome] += 1
    if (check.outcome === 'failed') failures.push(check)
  }
  return {
    counts,
    failures,
    note,
    judge(name, subject, check) {
      const because = attempt(check)
      if (because === undefined) note({ name, subject, outcome: 'verified' })
      else note({ name, subject, outcome: 'failed', because })
    },
  }
}

/** What a check says, or what it throws: a record that breaks an invariant is a finding like any other. */
export function attempt(check: () => Fault): Fault {
  try {
    return check()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
