import { describe, expect, test } from 'vitest'
import * as Purchases from '../economy/Purchases.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Desk from './Desk.ts'

const id = (beginning: string): Hex => `0x${beginning.padEnd(64, '0')}`

/** A desk of purchases that ended and purchases that wait for an answer. */
function desk(ended: readonly Hex[], waiting: readonly Hex[]): Desk.Desk {
  const purchases = Purchases.empty()
  const put = (purchase: Hex, status: Purchases.Status) => {
    const each = { id: purchase, hold: purchase, status, leaves: [], decided: {} }
    purchases.purchases.set(purchase, each as unknown as Purchases.Purchase)
  }
  for (const purchase of ended) put(purchase, 'captured')
  for (const purchase of waiting) put(purchase, 'reviewing')
  for (const purchase of waiting) purchases.usage.reviews.set(purchase, Number.MAX_SAFE_INTEGER)
  return { purchases, home: { agent: '.nowhere' } } as unknown as Desk.Desk
}

describe('a purchase is named by the beginning of its id', () => {
  const ended = [id('aa1'), id('aa2'), id('bb1')]
  const waiting = [id('aa3'), id('cc1'), id('cc2')]

  test.each([
    ['0xaa1', id('aa1')],
    ['bb', id('bb1')],
    ['0XBB1…', id('bb1')],
    [id('aa2'), id('aa2')],
    // What waits comes first: it is what one answers.
    ['0xaa', id('aa3')],
    ['0xcc2', id('cc2')],
  ])('%s', (beginning, found) => {
    expect(Desk.find(desk(ended, waiting), beginning)).toBe(found)
  })

  test.each([
    ['0xcc', 'purchase-ambiguous'],
    ['0xdd', 'purchase-unknown'],
    ['', 'bad-input'],
    ['0x', 'bad-input'],
    ['0xaa…1', 'bad-input'],
    ['--by', 'bad-input'],
    [`${id('aa1')}0`, 'bad-input'],
  ])('%j is refused: %s', (beginning, code) => {
    expect(() => Desk.find(desk(ended, waiting), beginning)).toThrow(
      expect.objectContaining({ code }),
    )
  })

  test('several that ended are told apart too', () => {
    expect(() => Desk.find(desk(ended, []), '0xaa')).toThrow(/^2 purchases begin with 0xaa: /)
  })
})
