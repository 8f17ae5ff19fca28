/**
 * @module The royalty vault on a chain: deploy it, publish a root, claim from it, and read where it
 * stands. A refusal of the contract costs nothing and says why (`vault-refused`, `vault-underfunded`);
 * what was done comes back as evidence in plain data. Recording before the effect is the caller's: after
 * a crash look at `standing` before publishing again.
 */
import { getContractAddress, parseEventLogs } from 'viem'
import { assert } from '../kernel/Assert.ts'
import type * as Hex from '../kernel/Hex.ts'
import * as SumTree from '../royalties/SumTree.ts'
import * as RoyaltyVault from './abi/RoyaltyVault.ts'
import * as TestDollar from './abi/TestDollar.ts'
import type { Receipt } from './Sender.ts'
import {
  type At,
  address,
  type Evidence,
  events,
  evidenceAt,
  evidenceOf,
  type History,
  history,
  lower,
  type Reader,
  refused,
  type Span,
  type ViemLogs,
  view,
  type Writer,
  write,
} from './VaultCalls.ts'

export type { Evidence, History, Reader, Writer } from './VaultCalls.ts'

/** Where a vault stands; amounts in atoms, roots as words whose low 64 bits are the total in vault units. */
export type Standing = {
  readonly token: Hex.Hex
  readonly till: Hex.Hex
  readonly operator: Hex.Hex
  /** Challenge window and delay of bindings. */
  readonly windowSec: number
  /** Atoms in a vault unit. */
  readonly scale: bigint
  /** The root that pays now. */
  readonly rootWord: Hex.Hex
  readonly depth: number
  /** How many roots were published. */
  readonly epoch: number
  /** The root that waits for its window to pass. */
  readonly pending?: {
    readonly rootWord: Hex.Hex
    readonly depth: number
    readonly activeAtSec: number
  }
  readonly tillAtoms: bigint
  readonly vaultAtoms: bigint
}

/** What came of a claim: paid, nothing was due, or the token refused the recipient. */
export type Claim = {
  readonly outcome: 'paid' | 'nothing-due' | 'skipped'
  /** Paid by this transaction. */
  readonly atoms: bigint
  readonly to?: Hex.Hex
  readonly evidence: Evidence
}

/** A payment of a leaf. */
export type Paid = {
  readonly leaf: SumTree.Leaf
  readonly to: Hex.Hex
  readonly tx: Hex.Hex
  readonly blockNumber: number
  /** Position of its log in the block. */
  readonly logIndex: number
  readonly evidence: Evidence
}

/** Deploys the test dollar: for local chains only, since anyone may mint it. */
export function deployToken(sender: Writer): Promise<Hex.Hex> {
  return sender.deploy(TestDollar)
}

/** Mints test dollars: on local chains only. */
export async function mint(
  sender: Writer,
  options: { readonly token: Hex.Hex; readonly to: Hex.Hex; readonly atoms: bigint },
): Promise<Evidence> {
  const { token: address, to, atoms } = options
  const call = { address, abi: TestDollar.abi, functionName: 'mint', args: [to, atoms] }
  return evidenceOf(await sender.execute(call))
}

/**
 * Deploys a vault, which deploys its till. `scale`: atoms in a vault unit, 1 for tokens of few decimals,
 * so that sums of 64 bits hold all that will ever be earned.
 */
export async function deploy(
  sender: Writer,
  options: {
    readonly token: Hex.Hex
    readonly operator: Hex.Hex
    readonly windowSec: number
    readonly scale: bigint
  },
): Promise<{ vault: Hex.Hex; till: Hex.Hex }> {
  const args = [options.token, options.operator, BigInt(options.windowSec), options.scale]
  const vault = await sender.deploy({ ...RoyaltyVault, args }).catch(refused)
  // A contract counts the contracts it creates from 1 (EIP-161): the till is the vault's first.
  return { vault, till: lower(getContractAddress({ from: vault, nonce: 1n })) }
}

/**
 * Publishes a root and pulls its increase from the till, in one transaction. Throws `vault-underfunded`
 * when the till holds too little, else `vault-refused` with the contract's reason.
 */
export async function publish(
  sender: Writer,
  options: At & {
    readonly rootWord: Hex.Hex
    /** 32 bytes: hash of the provenance log's checkpoint. */
    readonly checkpoint: Hex.Hex
    readonly depth: number
  },
): Promise<{ epoch: number; activeAtSec: number; evidence: Evidence }> {
  const args = [options.rootWord, options.checkpoint, BigInt(options.depth)]
  const evidence = await write(sender, options.vault, 'publish', args)
  const [event] = events(options.vault, evidence.logs, 'Published')
  assert(event !== undefined, 'a Published event of every publication')
  const { epoch, activeAtS } = event.args
  return { epoch: Number(epoch), activeAtSec: Number(activeAtS), evidence }
}

/** Pays a leaf what is due to it; anyone may call, twice pays once. An unbound name is refused. */
export async function claim(
  sender: Writer,
  options: At & { readonly leafWord: Hex.Hex; readonly proof: readonly Hex.Hex[] },
): Promise<Claim> {
  const evidence = await write(sender, options.vault, 'claim', [options.leafWord, options.proof])
  const isOwn = ({ args }: { args: { leaf: Hex.Hex } }) => args.leaf === lower(options.leafWord)
  const paid = events(options.vault, evidence.logs, 'Claimed').find(isOwn)
  const skipped = events(options.vault, evidence.logs, 'Skipped').find(isOwn)
  const to = (paid ?? skipped)?.args.to
  return {
    outcome: paid !== undefined ? 'paid' : skipped !== undefined ? 'skipped' : 'nothing-due',
    atoms: paid === undefined ? 0n : paidOut(options.vault, evidence.logs, [paid.args.to]),
    ...(to === undefined ? {} : { to: lower(to) }),
    evidence,
  }
}

/**
 * Pays an aligned run of leaves, a power of two of at most 256; who cannot be paid is skipped. Give every
 * leaf word of the run, 0 where unused, and the siblings above the run.
 */
export async function claimRange(
  sender: Writer,
  options: At & {
    readonly start: number
    readonly leafWords: readonly Hex.Hex[]
    readonly proof: readonly Hex.Hex[]
  },
): Promise<{ atoms: bigint; paid: Hex.Hex[]; skipped: Hex.Hex[]; evidence: Evidence }> {
  const args = [BigInt(options.start), options.leafWords, options.proof]
  const evidence = await write(sender, options.vault, 'claimRange', args)
  const paid = paidLeaves(options.vault, evidence.logs)
  return {
    atoms: paidOut(
      options.vault,
      evidence.logs,
      paid.map(({ to }) => to),
    ),
    paid: paid.map(({ leaf }) => leaf),
    skipped: events(options.vault, evidence.logs, 'Skipped').map(({ args }) => args.leaf),
    evidence,
  }
}

/** Cancels the pending root by two leaves of one place, in the active and in the pending tree. */
export function challengeRegression(
  sender: Writer,
  options: At & {
    readonly oldLeafWord: Hex.Hex
    readonly oldProof: readonly Hex.Hex[]
    readonly newLeafWord: Hex.Hex
    readonly newProof: readonly Hex.Hex[]
  },
): Promise<Evidence> {
  const { vault, oldLeafWord, oldProof, newLeafWord, newProof } = options
  const args = [oldLeafWord, oldProof, newLeafWord, newProof]
  return write(sender, vault, 'challengeRegression', args)
}

/** Says where a name is paid, in force one window later. `account`: the 20 bytes of its leaf. */
export function bind(
  sender: Writer,
  options: At & { readonly account: Hex.Hex; readonly to: Hex.Hex; readonly reason: string },
): Promise<Evidence> {
  return write(sender, options.vault, 'bind', [options.account, options.to, options.reason])
}

/** Where the vault stands now. */
export async function standing(chain: Reader, { vault }: At): Promise<Standing> {
  const [token, till, operator, windowSec, scale, head, pending] = await Promise.all([
    address(chain, vault, 'token'),
    address(chain, vault, 'till'),
    address(chain, vault, 'operator'),
    view<bigint>(chain, vault, 'windowS'),
    view<bigint>(chain, vault, 'scale'),
    view<readonly [Hex.Hex, bigint, bigint]>(chain, vault, 'head'),
    view<readonly [Hex.Hex, bigint, bigint]>(chain, vault, 'pending'),
  ])
  const [tillAtoms, vaultAtoms] = await Promise.all([
    balance(chain, { token, account: till }),
    balance(chain, { token, account: vault }),
  ])
  const [rootWord, depth, epoch] = head
  const [pendingWord, pendingDepth, activeAtS] = pending
  const waiting = {
    rootWord: pendingWord,
    depth: Number(pendingDepth),
    activeAtSec: Number(activeAtS),
  }
  return {
    ...{ token, till, operator, scale, rootWord, tillAtoms, vaultAtoms },
    windowSec: Number(windowSec),
    depth: Number(depth),
    epoch: Number(epoch),
    ...(activeAtS === 0n ? {} : { pending: waiting }),
  }
}

/** Vault units paid to a leaf so far. */
export function claimed(chain: Reader, options: At & { readonly index: number }): Promise<bigint> {
  return view<bigint>(chain, options.vault, 'claimed', [BigInt(options.index)])
}

/** Where a name's leaf is paid now; `undefined` until a binding is in force. */
export async function bound(
  chain: Reader,
  options: At & { readonly account: Hex.Hex },
): Promise<Hex.Hex | undefined> {
  const to = await address(chain, options.vault, 'bound', [options.account])
  return BigInt(to) === 0n ? undefined : to
}

/** The last transaction that published a root; `undefined` if none did since `fromBlock`. */
export async function publication(
  chain: History,
  options: At & { readonly rootWord: Hex.Hex; readonly fromBlock?: number },
): Promise<Evidence | undefined> {
  const last = (await history(chain, options, 'Published')).findLast((log) =>
    events(options.vault, [log], 'Published').some(({ args }) => args.root === options.rootWord),
  )
  return last === undefined ? undefined : evidenceAt(chain, last.tx)
}

/** Every payment of a leaf in these blocks, oldest first. */
export async function claims(chain: History, options: At & Span): Promise<Paid[]> {
  const evidence = new Map<Hex.Hex, Evidence>()
  const logs = await history(chain, options, 'Claimed', 'ClaimedRange')
  for (const { tx } of logs) if (!evidence.has(tx)) evidence.set(tx, await evidenceAt(chain, tx))
  return logs.flatMap((log) =>
    paidLeaves(options.vault, [log]).map(({ leaf, to }) => ({
      leaf: SumTree.decodeLeaf(leaf),
      to,
      ...{ tx: log.tx, blockNumber: log.blockNumber, logIndex: log.index },
      evidence: evidence.get(log.tx)!,
    })),
  )
}

/** Atoms of a token that an account holds. */
export async function balance(
  chain: Reader,
  options: { readonly token: Hex.Hex; readonly account: Hex.Hex },
): Promise<bigint> {
  const { token, account } = options
  const call = { address: token, abi: TestDollar.abi, functionName: 'balanceOf', args: [account] }
  return (await chain.read(call)) as bigint
}

/** The leaves that these logs say are paid, and whom: of a range, each its own account. */
function paidLeaves(
  vault: Hex.Hex,
  logs: Receipt['logs'],
): readonly { readonly leaf: Hex.Hex; readonly to: Hex.Hex }[] {
  const single = events(vault, logs, 'Claimed').map(({ args }) => args)
  const ranges = events(vault, logs, 'ClaimedRange').flatMap(({ args }) =>
    args.leaves.map((leaf) => ({ leaf, to: SumTree.decodeLeaf(leaf).account })),
  )
  return [...single.map(({ leaf, to }) => ({ leaf, to: lower(to) })), ...ranges]
}

/** Σ of what this transaction's Transfer logs say left the vault for these recipients. */
function paidOut(vault: Hex.Hex, logs: Receipt['logs'], recipients: readonly string[]): bigint {
  const transfers = parseEventLogs({
    abi: TestDollar.abi,
    eventName: 'Transfer',
    logs: logs as unknown as ViemLogs,
  })
  const known = new Set(recipients.map(lower))
  let atoms = 0n
  for (const { args } of transfers)
    if (lower(args.from) === lower(vault) && known.has(lower(args.to))) atoms += args.value
  return atoms
}
