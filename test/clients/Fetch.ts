/** @module Strangers with test dollars and nothing of ours, and their fetch that pays. */
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import * as Asset from '../../src/kernel/Asset.ts'
import * as LocalChain from '../../src/wallets/LocalChain.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import type * as Market from '../harness/Market.ts'
import * as Paying from './Paying.ts'

/** A stranger with money; `paid` lists what left its wallet for the seller. */
export async function stranger(market: Market.Market) {
  const key = generatePrivateKey()
  const wallet = Wallet.fromPrivateKey(key)
  await market.agent({ wallet, fundAtoms: 1_000_000n })
  return { key, account: privateKeyToAccount(key), paid: () => market.paid(wallet.address) }
}

/** A stranger's fetch that pays for what asks to be paid for. */
export async function paying(market: Market.Market) {
  const { key, paid } = await stranger(market)
  const { address: asset } = Asset.parts(market.contracts.asset.id)
  return { ...Paying.open({ key, asset, chainId: LocalChain.chainId }), paid }
}
