/**
 * @module Who shaped an answer, as its receipt lists them (ECONOMICS.md): S = ℓ + (1 − ℓ)·coverage. The
 * share ℓ that a model card reserves for its lineage goes to the artifacts that the card names, to the
 * ppb; what attribution finds of documents shares the rest. What nobody is found for is not charged.
 */
import { assert } from '../kernel/Assert.ts'
import * as Share from '../kernel/Share.ts'
import type * as Card from './Card.schema.ts'
import type * as Price from './Price.ts'
import type { Receipt } from './Receipt.ts'

/** What of a card this is about. */
export type Lineage = Pick<Card.Card, 'lineage' | 'lineagePpb'>

/**
 * The lines of a receipt: what `Price.of` is given. `data` is what attribution found, each document once,
 * at shares of the whole answer. First the card's lineage, without rarity; then documents at their share of
 * what is left, rounded down, even those that it leaves nothing. A document that is in the lineage too has
 * one line with both. A card that names no lineage leaves `data` as it is.
 */
export function of({ lineage = [], lineagePpb }: Lineage, data: readonly Price.Shaped[]) {
  if (lineage.length === 0) return [...data]
  const leftPpb = Share.whole - BigInt(lineagePpb)
  const found = new Map(data.map((each) => [each.artifact, each]))
  assert(found.size === data.length, 'each document once')
  const lines = lineage.map(({ artifact, sharePpb }): Price.Shaped => {
    const ownPpb = BigInt(sharePpb)
    const document = found.get(artifact)
    if (document === undefined) return { artifact, sharePpb: ownPpb, rarityPpb: 0n }
    found.delete(artifact)
    const scaledPpb = scaled(document.sharePpb, leftPpb)
    const sum = ownPpb + scaledPpb
    return { artifact, sharePpb: sum, rarityPpb: (document.rarityPpb * scaledPpb) / sum }
  })
  for (const { artifact, sharePpb, rarityPpb } of found.values())
    lines.push({ artifact, sharePpb: scaled(sharePpb, leftPpb), rarityPpb })
  return lines
}

/** S: what is charged for influence when attribution covers so much of an answer, in ppb. */
export function total({ lineage, lineagePpb }: Lineage, coveragePpb: bigint): bigint {
  if (lineage === undefined) return coveragePpb
  const ownPpb = BigInt(lineagePpb)
  return ownPpb + scaled(coveragePpb, Share.whole - ownPpb)
}

/**
 * Why lines are not the card's lineage with documents beside it at the stated coverage. Documents are
 * rounded down one by one, so that coverage is held to as many ppb as there are lines of them; the audit
 * recomputes each from the evidence.
 */
export function fault(
  card: Lineage,
  { entries, coveragePpb }: Pick<Receipt['influence'], 'entries' | 'coveragePpb'>,
): string | undefined {
  const sum = entries.reduce((all, { sharePpb }) => all + BigInt(sharePpb), 0n)
  if (sum > Share.whole) return 'shares above the whole'
  const coverage = BigInt(coveragePpb)
  if (coverage > Share.whole) return 'coverage above the whole'
  for (const { artifact, sharePpb } of card.lineage ?? []) {
    const line = entries.find((each) => each.artifact === artifact)
    const [got, owed] = [BigInt(line?.sharePpb ?? 0), BigInt(sharePpb)]
    if (got < owed) return `lineage of ${artifact} at ${got} ppb, the card says ${owed}`
    if (got === owed && line?.rarityPpb !== '0') return `rarity of ${artifact}, which is lineage`
  }
  const missing = total(card, coverage) - sum
  const slack = card.lineage === undefined ? 0n : BigInt(entries.length)
  if (missing < 0n || missing > slack)
    return 'coverage that is not the sum of shares, the card’s lineage aside'
  return undefined
}

function scaled(sharePpb: bigint, leftPpb: bigint): bigint {
  return (sharePpb * leftPpb) / Share.whole
}
