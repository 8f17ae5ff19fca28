/**
 * @module Calls of the vault's contract, for the nouns that it knows (`Vault`, `Redirect`): reading,
 * writing with its refusals in words, and its logs with the evidence of their transactions.
 */
import { encodeEventTopics, parseEventLogs } from 'viem'
import { BaseError } from '../kernel/Errors.ts'
import type * as Hex from '../kernel/Hex.ts'
import * as RoyaltyVault from './abi/RoyaltyVault.ts'
import * as TestDollar from './abi/TestDollar.ts'
import type { Chain } from './Chain.ts'
import type { Receipt, Sender } from './Sender.ts'

/** What reading needs of a chain. */
export type Reader = Pick<Chain, 'read'>

/** What looking back needs of a chain. */
export type History = Pick<Chain, 'logs' | 'receipt'>

/** What writing needs: a wallet's way to send. */
export type Writer = Pick<Sender, 'execute' | 'deploy'>

/** What proves that a transaction happened: plain JSON, integers as decimal strings. */
export type Evidence = {
  readonly tx: Hex.Hex
  readonly blockHash: Hex.Hex
  readonly blockNumber: number
  readonly gasUsed: string
  readonly logs: Receipt['logs']
}

/** Which blocks, both included; from the first to the last unless told. */
export type Span = { readonly fromBlock?: number; readonly toBlock?: number }

/** Which vault. */
export type At = { readonly vault: Hex.Hex }

type View =
  | ('token' | 'till' | 'operator' | 'windowS' | 'scale' | 'head' | 'pending')
  | ('claimed' | 'bound' | 'redirected')
type Write = 'publish' | 'claim' | 'claimRange' | 'challengeRegression' | 'bind' | 'redirect'
type Name = 'Published' | 'Claimed' | 'ClaimedRange' | 'Skipped' | 'Redirected'

// The token's errors reach the caller through the vault; they are named by the token's ABI.
const abi = [...RoyaltyVault.abi, ...TestDollar.abi.filter(({ type }) => type === 'error')]

/** What a function of the vault says. */
export async function view<type>(
  chain: Reader,
  vault: Hex.Hex,
  functionName: View,
  args: readonly unknown[] = [],
): Promise<type> {
  return (await chain.read({ address: vault, abi, functionName, args })) as type
}

/** What a function of the vault says, an address in lower case. */
export async function address(
  chain: Reader,
  vault: Hex.Hex,
  functionName: 'token' | 'till' | 'operator' | 'bound',
  args: readonly unknown[] = [],
): Promise<Hex.Hex> {
  return lower(await view<string>(chain, vault, functionName, args))
}

/** Calls the vault in a transaction. Throws `vault-underfunded`, `vault-refused` with its reason. */
export async function write(
  sender: Writer,
  vault: Hex.Hex,
  functionName: Write,
  args: readonly unknown[],
): Promise<Evidence> {
  const call = { address: vault, abi, functionName, args }
  return evidenceOf(await sender.execute(call).catch(refused))
}

/** A failure as the vault's own: throws `vault-underfunded`, `vault-refused`, or the failure itself. */
export function refused(error: unknown): never {
  if (!(error instanceof BaseError) || error.code !== 'reverted') throw error
  const { facts, cause } = error
  const reason = String(facts.reason ?? facts.tx ?? 'no reason')
  if (/^(ERC20InsufficientBalance|Underfunded)\b/.test(reason))
    throw new BaseError(`the till holds less than the root's increase: ${reason}`, {
      code: 'vault-underfunded',
      hint: 'only receipts whose money is final on chain may enter a root',
      facts,
      cause,
    })
  throw new BaseError(`the vault refused: ${reason}`, { code: 'vault-refused', facts, cause })
}

/** What proves that a transaction happened, of its receipt. */
export function evidenceOf({ tx, blockHash, blockNumber, gasUsed, logs }: Receipt): Evidence {
  return { tx, blockHash, blockNumber, gasUsed: gasUsed.toString(), logs }
}

/** The vault's logs of these names in a span of blocks, oldest first. */
export function history(
  chain: History,
  { vault, fromBlock = 0, toBlock }: At & Span,
  ...names: readonly Name[]
) {
  const topics = names.map((eventName) => {
    const item = { abi: RoyaltyVault.abi, eventName } as const
    return encodeEventTopics(item as typeof item & { eventName: 'Claimed' })[0]
  })
  const span = { fromBlock, ...(toBlock === undefined ? {} : { toBlock }) }
  return chain.logs({ address: vault, topics: [topics], ...span })
}

/** Evidence of a transaction that the chain has a log of. */
export async function evidenceAt(chain: History, tx: Hex.Hex): Promise<Evidence> {
  const receipt = await chain.receipt(tx)
  if (receipt !== undefined) return evidenceOf(receipt)
  throw new BaseError(`the chain has a log of transaction ${tx} and no receipt of it`, {
    code: 'chain-refused',
    hint: 'the chain may have been reorganised meanwhile: ask again',
    retry: 'safe',
    facts: { tx },
  })
}

/** What parseEventLogs reads of a log is its address, topics and data; its type asks for all the rest. */
export type ViemLogs = Parameters<typeof parseEventLogs>[0]['logs']

/** The vault's own events of a name among these logs. */
export function events<const name extends Name>(
  vault: Hex.Hex,
  logs: Receipt['logs'],
  eventName: name,
) {
  const own = logs.filter(({ address }) => lower(address) === lower(vault))
  return parseEventLogs({
    abi: RoyaltyVault.abi,
    eventName,
    logs: own as unknown as ViemLogs,
  })
}

/** An address in its one spelling. */
export function lower(address: string): Hex.Hex {
  return address.toLowerCase() as Hex.Hex
}
