import { expect, test } from 'vitest'
import * as Card from './Card.schema.ts'

const old = {
  v: 1,
  model: 'docs-reader',
  kind: 'extractive',
  tokenizer: 'words@1',
  stdUsPerTokenIn: 1,
  stdUsPerTokenCached: 1,
  stdUsPerTokenOut: 10,
  maxTokensIn: 2_000,
  maxTokensOut: 400,
  lineagePpb: '0',
  datanet: 'docs',
} as const
const [first, second] = [`0x${'11'.repeat(32)}`, `0x${'22'.repeat(32)}`] as const

test('a card of before reads as it did and has the name it had', () => {
  const read = Card.card.parse(old)
  expect(read).toEqual(old)
  expect(Card.hash(read)).toBe('0xc87b03c504fb49cabbae0d827bb964c9d22705cf56aff37a1dcb9e594fa5f833')
})

test('what a card says more gives it another name', () => {
  const more = {
    ...old,
    kind: 'skill',
    can: ['schema', 'stop', 'tools'],
    stdUsPerCall: 5,
    lineagePpb: '300',
    lineage: [
      { artifact: first, sharePpb: '100' },
      { artifact: second, sharePpb: '200' },
    ],
  }
  const read = Card.card.parse(more)
  expect(read).toEqual(more)
  expect(Card.hash(read)).not.toBe(Card.hash(Card.card.parse(old)))
})

const line = (artifact: string, sharePpb: string) => ({ artifact, sharePpb })
test.each([
  ['can of nothing', { can: [] }],
  ['can out of order', { can: ['tools', 'stop'] }],
  ['can twice', { can: ['stop', 'stop'] }],
  ['can what nobody knows', { can: ['fly'] }],
  ['work below nothing', { stdUsPerCall: -1 }],
  ['half of a microsecond', { stdUsPerCall: 0.5 }],
  ['lineage of nobody', { lineage: [] }],
  ['too little', { lineagePpb: '3', lineage: [line(first, '2')] }],
  ['too much', { lineagePpb: '1', lineage: [line(first, '2')] }],
  ['a share of nothing', { lineagePpb: '1', lineage: [line(first, '0'), line(second, '1')] }],
  ['out of order', { lineagePpb: '2', lineage: [line(second, '1'), line(first, '1')] }],
  ['one artifact twice', { lineagePpb: '2', lineage: [line(first, '1'), line(first, '1')] }],
  ['no share', { lineagePpb: '1', lineage: [line(first, 'x')] }],
])('a card is refused: %s', (_, change) => {
  expect(Card.card.safeParse({ ...old, ...change }).success).toBe(false)
})
