/** @module Claim: what an account takes from the vault, with the leaf and proof that the node publishes. */
import { z } from 'zod'
import { BaseError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Fields from '../market/Fields.schema.ts'
import * as Vault from '../wallets/Vault.ts'
import type { Wallet } from '../wallets/Wallet.ts'
import * as Chain from './Chain.ts'

const account = z.looseObject({
  accruedNano: Fields.amount,
  claim: z
    .strictObject({
      leafWord: Fields.hash,
      proof: z.array(Fields.hash).max(31),
      rootWord: Fields.hash,
      vault: Fields.address,
    })
    .optional(),
})

/** What a claim paid. */
export type Claimed = { readonly account: Hex; readonly atoms: bigint; readonly tx: Hex }

/** Claims all that the last published root owes a wallet's address; undefined when nothing is due. */
export async function claim(options: {
  readonly place: Chain.Place
  readonly baseUrl: string
  readonly wallet: Wallet
}): Promise<Claimed | undefined> {
  const { place, baseUrl, wallet } = options
  const response = await fetch(`${baseUrl}/v1/accounts/${wallet.address}`).catch((cause) => {
    throw new BaseError(`the node at ${baseUrl} did not answer`, {
      code: 'seller-unreachable',
      hint: '`npm start` runs it; leave that terminal open and try again in another',
      retry: 'safe',
      cause,
    })
  })
  if (response.status === 404) return undefined
  const found = account.parse(await response.json())
  if (found.claim === undefined) return undefined
  const { leafWord, proof, vault } = found.claim
  if (vault !== place.vault)
    throw new BaseError(`the node publishes to vault ${vault}, expected ${place.vault}`, {
      code: 'wrong-vault',
    })
  const chain = await Chain.open(place)
  const paid = await Vault.claim(chain.sender(wallet), { vault, leafWord, proof })
  if (paid.outcome !== 'paid') return undefined
  return { account: wallet.address, atoms: paid.atoms, tx: paid.evidence.tx }
}
