/** A seller is paid for standard work under its quote, for nothing else, and to whom the answer is owed. */
import { expect, test } from 'vitest'
import * as Attack from './Attack.ts'
import * as Billing from './Billing.ts'
import * as Sale from './Sale.ts'

test('an honest receipt is refused by nobody', () => {
  const { node, honest } = Billing.sale()
  expect(Sale.judge(node, honest)).toBeUndefined()
  expect(honest.receipt.influence.entries.length).toBeGreaterThan(2)
  Sale.settle(node, honest)
})

test('five times the device time pays 1.00 ×', () => {
  const measure = Billing.deviceTime()
  expect(measure.ours).toBe(1)
  expect(measure.lies.map(({ verdict }) => verdict?.by)).toEqual([undefined, 'terms', 'terms'])
  expect(measure.naive.gain).toBe(5)
})

test('whatever takes more than quote and work allow is refused before anything else looks', () => {
  const measure = Billing.aboveQuote()
  expect(measure.lies.length).toBeGreaterThan(15)
  expect(measure.lies.every(({ verdict }) => verdict?.by === 'terms')).toBe(true)
  expect(Attack.holds(measure)).toBe(true)
  // Amounts depend on the documents installed; reasons do not.
  const told = measure.lies.map(
    ({ lie, verdict }) => `${lie}: ${verdict!.because.replaceAll(/0x[0-9a-f]+|\d+/g, '#')}`,
  )
  expect(told).toMatchInlineSnapshot(`
    [
      "one atom more: chargedAtoms #, recomputed #",
      "change kept: changeAtoms #, recomputed #",
      "paid more than was: paidAtoms #, recomputed #",
      "rounding to the seller: feeNano #, recomputed #",
      "twice the rate: executionNano #, recomputed #",
      "a fee of its own: feeNano #, recomputed #",
      "more gas: gasNano #, recomputed #",
      "work five times: standard work #, recomputed #",
      "more tokens out than quoted: receipt with more tokens out than quoted",
      "more tokens in than quoted: receipt with more tokens in than quoted",
      "a token more: standard work #, recomputed #",
      "cached tokens on top: receipt with more tokens in than quoted",
      "another quote: receipt for another quote",
      "a token by the same symbol: receipt in another asset",
      "another card: receipt for another model",
      "somebody else’s bill: receipt for another payer",
      "above the quoted maximum: charged # above the quoted maximum #",
    ]
  `)
})

test('altered attribution is refused, or caught by whoever recomputes, each lie by its own judge', () => {
  const measure = Billing.attribution()
  expect(Attack.holds(measure)).toBe(true)
  const told = measure.lies.map(({ lie, verdict }) => `${lie}: ${verdict?.by}`)
  expect(told).toMatchInlineSnapshot(`
    [
      "coverage a part more: terms",
      "coverage a part less: terms",
      "a line twice: terms",
      "shares above the whole: terms",
      "a nano-atom from one line to another: terms",
      "another version of the datanet: terms",
      "other evidence: lines",
      "half of a share to oneself: lines",
      "half of a share to oneself, evidence too: recomputation",
      "the rest to oneself: lines",
      "the rest to oneself, evidence too: recomputation",
      "rarity of everything: lines",
      "rarity of everything, evidence too: recomputation",
      "a line dropped: lines",
      "a line dropped, evidence too: recomputation",
      "an artifact that nobody registered: books",
      "windows of fewer words: lines",
      "windows of fewer bits: lines",
      "a stretch said to be an old answer: recomputation",
    ]
  `)
  // A buyer that only adds up would have taken them.
  expect(measure.fits).toBeGreaterThan(10)
})
