/**
 * @module The facilitator of the official packages, on the virtual chain: it verifies a payment, submits it
 * and waits for its block. What it says of the outcome need not be what happened.
 */
import type * as Chain from '../../../src/wallets/Chain.ts'
import * as Wallet from '../../../src/wallets/Wallet.ts'
import * as Exact from '../../../src/wallets/x402/Exact.ts'
import type * as Wire from '../../../src/wallets/x402/Wire.ts'
import * as Blocks from '../Blocks.ts'
import * as Network from '../Network.ts'
import * as World from '../World.ts'
import * as Rpc from './Rpc.ts'

type Signer = { readContract: Chain.Chain['read'] }

/** The signer as it is. */
export function toFacilitatorEvmSigner(signer: Signer): Signer {
  return signer
}

/** The scheme, which is nothing but its signer here. */
export class ExactEvmScheme {
  readonly signer: Signer
  constructor(signer: Signer) {
    this.signer = signer
  }
}

const asset = { id: `eip155:${Rpc.chainId}/erc20:${Rpc.token}`, decimals: 6, symbol: 'USDC' }

/** Verifies and settles. */
export class x402Facilitator {
  #signer: Signer | undefined

  register(_network: string, { signer }: ExactEvmScheme): this {
    this.#signer = signer
    return this
  }

  async verify(payload: Wire.Payload) {
    const paid = Exact.authorization(payload)
    const { name, version } = payload.accepted.extra as { name: string; version: string }
    const data = Exact.typedData(paid, { asset, name, version })
    const { signature } = payload.payload
    if (!Wallet.verifyTypedData({ address: paid.from, data, signature }))
      return { isValid: false, invalidReason: 'invalid_exact_evm_signature' }
    const call = { address: Rpc.token, abi: [], functionName: 'balanceOf', args: [paid.from] }
    try {
      await this.#signer!.readContract(call)
      return { isValid: true }
    } catch {
      return { isValid: false, invalidReason: 'unexpected_verify_error' }
    }
  }

  async settle(payload: Wire.Payload) {
    const { life } = World.party('seller')
    const failed = (errorReason: string, transaction = '') => ({
      success: false,
      ...{ errorReason, transaction },
    })
    const sent = await World.wait(life, 'seller submits', () => {
      const world = World.current()
      if (world.strikes('settlement refused', 0.22)) return undefined
      const transaction = Network.submit(Exact.authorization(payload))
      const isTold = !world.strikes('settlement landed, error told', 0.3)
      return { transaction, isTold }
    })
    if (sent === undefined || !sent.isTold) return failed('transaction_failed')
    for (let poll = 0; poll < 4; poll += 1) {
      const found = await new Promise<ReturnType<typeof Blocks.find>>((resolve) => {
        const look = () => resolve(Blocks.find(World.current().blocks, sent.transaction.tx))
        World.park(life, 'seller polls', look, 600)
      })
      if (found?.isPaid === true) return { success: true, transaction: found.tx }
      if (found !== undefined) return failed('invalid_transaction_state', found.tx)
    }
    return failed('unexpected_settle_error', sent.transaction.tx)
  }
}
