import { expect, test } from 'vitest'
import * as Memo from './Memo.ts'

function counted() {
  let asked = 0
  const double = Memo.of((key: number) => {
    asked++
    return key < 0 ? undefined : key * 2
  })
  return { double, asked: () => asked }
}

test('what was answered is not asked again', () => {
  const { double, asked } = counted()
  expect([double(3), double(4), double(3)]).toEqual([6, 8, 6])
  expect(asked()).toBe(2)
})

test('no answer is not remembered, so that nonsense takes no room', () => {
  const { double, asked } = counted()
  expect([double(-1), double(-1)]).toEqual([undefined, undefined])
  expect(asked()).toBe(2)
})

test('however many names come, it keeps only so many, and answers right', () => {
  const { double, asked } = counted()
  for (let key = 0; key < 5 * Memo.most; key++) expect(double(key)).toBe(key * 2)
  expect(asked()).toBe(5 * Memo.most)
  expect(double(0)).toBe(0)
  expect(asked()).toBe(5 * Memo.most + 1)
})
