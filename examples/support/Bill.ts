/**
 * @module What a series of bought answers came to, from their receipts: what was paid, who earned how much
 * of it and for what, and whether all of it has found its place.
 */
import type { Buyer } from 'requite/agents'
import { type Asset, Money } from 'requite/kernel'

/** What answers came to. */
export type Bill = {
  readonly answers: number
  readonly paidAtoms: bigint
  /** The price of what was said; the rest of what was paid is change, which lowers the next payment. */
  readonly chargedAtoms: bigint
  readonly changeAtoms: bigint
  /** In nano-atoms, by `<account> for <reason>`. */
  readonly earnedNano: ReadonlyMap<string, bigint>
  /** All that was paid is earned by somebody, rounding, or change. */
  readonly adds: boolean
}

/** Adds up what was bought; what was not captured cost nothing. */
export function of(outcomes: readonly Buyer.Outcome[]): Bill {
  const earnedNano = new Map<string, bigint>()
  let [answers, paidAtoms, chargedAtoms, changeAtoms, placedNano] = [0, 0n, 0n, 0n, 0n]
  for (const { delivered, paidAtoms: leftAtoms } of outcomes) {
    paidAtoms += leftAtoms
    if (delivered === undefined) continue
    const { money } = delivered.receipt
    answers += 1
    chargedAtoms += BigInt(money.chargedAtoms)
    changeAtoms += BigInt(money.changeAtoms)
    placedNano += BigInt(money.roundingNano)
    for (const { account, nano, reason } of delivered.answered.earnings) {
      const line = `${account} for ${reason}`
      earnedNano.set(line, (earnedNano.get(line) ?? 0n) + BigInt(nano))
      placedNano += BigInt(nano)
    }
  }
  const adds = placedNano + changeAtoms * Money.nanoPerAtom === paidAtoms * Money.nanoPerAtom
  return { answers, paidAtoms, chargedAtoms, changeAtoms, earnedNano, adds }
}

/** Prints a bill, and returns it: what moved, and why. */
export function print(bill: Bill, asset: Asset.Asset): Bill {
  const money = (atoms: bigint) => Money.format(Money.of(asset, atoms))
  const { answers, paidAtoms, chargedAtoms, changeAtoms, earnedNano } = bill
  console.log(`\npaid     ${money(paidAtoms)} for ${answers} answers`)
  console.log(`charged  ${money(chargedAtoms)}; change for next time: ${money(changeAtoms)}`)
  for (const [line, nano] of earnedNano)
    console.log(`earned   ${Money.formatNano(nano, asset)} by ${line}`)
  return bill
}
