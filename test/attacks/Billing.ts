/** @module Attacks of a seller on its bill: device time, amounts above the quote, altered attribution. */
import type * as Evidence from '../../src/attribution/spans/Evidence.ts'
import * as Hash from '../../src/kernel/Hash.ts'
import * as Share from '../../src/kernel/Share.ts'
import * as Price from '../../src/market/Price.ts'
import * as Quote from '../../src/market/Quote.ts'
import * as Receipt from '../../src/market/Receipt.ts'
import type * as Attack from './Attack.ts'
import * as Corpus from './Corpus.ts'
import * as Sale from './Sale.ts'

const payer = Sale.address('buyer')

/** What came of each lie: who refused it and why; undefined where nobody did. */
export type Judged = {
  readonly lies: readonly { readonly lie: string; readonly verdict: Sale.Verdict | undefined }[]
}

/** Five times the device time on the receipt: the most that a seller gets for it from anyone who looks. */
export function deviceTime(): Attack.Measure & Judged {
  const { node, honest } = sale()
  const { quote, evidence, receipt } = honest
  const slow = { computeMs: 5 * receipt.computeMs, wallMs: 5 * receipt.wallMs }
  const stdUs = 5n * BigInt(receipt.stdUs)
  const price = Price.of(stdUs, Quote.rates(quote), Sale.linesOf(node, evidence))
  const money = Receipt.money(quote, price)
  const entries = receipt.influence.entries.map((line, at) => ({
    ...line,
    influenceNano: String(price.parts[at]!.influenceNano),
    premiumNano: String(price.parts[at]!.premiumNano),
  }))
  const influence = { ...receipt.influence, entries }
  const lies: Record<string, Sale.Deal> = {
    'time alone': { ...honest, receipt: { ...receipt, ...slow } },
    'time and money': { ...honest, receipt: { ...receipt, ...slow, money, influence } },
    'time, work and money': {
      ...honest,
      receipt: { ...receipt, ...slow, stdUs: String(stdUs), money, influence },
    },
  }
  const told = tell(node, lies)
  const paid = Object.values(lies)
    .filter((_, at) => told.lies[at]!.verdict === undefined)
    .map((deal) => Number(deal.receipt.money.chargedAtoms))
  return {
    attack: 'device time ×5',
    unit: '× what is due',
    ours: Math.max(0, ...paid) / Number(receipt.money.chargedAtoms),
    bound: 1,
    naive: { rule: 'pay by reported time', gain: slow.computeMs / receipt.computeMs },
    lies: told.lies,
  }
}

/** Receipts that take more than the quote and the work allow. */
export function aboveQuote(): Attack.Measure & Judged {
  const { node, honest } = sale()
  const { receipt, quote } = honest
  const money = (change: Partial<Receipt.Receipt['money']>): Sale.Deal => {
    return { ...honest, receipt: { ...receipt, money: { ...receipt.money, ...change } } }
  }
  const more = (text: string, by = 1n) => String(BigInt(text) + by)
  const rated = (change: Partial<typeof Sale.rates>): Sale.Deal => {
    const other = { ...quote, rates: { ...quote.rates, ...change } }
    const { receipt } = Sale.draft(node, { ...honest, quote: other })
    const money = { ...receipt.money, quoteHash: Quote.hash(quote) }
    return { ...honest, receipt: { ...receipt, money } }
  }
  const fee = more(quote.rates.feePpb, 1_000_000n)
  const stated = (change: Partial<Receipt.Receipt>): Sale.Deal => {
    return { ...honest, receipt: { ...receipt, ...change } }
  }
  const tokens = (change: Partial<Receipt.Receipt['tokens']>) =>
    stated({ tokens: { ...receipt.tokens, ...change } })
  const { money: due } = receipt
  const lies: Record<string, Sale.Deal> = {
    'one atom more': money({
      chargedAtoms: more(due.chargedAtoms),
      changeAtoms: more(due.changeAtoms, -1n),
    }),
    'change kept': money({ changeAtoms: '0' }),
    'paid more than was': money({ paidAtoms: more(due.paidAtoms) }),
    'rounding to the seller': money({
      roundingNano: '0',
      feeNano: more(due.feeNano, BigInt(due.roundingNano)),
    }),
    'twice the rate': rated({ executionNanoPerStdUs: '40000000' }),
    'a fee of its own': rated({ feePpb: fee }),
    'more gas': rated({ gasNano: more(quote.rates.gasNano) }),
    'work five times': stated({ stdUs: String(5n * BigInt(receipt.stdUs)) }),
    'more tokens out than quoted': tokens({ out: quote.maxTokensOut + 1 }),
    'more tokens in than quoted': tokens({ in: quote.maxTokensIn + 1 }),
    'a token more': tokens({ out: receipt.tokens.out + 1 }),
    'cached tokens on top': tokens({ cached: quote.maxTokensIn }),
    'another quote': money({ quoteHash: Hash.text('quote') }),
    'a token by the same symbol': money({
      asset: { ...due.asset, id: `${due.asset.id.slice(0, -1)}1` },
    }),
    'another card': stated({ cardHash: Hash.text('card') }),
    'somebody else’s bill': stated({ payer: Sale.address('stranger') }),
  }
  const low = {
    ...quote,
    maxAtoms: more(due.chargedAtoms, -1n),
    payAtoms: more(due.chargedAtoms, -1n),
  }
  lies['above the quoted maximum'] = Sale.draft(node, { ...honest, quote: low })
  return {
    attack: 'receipt above quote',
    unit: '% of lies that pass',
    bound: 0,
    naive: { rule: 'signature alone', gain: 100 },
    ...tell(node, lies),
  }
}

/** Receipts whose attribution is not the answer's: coverage, shares, rarity, lines, evidence. */
export function attribution(): Attack.Measure & Judged & { readonly fits: number } {
  const { node, honest, eve } = sale()
  const { evidence, receipt } = honest
  const lines = Sale.linesOf(node, evidence)
  const [first, ...rest] = lines
  const priced = (list: readonly Sale.Line[]) => Sale.draft(node, honest, list)
  const entries = (list: Evidence.Evidence['entries'], more: Partial<Evidence.Evidence> = {}) =>
    Sale.draft(node, { ...honest, evidence: { ...evidence, ...more, entries: list } })
  const influence = (change: Partial<Receipt.Receipt['influence']>): Sale.Deal => {
    return { ...honest, receipt: { ...receipt, influence: { ...receipt.influence, ...change } } }
  }
  const left = Share.whole - BigInt(evidence.coveragePpb)
  const [entry, ...others] = evidence.entries
  const part = first!.sharePpb / 2n
  const own = { artifact: Sale.artifactOf(node, eve), sharePpb: part, rarityPpb: Share.whole }
  const ownEntry = { ...entry!, docSeq: eve, ppb: String(part), rarityPpb: String(Share.whole) }
  const halved = { ...entry!, ppb: String(first!.sharePpb - part) }
  const grown = { ...ownEntry, ppb: String(left) }
  const lies: Record<string, Sale.Deal> = {
    'coverage a part more': influence({ coveragePpb: String(BigInt(evidence.coveragePpb) + 1n) }),
    'coverage a part less': influence({ coveragePpb: String(BigInt(evidence.coveragePpb) - 1n) }),
    'a line twice': priced([
      { ...first!, sharePpb: part },
      { ...first!, sharePpb: first!.sharePpb - part },
      ...rest,
    ]),
    'shares above the whole': influence({
      entries: receipt.influence.entries.map((line) => ({
        ...line,
        sharePpb: String(Share.whole),
      })),
      coveragePpb: String(Share.whole * BigInt(lines.length)),
    }),
    'a nano-atom from one line to another': influence({
      entries: receipt.influence.entries.map((line, at) => ({
        ...line,
        influenceNano: String(BigInt(line.influenceNano) + [1n, -1n, 0n][Math.min(at, 2)]!),
      })),
    }),
    'another version of the datanet': influence({ indexRoot: Hash.text('root') }),
    'other evidence': influence({ evidenceDigest: Hash.text('evidence') }),
    'half of a share to oneself': priced([
      { ...first!, sharePpb: first!.sharePpb - part },
      own,
      ...rest,
    ]),
    'half of a share to oneself, evidence too': entries([halved, ownEntry, ...others]),
    'the rest to oneself': priced([...lines, { ...own, sharePpb: left }]),
    'the rest to oneself, evidence too': entries([...evidence.entries, grown], {
      coveragePpb: String(Share.whole),
    }),
    'rarity of everything': priced(lines.map((line) => ({ ...line, rarityPpb: Share.whole }))),
    'rarity of everything, evidence too': entries(
      evidence.entries.map((each) => ({ ...each, rarityPpb: String(Share.whole) })),
    ),
    'a line dropped': priced(rest),
    'a line dropped, evidence too': entries(others, {
      coveragePpb: String(BigInt(evidence.coveragePpb) - first!.sharePpb),
      runs: evidence.runs.filter(({ docSeq }) => docSeq !== entry!.docSeq),
    }),
    'an artifact that nobody registered': priced([
      ...lines,
      { ...own, artifact: Hash.text('nothing'), sharePpb: 1n },
    ]),
    'windows of fewer words': entries(evidence.entries, { w: 4 }),
    'windows of fewer bits': entries(evidence.entries, { tauMilliBits: 32_000 }),
    'a stretch said to be an old answer': entries(evidence.entries, {
      unpaid: [{ start: 0, end: 9, kind: 'output' }],
    }),
  }
  const fits = Object.values(lies).filter(({ receipt: { money } }) => {
    const parts = [money.executionNano, money.influenceNano, money.premiumNano, money.feeNano]
    const nano = [...parts, money.gasNano, money.roundingNano].map(BigInt)
    return (
      nano.reduce((sum, each) => sum + each, 0n) === BigInt(money.chargedAtoms) * 1_000_000_000n
    )
  }).length
  return {
    attack: 'altered attribution',
    unit: '% of lies that pass',
    bound: 0,
    naive: { rule: 'the sum is right', gain: (100 * fits) / Object.keys(lies).length },
    ...tell(node, lies),
    fits,
  }
}

/** A node with others' documents and one of Eve's, and an honest answer made of three of the others'. */
export function sale(): { node: Sale.Node; honest: Sale.Deal; eve: number } {
  const { texts, strangers } = Corpus.load()
  const quoted = texts.slice(0, 12)
  const node = Sale.open([...quoted, { owner: 'eve:1', text: strangers[0]!.text }], payer)
  const draw = Corpus.random(31)
  const pieces = [1, 4, 7].map((at) => Corpus.passage(quoted[at]!.text, 70, draw))
  const answer = [...pieces, Corpus.passage(strangers[1]!.text, 40, draw)].join('\n\n')
  return { node, honest: Sale.deal(node, { answer, payer }), eve: quoted.length }
}

function tell(node: Sale.Node, deals: Readonly<Record<string, Sale.Deal>>) {
  const lies = Object.entries(deals).map(([lie, deal]) => {
    return { lie, verdict: Sale.judge(node, deal) }
  })
  const passed = lies.filter(({ verdict }) => verdict === undefined).length
  return { lies, ours: (100 * passed) / lies.length }
}
