/** @module Wallets: keys that sign, the chain they pay on, x402 on both sides, the royalty vault. */

export * as Calls from './Calls.ts'
export * as Chain from './Chain.ts'
export * as Keystore from './Keystore.ts'
export * as LocalChain from './LocalChain.ts'
export * as NoteKey from './NoteKey.ts'
export * as PaymentEvidence from './PaymentEvidence.ts'
export * as Redirect from './Redirect.ts'
export * as Sender from './Sender.ts'
export * as Vault from './Vault.ts'
export * as Wallet from './Wallet.ts'
export * as Payer from './x402/Payer.ts'
export * as Seller from './x402/Seller.ts'
