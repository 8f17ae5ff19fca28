import { describe, expect, test } from 'vitest'
import { InputError } from '../kernel/Errors.ts'
import * as Account from './Account.ts'

const address = '0x8ba1f109551bd432803012645ac136ddd64dba72'

describe('Account.parse', () => {
  test('an address has one spelling, lower case; a name is kept as it is', () => {
    expect(Account.parse('0x8ba1f109551bD432803012645Ac136ddd64DBA72')).toBe(address)
    expect(Account.parse('npm:zod')).toBe('npm:zod')
    expect(Account.parse('npm:@langchain/core')).toBe('npm:@langchain/core')
    expect(Account.parse('npm:JSONStream')).toBe('npm:JSONStream')
  })

  test.each([
    '',
    'zod',
    'npm:',
    'NPM:zod',
    'npm:two words',
    'npm:new\nline',
    'npm:zöd',
    `npm:${'a'.repeat(215)}`,
    '0x8ba1f109551bd432803012645ac136ddd64dba7',
    '0x0000000000000000000000000000000000000000',
    '0x:zod',
  ])('refuses %j and says what was expected', (text) => {
    expect(Account.is(text)).toBe(false)
    expect(() => Account.parse(text)).toThrow(InputError)
    expect(() => Account.parse(text)).toThrow(/expected an account/)
  })

  test('only the one spelling is an account', () => {
    expect(Account.is(address)).toBe(true)
    expect(Account.is(address.toUpperCase().replace('0X', '0x'))).toBe(false)
    expect(Account.is(undefined)).toBe(false)
  })
})

test('a name is the low 160 bits of its keccak256 (value computed with viem)', () => {
  expect(Account.leaf('npm:zod')).toEqual({
    named: true,
    address: '0x165a4de5c45892c4a69041abe7316b150d88f338',
  })
  expect(Account.leaf('npm:@scope/name').address).toBe('0x585565a01ef10eeb70ad6cf5fb9c388c12123557')
  expect(Account.leaf(address)).toEqual({ named: false, address })
})
