/**
 * @module Redirects: a payee says, by a signature, that the vault shall pay what it earns elsewhere, from
 * now on and until its next redirect (contracts/RoyaltyVault.sol, `redirect`). Whoever holds the signature
 * may submit it; its sequence makes it good once. Names are bound by the operator instead (`Vault.bind`).
 */
import { assert } from '../kernel/Assert.ts'
import { BaseError, InputError } from '../kernel/Errors.ts'
import * as Hex from '../kernel/Hex.ts'
import type * as TypedData from '../kernel/TypedData.ts'
import {
  type At,
  type Evidence,
  events,
  evidenceAt,
  type History,
  history,
  lower,
  type Reader,
  type Span,
  view,
  type Writer,
  write,
} from './VaultCalls.ts'
import * as Wallet from './Wallet.ts'

/** What a payee signs. */
export type Redirect = {
  readonly chainId: number
  readonly vault: Hex.Hex
  /** Whose earnings. */
  readonly account: Hex.Hex
  /** Where they go; the account itself ends a redirect. */
  readonly to: Hex.Hex
  /** How many redirects this account made before: see {@link look}. */
  readonly sequence: bigint
  /** Second of the block's clock from which the signature is no longer good. */
  readonly validBeforeSec: number
}

/** A redirect with the signature of its account. */
export type Signed = Redirect & { readonly signature: Hex.Hex }

/** Where an account is paid, and the sequence that its next redirect signs. */
export type Standing = { readonly to?: Hex.Hex; readonly sequence: bigint }

/** A redirect that happened, oldest first. */
export type Made = {
  readonly account: Hex.Hex
  readonly to: Hex.Hex
  readonly sequence: bigint
  /** Index of the account's leaf. */
  readonly index: number
  readonly tx: Hex.Hex
  readonly blockNumber: number
  /** Position of its log in the block. */
  readonly logIndex: number
  readonly evidence: Evidence
}

const fields = [
  { name: 'account', type: 'address' },
  { name: 'to', type: 'address' },
  { name: 'sequence', type: 'uint256' },
  { name: 'validBefore', type: 'uint256' },
] as const

/** The EIP-712 data of a redirect. Throws `InputError` for one that no vault would take. */
export function typedData(redirect: Redirect): TypedData.TypedData {
  const { chainId, vault, account, to, sequence, validBeforeSec } = redirect
  for (const address of [vault, account, to])
    if (!Hex.is(address, 20) || BigInt(address) === 0n)
      throw new InputError(`expected an address of 20 bytes, not zero, got ${String(address)}`)
  if (!Number.isSafeInteger(validBeforeSec) || validBeforeSec <= 0)
    throw new InputError(`expected validBeforeSec as seconds, got ${String(validBeforeSec)}`)
  return {
    domain: { name: 'RoyaltyVault', version: '1', chainId, verifyingContract: vault },
    primaryType: 'Redirect',
    types: { Redirect: fields },
    message: { account, to, sequence, validBefore: BigInt(validBeforeSec) },
  }
}

/** Signs a redirect of the wallet's own earnings. */
export async function sign(
  wallet: Pick<Wallet.Wallet, 'address' | 'signTypedData'>,
  redirect: Omit<Redirect, 'account'>,
): Promise<Signed> {
  const account = lower(wallet.address)
  const own = { ...redirect, vault: lower(redirect.vault), to: lower(redirect.to), account }
  return { ...own, signature: await wallet.signTypedData(typedData(own)) }
}

/** True when the account's own key signed exactly this. Contracts that sign (ERC-1271) are the chain's to ask. */
export function verify({ signature, ...redirect }: Signed): boolean {
  return Wallet.verifyTypedData({
    address: redirect.account,
    data: typedData(redirect),
    signature,
  })
}

/** Where an account is paid now; `to` is left out while it never redirected. */
export async function look(
  chain: Reader,
  options: At & { readonly account: Hex.Hex },
): Promise<Standing> {
  const { vault, account } = options
  const [to, sequence] = await view<readonly [string, bigint]>(chain, vault, 'redirected', [
    account,
  ])
  return { ...(BigInt(to) === 0n ? {} : { to: lower(to) }), sequence }
}

/**
 * Submits a redirect; anyone may. The account's leaf must stand in the root that pays now. One that is in
 * force already is `exists`, and no transaction is sent. Throws `redirect-superseded` when another was
 * made under its sequence, else `vault-refused` with the contract's reason.
 */
export async function submit(
  ports: { readonly chain: Reader; readonly sender: Writer },
  options: {
    readonly signed: Signed
    readonly leafWord: Hex.Hex
    readonly proof: readonly Hex.Hex[]
  },
): Promise<
  { readonly outcome: 'exists' } | { readonly outcome: 'redirected'; evidence: Evidence }
> {
  const { signed, leafWord, proof } = options
  const { vault, account, to, sequence, validBeforeSec, signature } = signed
  const now = await look(ports.chain, { vault, account })
  if (now.sequence === sequence + 1n && now.to === lower(to)) return { outcome: 'exists' }
  if (now.sequence !== sequence)
    throw new BaseError(
      `this redirect of ${account} signs sequence ${sequence}, the vault expects ${now.sequence}`,
      {
        code: 'redirect-superseded',
        hint: 'look where the account is paid, and sign anew with the sequence that is next',
        facts: { account, sequence: String(sequence), expected: String(now.sequence) },
      },
    )
  const args = [leafWord, proof, to, BigInt(validBeforeSec), signature]
  const evidence = await write(ports.sender, vault, 'redirect', args)
  const made = events(vault, evidence.logs, 'Redirected')
  assert(
    made.some(({ args }) => lower(args.account) === account && args.sequence === sequence),
    'a Redirected event of every redirect',
  )
  return { outcome: 'redirected', evidence }
}

/** Every redirect in these blocks, oldest first. */
export async function list(chain: History, options: At & Span): Promise<Made[]> {
  const made: Made[] = []
  for (const log of await history(chain, options, 'Redirected'))
    for (const { args } of events(options.vault, [log], 'Redirected')) {
      const { tx, blockNumber, index: logIndex } = log
      made.push({
        ...{ account: lower(args.account), to: lower(args.to), sequence: args.sequence },
        ...{ index: Number(args.index), tx, blockNumber, logIndex },
        evidence: await evidenceAt(chain, tx),
      })
    }
  return made
}
