/** @module A fetch that pays, made of other people's packages alone: the official x402 client and scheme. */
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { privateKeyToAccount } from 'viem/accounts'

/** Whose money it is, and in what. */
export type Options = {
  readonly key: `0x${string}`
  readonly asset: string
  readonly chainId: number
}

/** A fetch that pays for what asks to be paid for, and what it was answered, request by request. */
export function open({ key, asset, chainId }: Options) {
  const network = `eip155:${chainId}` as const
  const client = x402Client.fromConfig({
    schemes: [{ network, client: new ExactEvmScheme(privateKeyToAccount(key)) }],
    spendControls: { allowedAssets: [{ network, asset, maxAmountPerPayment: '50000' }] },
  })
  const statuses: number[] = []
  const counted: typeof fetch = async (...given) => {
    const response = await fetch(...given)
    statuses.push(response.status)
    return response
  }
  return { fetch: wrapFetchWithPayment(counted, client), statuses }
}
