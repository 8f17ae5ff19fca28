/**
 * @module Our chain and sender in the shape in which the official facilitator wants a signer. It takes a
 * node that does not answer for a bad signature or a bad token, so each such silence is reported.
 */
import type { FacilitatorEvmSigner } from '@x402/evm'
import { BaseError } from '../../kernel/Errors.ts'
import type { Hex } from '../../kernel/Hex.ts'
import type * as Chain from '../Chain.ts'
import * as Rpc from '../Rpc.ts'
import * as Wallet from '../Wallet.ts'

/** A facilitator's signer that pays gas from `wallet`; `onSilence` hears of each unanswered request. */
export function from(
  chain: Chain.Chain,
  wallet: Wallet.Wallet,
  onSilence: () => void,
): Omit<FacilitatorEvmSigner, 'getAddresses'> & { readonly address: Hex } {
  const sender = chain.sender(wallet)
  const contracts = new Map<string, Hex>()
  const heard = <Answer>(answer: Promise<Answer>): Promise<Answer> =>
    answer.catch((error: unknown) => {
      if (error instanceof BaseError && error.code === 'chain-unreachable') onSilence()
      throw error
    })
  return {
    address: wallet.address,
    readContract: (call) => heard(chain.read(call)),
    // The scheme verifies keys by itself and contracts through `readContract`; this is for other schemes.
    async verifyTypedData({ address, signature, ...data }) {
      const typed = data as unknown as Parameters<typeof Wallet.verifyTypedData>[0]['data']
      return Wallet.verifyTypedData({ address, data: typed, signature })
    },
    writeContract({ dataSuffix = '0x', gas, ...call }) {
      const data = `${Rpc.encode(call)}${dataSuffix.slice(2)}` as Hex
      return heard(sender.send({ to: call.address, data, ...(gas === undefined ? {} : { gas }) }))
    },
    sendTransaction: ({ to, data }) => heard(sender.send({ to, data })),
    async waitForTransactionReceipt({ hash, timeout }) {
      const receipt = await heard(
        sender.wait(hash, timeout === undefined ? {} : { timeoutMs: timeout }),
      )
      return { status: receipt.status, logs: receipt.logs as never }
    },
    // The facilitator asks for the token's code twice a payment. A contract keeps its code; an account may
    // delegate to another tomorrow (EIP-7702), by a designator of 23 bytes.
    async getCode({ address }) {
      const known = contracts.get(address)
      if (known !== undefined) return known
      const code = await heard(chain.code(address))
      if (code.length > 2 + 2 * 23) contracts.set(address, code)
      return code
    },
  }
}
