/**
 * @module Epochs and claims: the published leaves against the root that the log closed, and what the
 * vault logged (contracts/RoyaltyVault.sol) against both. Logs are decoded by hand: words of 32 bytes.
 */
import * as Asset from '../../kernel/Asset.ts'
import * as Hash from '../../kernel/Hash.ts'
import * as Hex from '../../kernel/Hex.ts'
import * as Epoch from '../../royalties/Epoch.ts'
import type * as Event from '../Event.ts'
import type { Facts } from './Facts.ts'
import * as Payments from './Payments.ts'
import type { Fault } from './Tally.ts'

/** `Published(uint256 indexed epoch, bytes32 root, bytes32 checkpoint, uint256 depth, uint256 activeAtS)` */
const publishedTopic = topic('Published(uint256,bytes32,bytes32,uint256,uint256)')
/** `Claimed(bytes32 leaf, address to)` */
const claimedTopic = topic('Claimed(bytes32,address)')
/** `ClaimedRange(bytes32[] leaves)`: each paid to its own account, in this transaction. */
const claimedRangeTopic = topic('ClaimedRange(bytes32[])')
/** `Redirected(address indexed account, address to, uint256 sequence, uint256 index)` */
const redirectedTopic = topic('Redirected(address,address,uint256,uint256)')
/** `Transfer(address indexed from, address indexed to, uint256 value)` (ERC-20) */
const transferTopic = topic('Transfer(address,address,uint256)')

/** Why the published leaves are not those of the epoch that was closed. */
export function leavesFault(
  closing: Event.Of<'closing'>,
  text: string,
  scale: bigint | undefined,
): Fault {
  const digest = Hash.text(text)
  if (digest !== closing.leavesDigest)
    return `leaves with digest ${digest}, closed was ${closing.leavesDigest}`
  const leaves = Epoch.fromLines(text)
  if (closing.depth > 31 || Epoch.depthFor(leaves.length) > closing.depth)
    return `${leaves.length} leaves in a tree of depth ${closing.depth}`
  const tree = Epoch.tree(leaves, closing.depth)
  if (tree.rootWord !== closing.root)
    return `leaves with root ${tree.rootWord}, not ${closing.root}`
  if (scale !== undefined && tree.total * scale !== BigInt(closing.totalAtoms))
    return `leaves with a total of ${tree.total * scale} atoms, closed were ${closing.totalAtoms}`
  return undefined
}

/**
 * Why evidence does not show that the vault took this epoch's root, this log's checkpoint and the
 * increase out of the till. Notes the chain's own number of the publication.
 */
export function publishedFault(facts: Facts, event: Event.Of<'published'>): Fault {
  const { opened, closings } = facts
  const closing = closings.get(event.epoch)
  if (opened === undefined || closing === undefined) return `epoch ${event.epoch} was never closed`
  const logs = read(event.evidence, opened)
  if (typeof logs === 'string') return logs
  const checkpoint = Hash.digest(closing.checkpoint)
  const found = logs.find(
    ({ address, topics, words }) =>
      address === opened.vault &&
      topics[0] === publishedTopic &&
      topics.length === 2 &&
      words.length === 4 &&
      words[0] === closing.root &&
      words[1] === checkpoint &&
      BigInt(words[2]!) === BigInt(closing.depth),
  )
  if (found === undefined)
    return `no Published(${closing.root}, ${checkpoint}, ${closing.depth}) of the vault`
  const number = BigInt(found.topics[1]!)
  const last = facts.chainEpoch
  if (last !== undefined && number !== last + 1n) return `publication ${number} after ${last}`
  facts.chainEpoch = number
  const before = closings.get(event.epoch - 1)?.totalAtoms ?? '0'
  const increaseAtoms = BigInt(closing.totalAtoms) - BigInt(before)
  const pulledAtoms = transfers(logs, opened)
    .filter(({ from, to }) => from === opened.till && to === opened.vault)
    .reduce((sum, { atoms }) => sum + atoms, 0n)
  if (pulledAtoms === increaseAtoms) return undefined
  return `${pulledAtoms} atoms pulled from the till, the root grew by ${increaseAtoms}`
}

/** Why evidence does not show that the vault took this redirect, which it does by the account's signature. */
export function redirectedFault({ opened }: Facts, event: Event.Of<'redirected'>): Fault {
  if (opened === undefined) return 'redirect before the log was opened'
  const logs = read(event.evidence, opened)
  if (typeof logs === 'string') return logs
  const { account, to, sequence, index } = event
  const isTaken = logs.some(
    ({ address, topics, words }) =>
      address === opened.vault &&
      topics[0] === redirectedTopic &&
      topics.length === 2 &&
      words.length === 3 &&
      addressOf(topics[1]!) === account &&
      addressOf(words[0]!) === to &&
      BigInt(words[1]!) === BigInt(sequence) &&
      BigInt(words[2]!) === BigInt(index),
  )
  return isTaken
    ? undefined
    : `no Redirected(${account}, ${to}, ${sequence}, ${index}) of the vault`
}

/** Where an account is paid, by the redirects before this claim; why that cannot be told otherwise. */
function payeeOf(facts: Facts, { account, evidence }: Event.Of<'claimed'>) {
  const redirect = facts.redirects.get(account)
  if (redirect === undefined) return { to: account }
  const [made, paid] = [redirect.blockNumber, evidence.blockNumber].map(Number) as [number, number]
  if (made <= paid) return { to: redirect.to }
  return {
    because: `claim in block ${paid}, before the redirect in block ${made} that is recorded`,
  }
}

/** Why evidence does not show that the vault paid this leaf up to this amount, where its account said. */
export function claimedFault(facts: Facts, event: Event.Of<'claimed'>): Fault {
  const { opened } = facts
  if (opened === undefined) return 'claim before the log was opened'
  const logs = read(event.evidence, opened)
  if (typeof logs === 'string') return logs
  const { index, account } = event
  const payee = payeeOf(facts, event)
  if (payee.to === undefined) return payee.because
  const cumulative = BigInt(event.cumulativeAtoms) / BigInt(opened.scale)
  for (const named of [false, true]) {
    const leaf = Epoch.encodeLeaf({ index, named, account, cumulative })
    const at = logs.findIndex(
      ({ address, topics, words }) =>
        address === opened.vault &&
        topics[0] === claimedTopic &&
        words.length === 2 &&
        words[0] === leaf,
    )
    if (at === -1) continue
    const to = addressOf(logs[at]!.words[1]!)
    if (to === undefined) return 'Claimed without an address'
    if (!named && to !== payee.to)
      return `claim of ${account} paid to ${to}, its redirects say ${payee.to}`
    // The vault transfers, then logs the claim: the payment is the last one before.
    const paid = transfers(logs.slice(0, at), opened).at(-1)
    if (paid?.from === opened.vault && paid.to === to && paid.atoms === BigInt(event.atoms))
      return undefined
    return `no Transfer of ${event.atoms} atoms from the vault to ${to} before the claim`
  }
  // What is redirected is logged by itself: a range's list is paid to the accounts' own addresses.
  if (payee.to !== account)
    return `no Claimed of leaf ${index} to ${payee.to}, where ${account} is redirected`
  if (isInRange(logs, opened.vault, Epoch.encodeLeaf({ index, named: false, account, cumulative })))
    return transfers(logs, opened).some(
      ({ from, to, atoms }) =>
        from === opened.vault && to === account && atoms === BigInt(event.atoms),
    )
      ? undefined
      : `no Transfer of ${event.atoms} atoms from the vault to ${account} in the range's transaction`
  return `no Claimed of leaf ${index}, ${account}, ${event.cumulativeAtoms} atoms, of the vault`
}

/** Whether the vault logged the leaf among those of a range: offset, count, leaves. */
function isInRange(logs: readonly Log[], vault: Hex.Hex, leaf: Hex.Hex): boolean {
  return logs.some(
    ({ address, topics, words }) =>
      address === vault && topics[0] === claimedRangeTopic && words.indexOf(leaf, 2) !== -1,
  )
}

type Log = {
  readonly address: Hex.Hex
  readonly topics: readonly Hex.Hex[]
  /** Data, 32 bytes a piece. */
  readonly words: readonly Hex.Hex[]
}

/** Logs of a transaction on the right chain, or what is wrong with them. */
function read(evidence: unknown, opened: Event.Of<'opened'>): readonly Log[] | string {
  const { chainId } = Asset.parts(opened.asset.id)
  const stated = Payments.read(evidence, 'chainId')
  if (stated !== chainId) return `evidence from chain ${String(stated)}, expected ${chainId}`
  const logs = Payments.read(evidence, 'logs')
  if (!Array.isArray(logs)) return 'evidence without logs'
  return logs.map((log) => {
    const topics = Payments.read(log, 'topics')
    const data = String(Payments.read(log, 'data')).toLowerCase()
    return {
      address: String(Payments.read(log, 'address')).toLowerCase() as Hex.Hex,
      topics: Array.isArray(topics)
        ? topics.map((item) => String(item).toLowerCase() as Hex.Hex)
        : [],
      words: (data.slice(2).match(/[0-9a-f]{64}/g) ?? []).map((word) => `0x${word}` as const),
    }
  })
}

function transfers(logs: readonly Log[], { asset }: Event.Of<'opened'>) {
  const token = Asset.parts(asset.id).address
  return logs
    .filter(
      ({ address, topics, words }) =>
        address === token &&
        topics[0] === transferTopic &&
        topics.length === 3 &&
        words.length === 1,
    )
    .map(({ topics, words }) => ({
      from: addressOf(topics[1]!),
      to: addressOf(topics[2]!),
      atoms: BigInt(words[0]!),
    }))
}

/** The address of a word; undefined when the word holds more. */
function addressOf(word: Hex.Hex): Hex.Hex | undefined {
  return /^0x0{24}[0-9a-f]{40}$/.test(word) ? `0x${word.slice(26)}` : undefined
}

function topic(signature: string): Hex.Hex {
  return Hex.encode(Hash.keccak256(signature))
}
