/**
 * @module What a trader's policy says, in sentences for the budget and as plain numbers for whoever counts
 * again: the second knows nothing of the first.
 */
import type { Asset } from '../../src/kernel/Asset.ts'
import type { Hex } from '../../src/kernel/Hex.ts'
import type { Town } from './Town.ts'

/** The most that may be signed away, in atoms: in a payment, and in each window that ends at any moment. */
export type Limits = {
  readonly name: string
  readonly paymentAtoms: bigint
  readonly dayAtoms: bigint
  readonly weekAtoms: bigint
  readonly payeeDayAtoms: bigint
  /** In a month of the calendar in Berlin. */
  readonly monthAtoms: bigint
  readonly perHour: number
  /** What takes more than this waits for somebody. */
  readonly approveAboveAtoms: bigint | undefined
}

/** Who answers reviews. */
export const operator = 'ops'

/** Some are tight, so that each limit is met by somebody; most leave room. */
export function draw({ below }: Pick<Town, 'below'>, index: number): Limits {
  const tight = (kind: number, low: bigint, high: bigint) => (index % 5 === kind ? low : high)
  return {
    name: `agent-${index}`,
    paymentAtoms: tight(4, 900n + BigInt(below(100)), 5_000n),
    dayAtoms: tight(0, 950n + BigInt(below(600)), 6_000n),
    weekAtoms: tight(1, 2_500n + BigInt(below(1_000)), 40_000n),
    payeeDayAtoms: tight(2, 950n + BigInt(below(200)), 5_000n),
    monthAtoms: tight(3, 7_000n + BigInt(below(2_000)), 150_000n),
    perHour: index % 7 === 0 ? 2 : 30,
    approveAboveAtoms: index % 6 === 5 ? 300n : undefined,
  }
}

/** The policy file. */
export function text(limits: Limits, asset: Asset, payees: readonly Hex[]): string {
  const { name, approveAboveAtoms } = limits
  const rules = [
    `allow payees ${payees.join(', ')}`,
    'allow models docs-reader',
    `cap ${dollars(limits.paymentAtoms)} USDC per payment`,
    `cap ${dollars(limits.dayAtoms)} USDC per 24h`,
    `cap ${dollars(limits.weekAtoms)} USDC per 7d`,
    `cap ${dollars(limits.payeeDayAtoms)} USDC per 24h per payee`,
    `cap ${dollars(limits.monthAtoms)} USDC per calendar month in Europe/Berlin`,
    `at most ${limits.perHour} payments per hour per agent`,
  ]
  if (approveAboveAtoms !== undefined)
    rules.push(`approve above ${dollars(approveAboveAtoms)} USDC within 6h by ${operator}`)
  const lines = [`policy: ${name}`, `asset: ${asset.id}`, 'rules:']
  return [...lines, ...rules.map((rule) => `  - ${rule}`)].join('\n')
}

function dollars(atoms: bigint): string {
  const digits = String(atoms).padStart(7, '0')
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`
}
