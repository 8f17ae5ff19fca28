/**
 * @module Accounts: who can earn. An address, or a name (`npm:zod`) whose earnings wait until somebody
 * proves that the name is theirs; in the vault a name is the low 160 bits of keccak256(name), for ever.
 */
import { InputError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Hex from '../kernel/Hex.ts'

/** A lower-case 20-byte `0x` address, or a name such as `npm:zod`. */
export type Account = string

/** An account as the vault's leaves hold it: 20 bytes, and whether they stand for a name. */
export type Leaf = { readonly named: boolean; readonly address: Hex.Hex }

const namePattern = /^[a-z][a-z0-9-]{0,31}:[\x21-\x7e]{1,214}$/
const zero = `0x${'00'.repeat(20)}`

/** True for a valid account in its one spelling: an address in lower case (not zero), or a name. */
export function is(value: unknown): value is Account {
  if (typeof value !== 'string' || value === zero) return false
  return /^0x[0-9a-f]{40}$/.test(value) || namePattern.test(value)
}

/**
 * Reads an account; an address is put in lower case. Throws `InputError` naming what was expected.
 *
 * @example Account.parse('npm:zod') // 'npm:zod'
 */
export function parse(text: string): Account {
  const account = Hex.is(text, 20) ? text.toLowerCase() : text
  if (is(account)) return account
  throw new InputError(
    `expected an account, a 20-byte address or a name such as npm:zod, got ${JSON.stringify(text)}`,
    { code: 'account-malformed' },
  )
}

/** True when the account is a name, paid only once it is bound to an address. */
export function named(account: Account): boolean {
  return !account.startsWith('0x')
}

/** The account as the vault's leaves hold it. A name is the low 160 bits of keccak256(name). */
export function leaf(account: Account): Leaf {
  if (!named(account)) return { named: false, address: account as Hex.Hex }
  return { named: true, address: Hex.encode(Hash.keccak256(account).subarray(12)) }
}
