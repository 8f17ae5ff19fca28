import { expect, test } from 'vitest'
import { AssertionError, assert } from './Assert.ts'
import { BaseError, InputError, problem } from './Errors.ts'

test('a failure carries code, hint, retry, facts and cause', () => {
  const cause = new Error('socket closed')
  const error = new BaseError('the chain did not answer', {
    code: 'chain-silent',
    hint: 'look at the node',
    retry: 'unknown',
    facts: { atoms: '5' },
    cause,
  })
  expect(error).toBeInstanceOf(Error)
  expect(error.cause).toBe(cause)
  expect(problem(error)).toEqual({
    code: 'chain-silent',
    title: 'the chain did not answer',
    hint: 'look at the node',
    retry: 'unknown',
    facts: { atoms: '5' },
  })
})

test('retrying is never safe unless somebody says so', () => {
  expect(new BaseError('no', { code: 'x' }).retry).toBe('never')
  const input = new InputError('no', { retry: 'safe' })
  expect([input.code, input.retry]).toEqual(['bad-input', 'never'])
  expect(problem(input)).toEqual({ code: 'bad-input', title: 'no', retry: 'never' })
})

test.each([
  [new TypeError('x is not a function'), 'x is not a function'],
  ['thrown text', 'thrown text'],
  [undefined, 'undefined'],
])('what nobody expected is internal: look before you try again', (error, title) => {
  expect(problem(error)).toEqual({ code: 'internal', title, retry: 'unknown' })
})

test('an invariant that does not hold stops the program in words', () => {
  expect(() => assert(1 > 2, 'one above two')).toThrow(
    new AssertionError('bug: expected one above two'),
  )
  expect(() => assert('' as string, 'a name')).toThrow(AssertionError)
  expect(() => assert(1, 'a number above 0')).not.toThrow()
})
