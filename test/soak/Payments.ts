/**
 * @module What the chain itself says was paid: each authorisation used, with the transfer beside it, read
 * from the token's logs as they come. Neither side's books take part.
 */
import * as Asset from '../../src/kernel/Asset.ts'
import type { Hex } from '../../src/kernel/Hex.ts'
import * as PaymentEvidence from '../../src/wallets/PaymentEvidence.ts'
import type { Town } from './Town.ts'

/** One payment. */
export type Payment = {
  readonly payer: Hex
  readonly nonce: Hex
  readonly to: Hex
  readonly atoms: bigint
}

/** All there were. */
export type Payments = { readonly all: Payment[]; readonly nonces: Set<string>; nextBlock: number }

/** Before the first. */
export function create(): Payments {
  return { all: [], nonces: new Set(), nextBlock: 0 }
}

/** Reads on to the latest block. Throws when a nonce was used twice, or moved nothing. */
export async function follow(payments: Payments, { chain, asset }: Town): Promise<void> {
  const { usedTopic, transferTopic } = PaymentEvidence
  const toBlock = await chain.blockNumber()
  const { address } = Asset.parts(asset.id)
  const logs = await chain.logs({
    ...{ address, topics: [[usedTopic, transferTopic]], fromBlock: payments.nextBlock, toBlock },
  })
  payments.nextBlock = toBlock + 1
  for (const { topics, tx } of logs) {
    if (topics[0] !== usedTopic) continue
    const payer = word(topics[1]!)
    const nonce = topics[2]!
    const moved = logs.find(
      (log) => log.tx === tx && log.topics[0] === transferTopic && word(log.topics[1]!) === payer,
    )
    const key = `${payer} ${nonce}`
    if (moved === undefined) throw new Error(`an authorisation of ${payer} that moved nothing`)
    if (payments.nonces.has(key)) throw new Error(`${payer} paid twice under ${nonce}`)
    payments.nonces.add(key)
    payments.all.push({ payer, nonce, to: word(moved.topics[2]!), atoms: BigInt(moved.data) })
  }
}

function word(topic: Hex): Hex {
  return `0x${topic.slice(26)}` as Hex
}
