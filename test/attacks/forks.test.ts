/** Two receipts for one place are a proof that anyone verifies (ECONOMICS, "Receipt"; invariant 16). */
import { expect, test } from 'vitest'
import * as Hash from '../../src/kernel/Hash.ts'
import * as Equivocation from '../../src/market/Equivocation.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import * as Attack from './Attack.ts'
import * as Forks from './Forks.ts'

test('every fork is proved, from text alone; an honest chain never is', async () => {
  const measure = await Forks.forked()
  expect(Attack.holds(measure)).toBe(true)
  expect(measure.proofs).toHaveLength(8)
  expect(measure.honest).toHaveLength(8)
  expect(measure.false).toBe(0)
  const kinds = measure.proofs.map(({ left, right }) =>
    Equivocation.conflict(left.receipt, right.receipt),
  )
  expect(new Set(kinds)).toEqual(new Set(['same-seq', 'same-previous']))
})

test('nobody is framed: what the provider did not sign proves nothing', async () => {
  const { honest } = await Forks.forked()
  const [told] = honest
  const mallory = Wallet.fromPrivateKey(Hash.text('key of mallory'))
  const { receipt } = told!
  const other = { ...receipt, payer: mallory.address }
  const verify = Wallet.verifyTypedData
  for (const forged of [
    await Forks.sign(mallory, other),
    { receipt: other, signature: told!.signature },
  ])
    expect(Equivocation.fault(Equivocation.of(told!, forged)!, verify)).toMatch(/did not sign/)
})
