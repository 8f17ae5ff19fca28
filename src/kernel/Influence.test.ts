import { expect, test } from 'vitest'
import { InputError } from './Errors.ts'
import type { Hex } from './Hex.ts'
import * as Influence from './Influence.ts'
import * as Share from './Share.ts'

function influence(shares: readonly [Hex, bigint][], coveragePpb?: bigint): Influence.Influence {
  return {
    method: 'spans/priority-cover',
    version: 1,
    recomputable: true,
    indexRoot: '0x00',
    entries: shares.map(([artifact, sharePpb]) => ({ artifact, sharePpb })),
    coveragePpb: coveragePpb ?? shares.reduce((sum, [, share]) => sum + share, 0n),
  }
}

test.each([
  ['nothing', influence([])],
  ['the whole', influence([['0x01', Share.whole]])],
  [
    'parts of it',
    influence([
      ['0x01', 1n],
      ['0x02', 5n],
    ]),
  ],
])('%s is an influence', (_, value) => {
  expect(Influence.validate(value)).toBe(value)
})

test.each([
  [
    'more than the whole',
    influence([
      ['0x01', Share.whole],
      ['0x02', 1n],
    ]),
    'at most the whole',
  ],
  ['a share of 0', influence([['0x01', 0n]]), 'a share above 0'],
  [
    'a negative share',
    influence([
      ['0x01', 5n],
      ['0x02', -1n],
    ]),
    'a share above 0',
  ],
  [
    'one artifact twice',
    influence([
      ['0x01', 1n],
      ['0x01', 1n],
    ]),
    'one entry per artifact',
  ],
  [
    'entries out of order',
    influence([
      ['0x02', 1n],
      ['0x01', 1n],
    ]),
    'sorted by artifact',
  ],
  [
    'one artifact twice, apart',
    influence([
      ['0x01', 1n],
      ['0x02', 1n],
      ['0x01', 1n],
    ]),
    'sorted by artifact',
  ],
  ['coverage that is not the sum', influence([['0x01', 1n]], 2n), 'the sum of shares'],
])('%s is refused', (_, value, message) => {
  expect(() => Influence.validate(value)).toThrow(InputError)
  expect(() => Influence.validate(value)).toThrow(message)
})
