/**
 * @module A chain on paper: transactions with logs, in blocks whose headers hash as Ethereum's do, so that
 * evidence of payments, publications and claims can be made without a chain.
 */
import { keccak256, toRlp } from 'viem'
import * as Asset from '../../src/kernel/Asset.ts'
import * as Hash from '../../src/kernel/Hash.ts'
import * as Hex from '../../src/kernel/Hex.ts'
import * as PaymentEvidence from '../../src/wallets/PaymentEvidence.ts'

type Draft = Omit<PaymentEvidence.Log, 'index'>

/** Evidence of an EIP-3009 payment in block `number`. */
export function payment(
  paid: PaymentEvidence.Payment,
  { number, timestampSec }: { readonly number: number; readonly timestampSec: number },
): PaymentEvidence.Evidence {
  const { chainId, address } = Asset.parts(paid.asset.id)
  const { usedTopic, addressTopic } = PaymentEvidence
  const used = { address, topics: [usedTopic, addressTopic(paid.payer), paid.nonce], data: '0x' }
  const logs = numbered([
    used as Draft,
    transfer(address, { from: paid.payer, to: paid.payTo, atoms: paid.valueAtoms }),
  ])
  const header = encode({ number, timestampSec, logs })
  return {
    chainId,
    tx: Hash.digest({ tx: number }),
    blockHash: keccak256(header),
    blockNumber: number,
    timestampSec,
    status: 'success',
    logs,
    header,
  }
}

/** What the vault logs when it takes a root. */
export function publication(given: {
  readonly asset: Asset.Asset
  readonly vault: Hex.Hex
  readonly till: Hex.Hex
  readonly number: number
  readonly epoch: number
  readonly root: Hex.Hex
  readonly checkpoint: Hex.Hex
  readonly depth: number
  readonly increaseAtoms: bigint
}) {
  const { vault, till, epoch, root, checkpoint, depth, increaseAtoms } = given
  const topics = [topic('Published(uint256,bytes32,bytes32,uint256,uint256)'), word(epoch)]
  const data = concat(root, checkpoint, word(depth), word(1_700_000_000))
  const token = Asset.parts(given.asset.id).address
  const pulled = transfer(token, { from: till, to: vault, atoms: increaseAtoms })
  return transaction(given, [
    { address: vault, topics, data },
    ...(increaseAtoms === 0n ? [] : [pulled]),
  ])
}

/** What token and vault log when a leaf is paid. */
export function claim(given: {
  readonly asset: Asset.Asset
  readonly vault: Hex.Hex
  readonly number: number
  readonly leaf: Hex.Hex
  readonly to: Hex.Hex
  readonly atoms: bigint
}) {
  const { asset, vault, leaf, to, atoms } = given
  const data = concat(leaf, PaymentEvidence.addressTopic(to))
  return transaction(given, [
    transfer(Asset.parts(asset.id).address, { from: vault, to, atoms }),
    { address: vault, topics: [topic('Claimed(bytes32,address)')], data },
  ])
}

/** What token and vault log when a run of leaves is paid, each to its own account unless `to` says otherwise. */
export function claimRange(given: {
  readonly asset: Asset.Asset
  readonly vault: Hex.Hex
  readonly number: number
  readonly paid: readonly {
    readonly leaf: Hex.Hex
    readonly account: Hex.Hex
    readonly to?: Hex.Hex
    readonly atoms: bigint
  }[]
}) {
  const { asset, vault, paid } = given
  const token = Asset.parts(asset.id).address
  const own = paid.filter(({ to }) => to === undefined).map(({ leaf }) => leaf)
  const data = concat(word(32), word(own.length), ...own)
  return transaction(given, [
    ...paid.flatMap(({ leaf, account, to, atoms }): Draft[] => {
      const sent = transfer(token, { from: vault, to: to ?? account, atoms })
      if (to === undefined) return [sent]
      const said = concat(leaf, PaymentEvidence.addressTopic(to))
      return [sent, { address: vault, topics: [topic('Claimed(bytes32,address)')], data: said }]
    }),
    ...(own.length === 0
      ? []
      : [{ address: vault, topics: [topic('ClaimedRange(bytes32[])')], data }]),
  ])
}

/** What the vault logs when a payee redirects what it earns. */
export function redirection(given: {
  readonly asset: Asset.Asset
  readonly vault: Hex.Hex
  readonly number: number
  readonly account: Hex.Hex
  readonly to: Hex.Hex
  readonly sequence: string
  readonly index: number
}) {
  const { vault, account, to, sequence, index } = given
  const { addressTopic } = PaymentEvidence
  const topics = [topic('Redirected(address,address,uint256,uint256)'), addressTopic(account)]
  const data = concat(addressTopic(to), Hex.word(BigInt(sequence)), word(index))
  return transaction(given, [{ address: vault, topics, data }])
}

function transaction(
  { asset, number }: { readonly asset: Asset.Asset; readonly number: number },
  logs: readonly Draft[],
) {
  return {
    tx: Hash.digest({ tx: number }),
    blockHash: Hash.digest({ block: number }),
    blockNumber: number,
    gasUsed: '100000',
    logs: numbered(logs),
    chainId: Asset.parts(asset.id).chainId,
  }
}

function transfer(
  address: Hex.Hex,
  { from, to, atoms }: { readonly from: Hex.Hex; readonly to: Hex.Hex; readonly atoms: bigint },
): Draft {
  const { transferTopic, addressTopic } = PaymentEvidence
  return {
    address,
    topics: [transferTopic, addressTopic(from), addressTopic(to)],
    data: Hex.word(atoms),
  }
}

function numbered(logs: readonly Draft[]): PaymentEvidence.Log[] {
  return logs.map((log, at) => ({ ...log, index: 3 + at }))
}

function encode(block: {
  readonly number: number
  readonly timestampSec: number
  readonly logs: readonly Draft[]
}): Hex.Hex {
  const hash = Hash.digest({ block: block.number })
  const bloom = new Uint8Array(256)
  for (const { address, topics } of block.logs)
    for (const item of [address, ...topics]) {
      const bits = Hash.keccak256(Hex.decode(item))
      for (const at of [0, 2, 4]) {
        const bit = ((bits[at]! << 8) | bits[at + 1]!) & 2047
        bloom[255 - (bit >> 3)]! |= 1 << (bit & 7)
      }
    }
  const { number, timestampSec } = block
  return toRlp([
    ...[hash, hash, `0x${'00'.repeat(20)}` as const, hash, hash, hash, Hex.encode(bloom)],
    ...['0x' as const, integer(number), integer(30_000_000), integer(90_000)],
    ...[integer(timestampSec), '0x' as const, hash, '0x0000000000000000' as const, integer(7)],
  ])
}

function integer(value: number): Hex.Hex {
  const digits = value.toString(16)
  return `0x${digits.length % 2 === 0 ? digits : `0${digits}`}`
}

function word(value: number): Hex.Hex {
  return Hex.word(BigInt(value))
}

function concat(...words: readonly Hex.Hex[]): Hex.Hex {
  return `0x${words.map((each) => each.slice(2)).join('')}`
}

function topic(signature: string): Hex.Hex {
  return Hex.encode(Hash.keccak256(signature))
}
