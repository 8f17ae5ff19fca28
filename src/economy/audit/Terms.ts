/**
 * @module Quotes and receipts, judged from the record alone: who signed, whether terms follow from the
 * card, whether the evidence is the one the receipt names. The fold has judged the arithmetic.
 */
import * as Evidence from '../../attribution/spans/Evidence.ts'
import * as Window from '../../attribution/spans/Window.ts'
import * as Hash from '../../kernel/Hash.ts'
import type { Hex } from '../../kernel/Hex.ts'
import * as Json from '../../kernel/Json.ts'
import * as Card from '../../market/Card.schema.ts'
import * as Credits from '../../market/Credits.ts'
import type * as Price from '../../market/Price.ts'
import * as Quote from '../../market/Quote.ts'
import * as Receipt from '../../market/Receipt.ts'
import * as Proof from '../../provenance/Proof.ts'
import * as Record from '../../provenance/Record.ts'
import type * as Event from '../Event.ts'
import * as PurchaseTerms from '../PurchaseTerms.ts'
import type { Facts } from './Facts.ts'
import type { Fault } from './Tally.ts'
import type { World } from './World.ts'

/** A record's place: whose log, and when. */
export type Place = { readonly origin: string; readonly atMs: number }

/** Why an `opened` does not belong to this log. */
export function opened(event: Event.Of<'opened'>, { origin }: Place): Fault {
  return event.address === origin ? undefined : `opened by ${event.address} in the log of ${origin}`
}

/**
 * Why a stated time cannot be: priority between documents and answers goes by it, so it lies between
 * what came before and the record that states it.
 */
export function timeFault(
  statedMs: number,
  { notBeforeMs, atMs }: { readonly notBeforeMs: number; readonly atMs: number },
): Fault {
  if (statedMs > atMs) return `it states a time ${statedMs - atMs} ms after its record`
  if (statedMs < notBeforeMs) return `it states a time ${notBeforeMs - statedMs} ms too early`
  return undefined
}

/** Why a seller's quote does not hold. `indexRoot`: the datanet's version then, if replay knows it. */
export function quoted(
  world: World,
  facts: Facts,
  event: Event.Of<'quoted'>,
  place: Place & { readonly indexRoot: Hex | undefined },
): Fault {
  const { quote } = event
  const { opened } = facts
  if (quote.seller !== place.origin) return `quote of ${quote.seller} in the log of ${place.origin}`
  const unsigned = signatureFault(world, event)
  if (unsigned !== undefined) return unsigned
  if (opened === undefined) return 'quote before the log was opened'
  if (quote.payTo !== opened.till) return `quote that pays ${quote.payTo}, not the till`
  const card = facts.cards.get(quote.cardHash)
  if (card === undefined) return 'quote for a model card that was never registered'
  if (place.indexRoot !== undefined && quote.indexRoot !== place.indexRoot)
    return `quote over datanet version ${quote.indexRoot}, it stood at ${place.indexRoot}`
  return termsFault(quote, opened, { card, nowMs: quote.issuedAtMs, payer: quote.payer })
}

/** Why the quote, or the terms, that a buyer decided on do not hold, whatever was decided. */
export function decided(
  world: World,
  facts: Facts,
  event: Event.Of<'decided'>,
  { origin, atMs }: Place,
): Fault {
  const { key } = event
  if (key.agent !== origin) return `purchase of ${key.agent} in the log of ${origin}`
  if (event.terms !== undefined) return unsignedFault(event.terms, facts, atMs)
  const unsigned = signatureFault(world, event)
  if (unsigned !== undefined) return unsigned
  if (facts.opened === undefined) return 'decision before the log was opened'
  return termsFault(event.quote, facts.opened, {
    card: event.card,
    nowMs: atMs,
    payer: key.agent,
  })
}

/** Of terms that nobody signed only the asset and the time can be wrong. */
function unsignedFault(
  { asset, expiresAtMs }: Event.DecidedOnTerms['terms'],
  { opened }: Facts,
  atMs: number,
): Fault {
  if (asset.id === opened?.asset.id && Json.encode(asset) !== Json.encode(opened.asset))
    return `terms in asset ${asset.id} under another name or scale`
  return expiresAtMs > atMs ? undefined : 'decision on terms that had expired'
}

/** Why a seller's receipt does not hold beyond its arithmetic. */
export function served(world: World, event: Event.Of<'served'>, { origin }: Place): Fault {
  const { receipt, signature } = event
  if (receipt.provider !== origin) return `receipt of ${receipt.provider} in the log of ${origin}`
  return receiptFault(world, { receipt, signature }) ?? evidenceFault(receipt, event.evidence)
}

/** Why a run is not this log's agent's. */
export function moved({ agent }: Event.Of<'moved'>, { origin }: Place): Fault {
  return agent === origin ? undefined : `run of ${agent} in the log of ${origin}`
}

/** Why a seller's record does not show that it returned this purchase's payment. */
export function refunded(facts: Facts, event: Event.Of<'refunded'>): Fault {
  const { decided, paying } = facts.purchases.get(event.purchase) ?? {}
  if (decided === undefined || paying === undefined) return 'refund without a signed payment'
  const { seller } = PurchaseTerms.of(decided)
  const proof = Proof.decode(Json.encode(event.proof))
  const judged = Proof.verify(proof, event.record)
  if (judged.kind === 'failed') return judged.because
  const record = Record.decode(event.record)
  for (const origin of [proof.origin, record.origin])
    if (origin !== seller) return `proof in the log of ${origin}, the seller is ${seller}`
  const { type, payment } = record.event as Event.Of<'returned'>
  const isThis = payment?.payer === decided.key.agent && payment.nonce === paying.nonce
  return type === 'returned' && isThis ? undefined : 'record that returns another payment'
}

/** Why a receipt that a buyer captured does not hold beyond its arithmetic. */
export function captured(world: World, facts: Facts, event: Event.CapturedAnswer): Fault {
  const { receipt, signature, purchase } = event
  const unsigned = receiptFault(world, { receipt, signature })
  const proof = Proof.decode(Json.encode(event.proof))
  if (proof.origin !== receipt.provider) return `proof in the log of ${proof.origin}`
  const quote = facts.purchases.get(purchase)?.decided.quote
  if (unsigned !== undefined || quote === undefined) return unsigned
  const [got, promised] = [receipt.influence.coveragePpb, quote.coveragePromisedPpb].map(BigInt)
  if (got! < promised!) return `captured with coverage ${got} ppb, promised were ${promised}`
  return undefined
}

/** Why a receipt's lines are not the card's lineage and the evidence's shares, by artifact. */
export function linesFault(
  event: Event.Of<'served'>,
  card: Card.Card | undefined,
  artifactOf: (docSeq: number) => Hex | undefined,
): Fault {
  const evidence = Evidence.parse(event.evidence)
  const data: Price.Shaped[] = []
  for (const { docSeq, ppb, rarityPpb } of evidence.entries) {
    if (ppb === '0') continue
    const artifact = artifactOf(docSeq)
    if (artifact === undefined) return `evidence names document ${docSeq}, which is not revealed`
    data.push({ artifact, sharePpb: BigInt(ppb), rarityPpb: BigInt(rarityPpb) })
  }
  if (card === undefined) return 'receipt for a model card that was never registered'
  const expected = Credits.of(card, data).map(lineOf)
  const stated = event.receipt.influence.entries.map(lineOf)
  expected.sort()
  stated.sort()
  const at = expected.findIndex((line, index) => line !== stated[index])
  if (at === -1 && expected.length === stated.length) return undefined
  return `receipt line ${stated[at] ?? 'too many or too few'}, evidence gives ${expected[at] ?? 'no more'}`
}

function lineOf({
  artifact,
  sharePpb,
  rarityPpb,
}: { [Key in keyof Price.Shaped]: unknown }): string {
  return `${String(artifact)} ${String(sharePpb)} ppb, rarity ${String(rarityPpb)} ppb`
}

function termsFault(
  quote: Quote.Quote,
  opened: Event.Of<'opened'>,
  known: { readonly card: Card.Card; readonly nowMs: number; readonly payer: Hex | null },
): Fault {
  if (Json.encode(quote.asset) !== Json.encode(opened.asset))
    return `quote in asset ${quote.asset.id}, the log is in ${opened.asset.id}`
  const { card } = known
  if (quote.model !== card.model) return `quote for ${quote.model}, the card is of ${card.model}`
  const { seller, model, requestDigest, asset } = quote
  const cardHash = Card.hash(card)
  return Quote.fault(quote, { ...known, seller, model, requestDigest, asset, cardHash })
}

function signatureFault(world: World, { quote, signature }: Quote.Signed): Fault {
  const data = Quote.typedData(quote)
  if (world.verifySignature({ address: quote.seller, data, signature })) return undefined
  return `quote that ${quote.seller} did not sign`
}

function receiptFault(world: World, { receipt, signature }: Receipt.Signed): Fault {
  const data = Receipt.typedData(receipt)
  if (world.verifySignature({ address: receipt.provider, data, signature })) return undefined
  return `receipt that ${receipt.provider} did not sign`
}

function evidenceFault(receipt: Receipt.Receipt, stated: unknown): Fault {
  const { influence, tokens } = receipt
  const digest = Hash.digest(stated)
  if (digest !== influence.evidenceDigest)
    return `evidence digest ${digest}, the receipt names ${influence.evidenceDigest}`
  const evidence = Evidence.parse(stated)
  if (evidence.method !== Evidence.method || evidence.version !== Evidence.version)
    return `evidence by ${evidence.method} ${evidence.version}, which this program does not know`
  if (evidence.w !== Window.standard.w || evidence.tauMilliBits !== Window.standard.tauMilliBits)
    return `windows of ${evidence.w} tokens and ${evidence.tauMilliBits} milli-bits, not the standard`
  for (const key of ['method', 'version', 'indexRoot', 'coveragePpb'] as const)
    if (evidence[key] !== influence[key])
      return `${key} ${evidence[key]} in the evidence, ${influence[key]} on the receipt`
  if (!influence.recomputable) return 'receipt that calls its attribution not recomputable'
  if (evidence.tokens !== tokens.out)
    return `evidence over ${evidence.tokens} tokens, the receipt counts ${tokens.out}`
  return undefined
}
