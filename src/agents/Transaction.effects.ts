/**
 * @module What a transaction does in the world, one function a state. One at a time for a wallet: the next
 * is simulated when the last is final, so nonces follow one another and no simulation is outdated by us.
 */
import * as Purchases from '../economy/Purchases.ts'
import * as Asset from '../kernel/Asset.ts'
import { BaseError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Id from '../kernel/Id.ts'
import * as Json from '../kernel/Json.ts'
import * as Budget from '../policies/Budget.ts'
import type * as Books from '../store/Books.ts'
import * as Requests from '../store/Requests.ts'
import * as Calls from '../wallets/Calls.ts'
import * as Effect from './Effect.ts'
import * as Purchase from './Purchase.ts'
import * as Transaction from './Transaction.ts'

/** Between simulation and signature: what was seen longer ago is not signed. */
const freshMs = 60_000

/** What is kept of a signed call: its transaction, and the one before it that lets it take its tokens. */
type Payload = Sent & { readonly approval?: Sent }
type Sent = { readonly raw: Hex.Hex; readonly hash: Hex.Hex; readonly nonce: number }

/** A call without code behind it succeeds and does nothing. */
export const discovering: Effect.Effect = async ({ chain }, given) => {
  const { to } = call(given)
  try {
    if ((await chain.code(to)) !== '0x') return { event: 'found' }
    return { event: 'none', patch: { because: `no contract at ${to}`, code: 'contract-missing' } }
  } catch (error) {
    return Effect.refusal('none', error)
  }
}

/** Tries it: what it would do now is the evidence that it is decided on. */
export const quoting: Effect.Effect = async (ports, given, context) => {
  const { books, chain, wallet, runtime } = ports
  const order = call(given)
  const open = Purchases.open(books.state.purchases).some(
    ({ status, decided }) => status === 'paying' && decided.terms?.kind === 'call',
  )
  if (open) return refused('an earlier transaction is not at its end: finish it', 'call-open')
  try {
    const approved = await approval(ports, order)
    const calls = [...(approved === undefined ? [] : [approved]), plain(order)]
    const simulation = await chain.calls.simulate(wallet.address, calls)
    const fault = simulatedFault(simulation, wallet.address, order)
    if (fault !== undefined) return fault
    const { to, asset, mostAtoms: payAtoms, model, facts } = order
    const terms: Transaction.Terms = {
      ...{ kind: 'call', to, payTo: to, asset, payAtoms, model, facts },
      calldataDigest: Hex.encode(Hash.keccak256(Hex.decode(order.data))),
      requestDigest: context.requestDigest,
      expiresAtMs: runtime.now() + freshMs,
      simulation: Json.members(simulation),
    }
    return ports.signal?.aborted
      ? Effect.cancelled('refused')
      : { event: 'quoted', patch: { terms } }
  } catch (error) {
    return Effect.refusal('refused', error)
  }
}

/** Signs it under the next nonce, and its approval under the one before; records both; sends neither. */
export const paying: Effect.Effect = async (ports, given, context) => {
  const { wallet, books, dir, runtime } = ports
  const { purchase } = context
  const order = call(given)
  const terms = context.terms as Transaction.Terms
  if (ports.signal?.aborted) return Effect.cancelled('unsigned')
  const { payTo: payee, model } = terms
  const usage = books.state.purchases.usage
  const stopped = Budget.stopped(usage, { agent: wallet.address, payee, model })
  if (stopped !== undefined) return unsigned(stopped.because, 'frozen')
  if (runtime.now() > terms.expiresAtMs) return unsigned('it was simulated too long ago', 'stale')
  let signed: Calls.Signed[]
  try {
    signed = await sign(ports, order, terms.simulation as Calls.Simulation)
    const fault = await feeFault(ports, order, signed)
    if (fault !== undefined) return fault
  } catch (error) {
    return Effect.refusal('unsigned', error)
  }
  const [payload, approval] = signed.map(({ mostWei: _, ...sent }) => sent).toReversed()
  Requests.put(dir, purchase, order)
  await books.record([
    {
      event: {
        ...{ type: 'paying', purchase, nonce: Id.nonce(wallet.address, purchase) },
        validBeforeSec: Math.ceil(terms.expiresAtMs / 1000),
        payload: Json.members({ ...payload!, ...(approval && { approval }) }),
        transition: Purchase.edge('paying', 'signed'),
      },
      causes: Effect.cause(ports, purchase),
    },
  ])
  return { event: 'signed' }
}

/** Hands it to the chain, its approval first; again is the same as once. */
export const executing: Effect.Effect = async (ports, _order, context) => {
  const { approval, ...own } = payloadOf(ports, context)
  const asked = (context.asked ?? 0) + 1
  try {
    if (approval !== undefined) await ports.chain.calls.send(approval)
    await ports.chain.calls.send(own)
    return { event: 'unclear', patch: { asked } }
  } catch (error) {
    if (!(error instanceof BaseError)) throw error
    return { event: 'unclear', patch: { asked, because: error.message } }
  }
}

/** Looks until it is final, or can never be. */
export const looking: Effect.Effect = async (ports, _order, context) => {
  const { approval, ...own } = payloadOf(ports, context)
  const { asked = 0 } = context
  const since = (termsOf(ports, context).simulation as Calls.Simulation).blockNumber
  for (let looks = 0; ; looks += 1) {
    const outcome = await lookUp(ports, own, since)
    if (outcome.kind === 'final') {
      const evidence = { ...outcome.evidence, ...(await approvedBy(ports, approval, since)) }
      if (evidence.status === 'success') return { event: 'paid', patch: { evidence } }
      const feeWei = Transaction.feeWei(evidence)
      const because = `reverted in ${evidence.tx}; ${feeWei} wei of gas are gone`
      return { event: 'never', patch: { because, code: 'reverted', evidence } }
    }
    if (outcome.kind === 'replaced') {
      const because = `${outcome.by} took nonce ${own.nonce} instead`
      return { event: 'never', patch: { because, code: 'replaced' } }
    }
    await ports.runtime.sleep(Math.min(2_000, 20 * 2 ** Math.min(looks + asked, 10)))
    if (outcome.kind === 'unknown') return { event: 'again' }
  }
}

/** Captures what moved as it was stated; disputes it when something else left. */
export const verifying: Effect.Effect = async (ports, _order, context) => {
  const { purchase } = context
  const evidence = context.evidence as Calls.Evidence
  const { asset, payAtoms } = termsOf(ports, context)
  const transfers = Calls.transfers(evidence.logs)
  const stated = { asset, mostAtoms: BigInt(payAtoms) }
  const because = Transaction.excess(transfers, ports.wallet.address, stated)
  const event = because === undefined ? 'captured' : 'disputed'
  const kept = Json.members(evidence) as typeof evidence
  const ended = { purchase, atoms: payAtoms, evidence: kept }
  const transition = Purchase.edge('verifying', event)
  const causes = Effect.cause(ports, purchase)
  if (because === undefined)
    await ports.books.record([{ event: { type: 'captured', ...ended, transition }, causes }])
  else {
    const disputed = {
      type: 'disputed',
      ...ended,
      because: Effect.label(because),
      transition,
    } as const
    await ports.books.record([{ event: disputed, causes }])
  }
  return { event, patch: because === undefined ? {} : { because } }
}

/** Gives the hold back: nothing of it left, whatever the chain took for trying. */
export const releasing: Effect.Effect = async (ports, _order, context) => {
  const { purchase, because = 'released', evidence } = context
  await ports.books.record([
    {
      event: {
        ...{ type: 'voided', purchase, because: Effect.label(because) },
        ...(evidence === undefined ? {} : { evidence: Json.members(evidence) as typeof evidence }),
        transition: Purchase.edge('releasing', 'refused'),
      },
      causes: Effect.cause(ports, purchase),
    },
  ])
  return { event: 'refused' }
}

const turns = new WeakMap<Books.Books, Promise<unknown>>()

/** Lets the transactions of one journal follow one another. */
export function inTurn<Ended>(books: Books.Books, carry: () => Promise<Ended>): Promise<Ended> {
  const before = turns.get(books) ?? Promise.resolve()
  const ended = before.then(carry, carry)
  turns.set(books, ended)
  return ended
}

function call(order: Effect.Order): Requests.Call {
  return order as Requests.Call
}

function plain({ to, data, valueWei }: Requests.Call): Calls.Call {
  return { to, data, ...(valueWei === '0' ? {} : { valueWei: BigInt(valueWei) }) }
}

/** What lets the contract take exactly what is stated; undefined where it is let so already. */
async function approval(
  { chain, wallet }: Effect.Ports,
  { to, asset, mostAtoms, valueWei }: Requests.Call,
): Promise<Calls.Call | undefined> {
  const { address: token } = Asset.parts(asset.id)
  if (to === token) return undefined
  const needed = BigInt(mostAtoms) - BigInt(valueWei)
  const allowed = await chain.calls.allowanceAtoms(token, wallet.address, to)
  return allowed === needed ? undefined : Calls.approval(token, to, needed)
}

function simulatedFault(
  simulation: Calls.Simulation,
  agent: Hex.Hex,
  { to, asset, mostAtoms }: Requests.Call,
): Purchase.Result | undefined {
  const reverted = simulation.calls.find(({ status }) => status === 'reverted')
  if (reverted !== undefined)
    return refused(`simulated, it reverts: ${Calls.revertReason(reverted.output)}`, 'reverts')
  const { transfers, approvals } = simulation.calls.at(-1)!
  const grant = approvals.find((each) => each.from === agent && each.to !== to)
  if (grant !== undefined)
    return refused(`simulated, it lets ${grant.to} take tokens`, 'approves-another')
  const because = Transaction.excess(transfers, agent, { asset, mostAtoms: BigInt(mostAtoms) })
  return because === undefined ? undefined : refused(`simulated, ${because}`, 'spends-more')
}

/** The approval is what was simulated: made again where there was one. */
function sign(
  { chain, wallet }: Effect.Ports,
  order: Requests.Call,
  { calls }: Calls.Simulation,
): Promise<Calls.Signed[]> {
  const { address: token } = Asset.parts(order.asset.id)
  const needed = BigInt(order.mostAtoms) - BigInt(order.valueWei)
  const made = [Calls.approval(token, order.to, needed), plain(order)].slice(-calls.length)
  const gas = calls.map(({ gasUsed }) => BigInt(gasUsed))
  return chain.calls.sign(
    wallet,
    made.map((each, at) => ({ ...each, gas: gas[at]! })),
  )
}

/** What is signed is recorded and must be sent: a wallet that cannot pay for it signs nothing. */
async function feeFault(
  { chain, wallet }: Effect.Ports,
  { valueWei, mostFeeWei }: Requests.Call,
  signed: readonly Calls.Signed[],
): Promise<Purchase.Result | undefined> {
  const mostWei = signed.reduce((sum, each) => sum + each.mostWei, 0n)
  const feeWei = mostWei - BigInt(valueWei)
  if (mostFeeWei !== undefined && feeWei > BigInt(mostFeeWei))
    return unsigned(`gas may cost ${feeWei} wei, at most ${mostFeeWei} stated`, 'gas-too-dear')
  const balanceWei = await chain.balanceWei(wallet.address)
  if (balanceWei >= mostWei) return undefined
  return unsigned(`it may cost ${mostWei} wei of the coin, ${balanceWei} are there`, 'gas-missing')
}

async function lookUp(ports: Effect.Ports, sent: Sent, since: number): Promise<Calls.Outcome> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await ports.chain.calls.lookUp(ports.wallet.address, sent, since)
    } catch (error) {
      if (!(error instanceof BaseError) || error.retry === 'never' || attempt === 20) throw error
      await ports.runtime.sleep(Math.min(2_000, 100 * 2 ** attempt))
    }
  }
}

/** The transaction before it, whose nonce is final too: what the chain took for it. */
async function approvedBy(ports: Effect.Ports, approval: Sent | undefined, since: number) {
  const outcome = approval && (await lookUp(ports, approval, since))
  if (outcome?.kind !== 'final') return {}
  const { tx, status, feeWei } = outcome.evidence
  return { approval: { tx, status, feeWei } }
}

function known({ books }: Effect.Ports, { purchase }: Purchase.Context): Purchases.Purchase {
  return books.state.purchases.purchases.get(purchase)!
}

function payloadOf(ports: Effect.Ports, context: Purchase.Context): Payload {
  return known(ports, context).paying!.payload as Payload
}

function termsOf(ports: Effect.Ports, context: Purchase.Context): Transaction.Terms {
  return known(ports, context).decided.terms as Transaction.Terms
}

function refused(because: string, code: string): Purchase.Result {
  return { event: 'refused', patch: { because, code } }
}

function unsigned(because: string, code: string): Purchase.Result {
  return { event: 'unsigned', patch: { because, code } }
}
