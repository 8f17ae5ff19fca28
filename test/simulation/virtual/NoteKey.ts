/** @module The real note keys, derived once a wallet: they follow from it alone. */
import type * as Note from '../../../src/provenance/Note.ts'
import * as Real from '../../../src/wallets/NoteKey.ts'
import type { Wallet } from '../../../src/wallets/Wallet.ts'

export { fromSeed, verify } from '../../../src/wallets/NoteKey.ts'

const known = new WeakMap<Wallet, Promise<Note.Signer>>()

/** As the real one. */
export function of(wallet: Wallet): Promise<Note.Signer> {
  const signer = known.get(wallet) ?? Real.of(wallet)
  known.set(wallet, signer)
  return signer
}
