/**
 * @module `count eip155:8453/erc20:0x… of 6 decimals at 1.08 USDC` · `… at prices within 1m`: what one unit
 * of another asset counts as. An asset that nothing counts is denied, and so is one whose price is stale.
 */
import { InputError } from '../../kernel/Errors.ts'
import * as Money from '../../kernel/Money.ts'
import type { Kind } from '../Kind.ts'
import * as Pattern from '../Pattern.ts'
import type { Facts } from '../Request.ts'
import * as Request from '../Request.ts'
import * as Sentence from '../Sentence.ts'
import { record, show } from '../Untrusted.ts'
import * as Window from '../Window.ts'

/** The rule as plain JSON: a declared parity in atoms of the unit of account, or how old a price may be. */
export type Count = {
  readonly rule: 'count'
  readonly asset: string
  readonly decimals: number
} & ({ readonly atoms: string } | { readonly withinMs: number })

const mostDecimals = 36

/** Reads, writes and judges `count … at …`. */
export const kind: Kind<Count> = {
  rule: 'count',
  examples: (symbol) => [
    `count ${exampleAsset} of 6 decimals at 1.08 ${symbol}`,
    `count ${exampleAsset} of 18 decimals at prices within 1m`,
  ],
  read(cursor, unit) {
    Sentence.word(cursor, 'count')
    const asset = Sentence.asset(cursor)
    Sentence.word(cursor, 'of')
    const decimals = Sentence.count(cursor, 'decimals', mostDecimals, 0)
    Sentence.word(cursor, 'decimals')
    Sentence.word(cursor, 'at')
    const data = { rule: 'count', asset, decimals } as const
    if (Sentence.maybe(cursor, 'prices')) {
      Sentence.word(cursor, 'within')
      const withinMs = Sentence.duration(cursor)
      Sentence.end(cursor)
      return { ...data, withinMs }
    }
    const atoms = Sentence.money(cursor, unit)
    Sentence.end(cursor)
    return { ...data, atoms }
  },
  format(data, unit) {
    const at =
      'atoms' in data
        ? Money.format(Money.of(unit, BigInt(data.atoms)))
        : `prices within ${Window.duration(data.withinMs)}`
    return `count ${data.asset} of ${data.decimals} decimals at ${at}`
  },
  fromJson(value) {
    const json = record(value, 'a count rule', ['rule', 'asset', 'decimals'], ['atoms', 'withinMs'])
    const { asset, decimals, atoms, withinMs } = json
    if (typeof asset !== 'string' || !isAsset(asset))
      throw new InputError(`expected asset as eip155:<chain>/erc20:0x…, got ${show(asset)}`)
    if (!Number.isInteger(decimals) || Object.is(decimals, -0) || Number(decimals) < 0)
      throw new InputError(`expected decimals from 0 to ${mostDecimals}, got ${show(decimals)}`)
    if (Number(decimals) > mostDecimals)
      throw new InputError(`expected decimals from 0 to ${mostDecimals}, got ${show(decimals)}`)
    const data = { rule: 'count', asset, decimals: decimals as number } as const
    if ((atoms === undefined) === (withinMs === undefined))
      throw new InputError('expected atoms or withinMs, and one of them')
    if (atoms !== undefined) return { ...data, atoms: Money.atoms(atoms, 'atoms').toString() }
    if (!Window.is(withinMs))
      throw new InputError(`expected withinMs as whole seconds, got ${show(withinMs)}`)
    return { ...data, withinMs }
  },
  judge(data, { asset: unit, sentence: rule }) {
    const whole = 10n ** BigInt(data.decimals)
    const price = (facts: Facts, nowMs: number): bigint | undefined => {
      if ('atoms' in data) return BigInt(data.atoms)
      const isFresh = facts.price && Window.isFresh(facts.price.asOfMs, nowMs, data.withinMs)
      return isFresh ? facts.price?.atoms : undefined
    }
    const worth = (facts: Facts, asked: bigint, nowMs: number): bigint | undefined => {
      const each = price(facts, nowMs)
      // Rounded up: many small payments count no less than one large.
      return each === undefined ? undefined : Request.atoms((asked * each + whole - 1n) / whole)
    }
    return {
      rule,
      outcome(facts, nowMs) {
        const { asset, askedAtoms } = facts
        if (asset !== data.asset) return 'allow'
        // What another sentence counts, this one may be unable to.
        const own = askedAtoms === undefined ? undefined : worth(facts, askedAtoms, nowMs)
        return own === undefined ? 'deny' : 'allow'
      },
      because(facts, nowMs) {
        const { asset, askedAtoms } = facts
        if (asset !== data.asset) return `${rule}: another asset asked`
        const own = askedAtoms === undefined ? undefined : worth(facts, askedAtoms, nowMs)
        if (askedAtoms !== undefined && own !== undefined) {
          const from = Money.decimal(askedAtoms, data.decimals)
          return `${rule}: ${from} counts as ${Money.decimal(own, unit.decimals)} ${unit.symbol}`
        }
        if (price(facts, nowMs) !== undefined) return `${rule}: what is asked cannot be counted`
        if (facts.price === undefined) return `${rule}: the request states no valid price`
        return `${rule}: the price is of ${Window.age(facts.price.asOfMs, nowMs)}`
      },
      worth(facts, nowMs) {
        const isMeant = facts.asset === data.asset && facts.atoms !== undefined
        return isMeant ? worth(facts, facts.atoms!, nowMs) : undefined
      },
    }
  },
}

const exampleAsset = 'eip155:8453/erc20:0x00000000000000000000000000000000000000bb'

function isAsset(text: string): boolean {
  const isWritten = /^eip155:[1-9]\d{0,15}\/erc20:0x[0-9a-f]{40}$/.test(text)
  return isWritten && Pattern.refuse('assets', text) === undefined
}
