/** @module What traders do: buy, close an epoch, claim, restart, freeze and thaw, answer reviews. */
import type { Call, Outcome } from '../../src/agents/Buyer.ts'
import { BaseError } from '../../src/kernel/Errors.ts'
import * as Settlement from '../../src/server/Settlement.ts'
import * as Vault from '../../src/wallets/Vault.ts'
import * as Faults from './Faults.ts'
import * as Limits from './Limits.ts'
import type { Play } from './Play.ts'
import * as Plays from './Play.ts'
import * as Town from './Town.ts'
import * as Trader from './Trader.ts'

/** Every so many purchases something goes wrong. */
const faultEvery = 8
/** And every so many a seller takes no payment until it has expired. */
const expireEvery = 120

/** One purchase, from one of a few sellers that a trader likes. */
export async function buy(
  play: Play,
  { day, buyer }: { readonly day: number; readonly buyer: Trader.Trader },
): Promise<void> {
  const { town, traders } = play
  const seller = traders[(buyer.index + 1 + 3 * town.below(5)) % traders.length]!
  if (seller === buyer) return
  const body = {
    model: Town.common.card.model,
    messages: [{ role: 'user', content: Trader.question(seller, town.below(3)) }],
  }
  const { baseUrl } = seller
  const call = { baseUrl, model: body.model, body, run: `day-${day}`, step: buyer.step }
  buyer.step += 1
  play.asked += 1
  const fault = faultOf(play.asked)
  const struck = fault && Faults.strike(town, fault, { buyer, seller })
  const outcome = await take(play, buyer, call, struck)
  seller.front = undefined
  if (outcome === undefined) return
  if (struck?.hit) add(play.faults, fault!)
  tally(play, outcome)
  Plays.say(play, `${buyer.name} ${seller.name} ${told(outcome)}`)
  if (outcome.state === 'captured' && town.chance(0.15)) await askAgain(play, buyer, call, outcome)
  if (outcome.code === 'needs-approval') await review(play, buyer, outcome)
}

function faultOf(asked: number): Faults.Fault | undefined {
  if (asked % expireEvery === 65) return 'payment never taken'
  if (asked % faultEvery !== 3) return undefined
  return Faults.kinds[Math.floor(asked / faultEvery) % Faults.kinds.length]
}

/** Buys; a buyer that dies meanwhile is opened again, and finishes what it had begun. */
async function take(
  { town, wrong }: Play,
  buyer: Trader.Trader,
  call: Call,
  struck: Faults.Struck | undefined,
): Promise<Outcome | undefined> {
  try {
    return await buyer.buyer.buy(call)
  } catch (error) {
    if (struck?.dying === undefined || !(error instanceof BaseError)) throw error
    await struck.dying
    const finished = await Trader.openBuyer(town, buyer)
    buyer.restarts += 1
    if (finished.length !== 1) wrong.push(`${buyer.name} finished ${finished.length} purchases`)
    return finished[0]
  }
}

/** The same call again is the same purchase: its answer is given again. */
async function askAgain(
  { wrong, counts }: Play,
  { name, buyer }: Trader.Trader,
  call: Call,
  before: Outcome,
): Promise<void> {
  const again = await buyer.buy(call)
  add(counts, 'answers given again')
  if (again.purchase !== before.purchase || again.delivered === undefined)
    wrong.push(`${name} asked again and got another purchase: ${again.state}`)
}

/** Somebody approves, or declines, or does not look. */
async function review(play: Play, { name, buyer }: Trader.Trader, { purchase }: Outcome) {
  const { town, counts } = play
  const draw = town.random()
  if (draw < 0.6) {
    add(counts, 'reviews approved')
    const outcome = await buyer.approve(purchase, { by: Limits.operator })
    tally(play, outcome)
    Plays.say(play, `${name} approved ${told(outcome)}`)
  } else if (draw < 0.8) {
    add(counts, 'reviews declined')
    await buyer.decline(purchase, { by: Limits.operator, because: 'not today' })
  } else add(counts, 'reviews left alone')
}

function tally({ counts, refusals }: Play, outcome: Outcome): void {
  add(counts, `purchases ${outcome.state}`)
  if (outcome.state !== 'captured') add(refusals, reason(outcome))
}

/** By the rule that denied, where one did. */
function reason({ state, code, reasons }: Outcome): string {
  const denied = reasons.find(({ outcome }) => outcome === 'deny')
  return denied === undefined ? (code ?? state) : `denied: ${sentence(denied.rule)}`
}

/** Without the amounts and names that differ from trader to trader. */
function sentence(rule: string): string {
  const words = rule.split(' ').filter((word) => !/^0x|\d\.|^\d+$/.test(word))
  return words.join(' ')
}

function told(outcome: Outcome): string {
  const { state, paidAtoms } = outcome
  return `${state} ${state === 'captured' ? '' : reason(outcome)} ${paidAtoms}`
}

/** A seller closes its epoch; up to three of those whom it states claim. */
export async function closeEpoch(play: Play, trader: Trader.Trader) {
  const { town, traders, counts } = play
  const { name } = trader
  const published = await Settlement.closeEpoch(trader.node)
  if (published === undefined) {
    add(counts, 'epochs with nothing new')
    return undefined
  }
  add(counts, 'epochs')
  Plays.say(play, `${name} epoch ${published.epoch} ${published.root} ${published.receipts}`)
  const payees = [trader.seller, ...traders.map(({ wallet }) => wallet)]
  for (const payee of payees) if (town.chance(0.4)) await claim(play, trader, payee)
  await Settlement.observeClaims(trader.node)
  return published
}

/** What an account can claim, as its seller shows it, taken from the vault. */
async function claim(
  { claimedBy, counts, town }: Play,
  { node, app, contracts, seller }: Trader.Trader,
  payee: Trader.Trader['wallet'],
): Promise<void> {
  const response = await app.request(`/v1/accounts/${payee.address}`)
  if (response.status === 404) return
  const { claim: due } = (await response.json()) as Shown
  if (due === undefined) return
  const { leafWord, proof } = due
  const sender = (payee === seller ? node.chain : town.chain).sender(payee)
  const { outcome, atoms, to } = await Vault.claim(sender, {
    ...{ vault: contracts.vault, leafWord, proof },
  })
  if (outcome !== 'paid') return
  add(counts, 'claims')
  counts['atoms claimed'] = (counts['atoms claimed'] ?? 0) + Number(atoms)
  claimedBy.set(to!, (claimedBy.get(to!) ?? 0n) + atoms)
}

type Word = Trader.Trader['wallet']['address']
type Shown = { readonly claim?: { readonly leafWord: Word; readonly proof: readonly Word[] } }

/** Both processes end and come back from their journals. */
export async function restart({ town, counts }: Play, trader: Trader.Trader): Promise<void> {
  add(counts, 'restarts')
  await Trader.reopen(town, trader)
}

/** Nothing of this buyer is signed until it is thawed. */
export async function freeze({ counts }: Play, { buyer, wallet }: Trader.Trader): Promise<void> {
  add(counts, 'freezes')
  await buyer.freeze(
    { kind: 'agent', name: wallet.address },
    { by: Limits.operator, because: 'a look at the books' },
  )
}

/** It may spend again. */
export async function thaw(_play: Play, { buyer, wallet }: Trader.Trader): Promise<void> {
  await buyer.thaw({ kind: 'agent', name: wallet.address }, { by: Limits.operator })
}

/** Counts one more. */
export function add(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1
}
