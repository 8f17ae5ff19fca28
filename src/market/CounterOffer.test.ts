import fc from 'fast-check'
import { expect, test } from 'vitest'
import type * as Card from './Card.schema.ts'
import * as CounterOffer from './CounterOffer.ts'
import * as Quote from './Quote.ts'

const card: Card.Card = {
  ...{ v: 1, model: 'm', kind: 'generative', tokenizer: 'words@1', lineagePpb: '0', datanet: 'd' },
  ...{ stdUsPerTokenIn: 50, stdUsPerTokenCached: 10, stdUsPerTokenOut: 50 },
  ...{ maxTokensIn: 100, maxTokensOut: 100 },
}
const rates = {
  ...{ executionNanoPerStdUs: 20_000_000n, influenceNanoPerStdUs: 60_000_000n },
  ...{ premiumPpb: 0n, qualityPpb: 0n, feePpb: 50_000_000n, gasNano: 0n },
}
const floor = { executionNanoPerStdUs: 5_000_000n }
const max = Quote.maximum(card, rates)

test('asks no less than it would when enough is offered', () => {
  expect(CounterOffer.concede(card, rates, { floor, mostAtoms: max })).toEqual(rates)
})

test('goes down to what is offered, to the last nano-atom, and to its floor at most', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, max), (mostAtoms) => {
      const given = CounterOffer.concede(card, rates, { floor, mostAtoms })
      const own = given.executionNanoPerStdUs
      const dearer = { ...given, executionNanoPerStdUs: own + 1n }
      expect(own >= floor.executionNanoPerStdUs && own <= rates.executionNanoPerStdUs).toBe(true)
      if (own > floor.executionNanoPerStdUs)
        expect(Quote.maximum(card, given) <= mostAtoms).toBe(true)
      if (own < rates.executionNanoPerStdUs)
        expect(Quote.maximum(card, dearer) > mostAtoms).toBe(true)
      expect({ ...given, executionNanoPerStdUs: 0n }).toEqual({
        ...rates,
        executionNanoPerStdUs: 0n,
      })
    }),
  )
})
