import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Hash from './Hash.ts'
import * as Hex from './Hex.ts'
import * as Id from './Id.ts'

const key: Id.PurchaseKey = {
  agent: '0xF39fd6e51aad88f6f4ce6ab8827279cfffb92266',
  run: 'r1',
  step: 2,
  attempt: 1,
}

test('a purchase is named by the canonical JSON of its key', () => {
  expect(Id.purchase(key)).toBe(
    Hash.text(
      '{"agent":"0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266","attempt":1,"kind":"requite/purchase","run":"r1","step":2}',
    ),
  )
})

test('other members of a wider value do not change the id', () => {
  const wider = { ...key, kind: 'else', startedAtMs: 5 }
  expect(Id.purchase(wider)).toBe(Id.purchase(key))
})

test('the same key gives the same id, another key another', () => {
  const keys = fc.record({
    agent: fc.constantFrom<Hex.Hex>('0x01', '0x02'),
    run: fc.constantFrom('a', 'b', '1'),
    step: fc.nat(2),
    attempt: fc.nat(2),
  })
  fc.assert(
    fc.property(keys, keys, (left, right) => {
      const same = JSON.stringify(left) === JSON.stringify(right)
      expect(Id.purchase(left) === Id.purchase(right)).toBe(same)
    }),
    { numRuns: 400 },
  )
})

test('the nonce is 32 bytes bound to agent and purchase, in whatever case they come', () => {
  const purchase = Id.purchase(key)
  const nonce = Id.nonce(key.agent, purchase)
  expect(Hex.is(nonce, 32)).toBe(true)
  expect(Id.nonce(key.agent.toLowerCase() as Hex.Hex, purchase)).toBe(nonce)
  expect(Id.nonce(key.agent, `0x${purchase.slice(2).toUpperCase()}`)).toBe(nonce)
  const next = Id.purchase({ ...key, attempt: 2 })
  expect(Id.nonce(key.agent, next)).not.toBe(nonce)
  expect(Id.nonce(Hex.encode(new Uint8Array(20)), purchase)).not.toBe(nonce)
  expect(nonce).not.toBe(purchase)
})
