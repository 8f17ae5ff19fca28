/**
 * @module What an attack on the economy comes to: what the attacker gains here, what a naive rule would
 * give it, and the bound that every release keeps. One list, read by the tests and by the bench.
 */

/** One attack, measured. Gains: less is better, nothing above `bound` is released. */
export type Measure = {
  /** Short name, as it stands in the bench's rows. */
  readonly attack: string
  /** What the figures are, e.g. `% of credit to the attacker`. */
  readonly unit: string
  readonly ours: number
  readonly bound: number
  /** The naive rule, and what the attacker gains under it. */
  readonly naive: { readonly rule: string; readonly gain: number }
}

/** Whether the defence holds. */
export function holds({ ours, bound }: Measure): boolean {
  return Number.isFinite(ours) && ours <= bound
}

/** Mean of what is measured over many answers. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
