/** @module What a race is about: a thousand payments of a dollar, and a hundred dollars left. */
import * as Hash from '../../src/kernel/Hash.ts'
import type * as Budget from '../../src/policies/Budget.ts'
import * as Policy from '../../src/policies/Policy.ts'
import type * as SharedBudget from '../../src/store/budget/SharedBudget.ts'

/** One dollar. */
export const dollar = 1_000_000n
/** Payments that can still be made. */
export const left = 100
/** Who asks, in all. */
export const payments = 1_000

/** What a racer spends from: the budget, or a peer. */
export type Purse = Pick<SharedBudget.SharedBudget, 'authorize' | 'capture' | 'void' | 'close'>

/** A share of a race: payments `from` to `from + count`, paid into `paid`. */
export type Errand = {
  readonly seed: number
  /** The budget's folder. */
  readonly dir: string
  readonly purse: 'ours' | 'naive'
  readonly from: number
  readonly count: number
  /** How many handles of the budget it uses. */
  readonly handles: number
  /** The file that says what left the wallet, whatever becomes of who paid it. */
  readonly paid: string
}

/** What a racer tells of its share. */
export type Told = { readonly answered: number; readonly found: number; readonly wrote: number }

const asset = { id: `eip155:8453/erc20:0x${'83'.repeat(20)}`, decimals: 6, symbol: 'USDC' }
const payee = `0x${'aa'.repeat(20)}`

/** Nine hundred of the thousand are spent before the race begins. */
export const policy = Policy.parse(
  `policy: race
asset: ${asset.id}
rules:
  - allow payees ${payee}
  - cap 1000 USDC per 24h
  - cap 950 USDC per payment
`,
  { file: 'race.yaml', assets: [asset] },
)

/** The payment before all others. */
export const first = request(0, -1, 900n * dollar)

/** A payment of a seed. */
export function request(seed: number, at: number, atoms = dollar): Budget.Request {
  return {
    id: Hash.digest(`race ${seed} ${at}`),
    digest: Hash.digest(`what ${at}`),
    ...{ agent: 'racer', asset: asset.id, atoms, payee, host: 'seller.example', model: 'any' },
  }
}

/** Whether a payment is given up after it was allowed: in every other seed, one in eight. */
export function isGivenUp(seed: number, at: number): boolean {
  return seed % 2 === 1 && at % 8 === seed % 8
}

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
export function randomly(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
