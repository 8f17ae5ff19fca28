import { expect, test } from 'vitest'
import * as Stand from '../../test/harness/Stand.ts'
import * as Terms from '../../test/harness/Terms.ts'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import type * as Event from './Event.ts'
import * as Snapshot from './Snapshot.ts'

const [ann, cold] = ['ann', 'cold'].map(Terms.address) as [Hex, Hex]

function published(): Stand.Stand {
  const stand = Stand.open([ann, 'npm:bees'])
  Stand.fund(stand, Stand.sell(stand, stand.documents))
  Stand.tell(stand, Stand.closing(stand).event)
  Stand.publish(stand)
  return stand
}

function redirected(
  stand: Stand.Stand,
  given: Partial<Event.Of<'redirected'>> = {},
): Event.Of<'redirected'> {
  return {
    ...{ type: 'redirected', account: ann, to: cold, sequence: '0' },
    index: stand.economy.sales.accruals.leaves.indexOf(ann),
    evidence: { chainId: 31337, tx: Hash.text('tx') },
    ...given,
  }
}

test('redirects of an account follow each other, and move no money', () => {
  const stand = published()
  const before = [...stand.economy.sales.accruals.balances.values()].map((one) => ({ ...one }))
  expect(Stand.attempt(stand, redirected(stand))).toBeUndefined()
  expect(stand.economy.sales.redirects.get(ann)).toEqual({ to: cold, count: 1 })
  expect(Stand.attempt(stand, redirected(stand, { sequence: '1', to: ann }))).toBeUndefined()
  expect(stand.economy.sales.redirects.get(ann)).toEqual({ to: ann, count: 2 })
  expect([...stand.economy.sales.accruals.balances.values()]).toEqual(before)
  const sections = new Map(Snapshot.encode(stand.economy).map(({ name, bytes }) => [name, bytes]))
  const text = () => expect.fail('nothing is read')
  const kept = Snapshot.decode({ section: (name) => sections.get(name), text })
  expect(kept.sales.redirects).toEqual(stand.economy.sales.redirects)
})

test.each<[string, (stand: Stand.Stand) => Partial<Event.Of<'redirected'>>, RegExp]>([
  ['under a sequence to come', () => ({ sequence: '1' }), /^redirect 1 of .*, expected 0$/],
  ['of a leaf that is nobody’s', () => ({ index: 31 }), /which no published root has/],
  ['of another’s leaf', () => ({ index: 0 }), /which no published root has/],
  ['of another account', () => ({ account: cold }), /which no published root has/],
  [
    'of a name, which the operator binds',
    ({ economy }) => {
      const index = economy.sales.accruals.leaves.indexOf('npm:bees')
      return { index, account: `0x${Hash.text('npm:bees').slice(-40)}` as Hex }
    },
    /which no published root has/,
  ],
])('no redirect %s', (_, change, because) => {
  const stand = published()
  expect(Stand.attempt(stand, redirected(stand, change(stand)))).toMatch(because)
})

test('the same redirect happens once', () => {
  const stand = published()
  Stand.tell(stand, redirected(stand))
  expect(Stand.attempt(stand, redirected(stand))).toMatch(/^redirect 0 of .*, expected 1$/)
})
