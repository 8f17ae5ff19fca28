import { beforeAll, expect, test } from 'vitest'
import * as Pair from '../../../test/harness/Pair.ts'
import * as Story from '../../../test/harness/Story.ts'
import * as Evidence from '../../attribution/spans/Evidence.ts'
import * as Datanet from '../../datanets/Datanet.ts'
import * as Hash from '../../kernel/Hash.ts'
import type { Hex } from '../../kernel/Hex.ts'
import * as Credits from '../../market/Credits.ts'
import type * as Event from '../Event.ts'
import * as Terms from './Terms.ts'

let served: Event.Of<'served'>
let artifactOf: (seq: number) => Hex | undefined
beforeAll(async () => {
  const { seller } = await Story.tell({ short: true })
  const { datanet } = seller.economy.sales
  artifactOf = (seq) => Datanet.contribution(datanet!, seq)?.artifact
  served = seller.texts
    .map((text) => JSON.parse(text).event)
    .find(({ type, receipt }) => type === 'served' && receipt.influence.entries.length === 2)
})

const lineage = [{ artifact: Hash.text('weights'), sharePpb: '250000000' }]
const card = { ...Pair.card, lineage, lineagePpb: '250000000' }

/** The receipt's lines replaced. */
function withLines(lines: ReturnType<typeof Credits.of>): Event.Of<'served'> {
  const { receipt } = served
  const entries = lines.map(({ artifact, sharePpb, rarityPpb }) => ({
    ...{ artifact, sharePpb: String(sharePpb), rarityPpb: String(rarityPpb) },
    ...{ influenceNano: '0', premiumNano: '0' },
  }))
  return { ...served, receipt: { ...receipt, influence: { ...receipt.influence, entries } } }
}

test('lines are those of the evidence, and of the card’s lineage where it has one', () => {
  const data = Evidence.parse(served.evidence).entries.flatMap(({ docSeq, ppb, rarityPpb }) =>
    ppb === '0'
      ? []
      : [{ artifact: artifactOf(docSeq)!, sharePpb: BigInt(ppb), rarityPpb: BigInt(rarityPpb) }],
  )
  expect(data).toHaveLength(2)
  expect(Terms.linesFault(served, Pair.card, artifactOf)).toBeUndefined()
  expect(Terms.linesFault(served, card, artifactOf)).toMatch(/^receipt line/)
  const lines = Credits.of(card, data)
  expect(Terms.linesFault(withLines(lines), card, artifactOf)).toBeUndefined()
  expect(Terms.linesFault(withLines(lines), Pair.card, artifactOf)).toMatch(/^receipt line/)
  // A ppb moved from one document to the other: the receipt alone would not show it.
  const [own, first, second] = lines as [(typeof lines)[0], (typeof lines)[0], (typeof lines)[0]]
  const moved = [
    own,
    { ...first, sharePpb: first.sharePpb - 1n },
    { ...second, sharePpb: second.sharePpb + 1n },
  ]
  const { coveragePpb } = served.receipt.influence
  const { entries } = withLines(moved).receipt.influence
  expect(Credits.fault(card, { entries, coveragePpb })).toBeUndefined()
  expect(Terms.linesFault(withLines(moved), card, artifactOf)).toMatch(/^receipt line/)
  expect(Terms.linesFault(served, undefined, artifactOf)).toMatch(/never registered/)
})
