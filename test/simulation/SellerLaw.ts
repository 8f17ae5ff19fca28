/**
 * @module The law of a seller, by plain sums over its durable records: what may become of each payment, that
 * nothing is charged which was not said, and that nothing is given back while it is being said.
 */
import * as Hash from '../../src/kernel/Hash.ts'
import type * as Hex from '../../src/kernel/Hex.ts'
import * as Answers from '../../src/store/Answers.ts'
import * as Blocks from './Blocks.ts'
import * as Market from './Market.ts'
import * as World from './World.ts'

/** What became of a payment so far. */
export type Known = {
  readonly payer: string
  readonly nonce: string
  /** What is asked for under it, of those whose answer is told. */
  readonly question: string | undefined
  readonly isAhead: boolean
  isServed: boolean
  money: 'open' | 'funded' | 'unfunded' | 'returned'
}

/** What follows from a seller's records so far. */
export type SellerLaw = {
  /** Records read. */
  read: number
  readonly payments: Map<string, Known>
  /** What was asked, by quote. */
  readonly asked: Map<string, string>
  /** By receipt. */
  readonly sold: Map<string, Known>
}

/** Of a seller without records. */
export function create(): SellerLaw {
  return { read: 0, payments: new Map(), asked: new Map(), sold: new Map() }
}

type Paid = { readonly payer: string; readonly nonce: string }
type Told = {
  readonly type: string
  readonly quote: { readonly requestDigest: string }
  readonly quoteHash: string
  readonly payment?: Paid
  readonly receiptHash?: string
  readonly receipt: {
    readonly bytes: { readonly out: number }
    readonly money: { readonly quoteHash: string; readonly chargedAtoms: string }
  }
}

/** Records that it is about. */
const spoken = /"type":"(quoted|accepted|served|funded|unfunded|returned)"/

/** Reads what came to the disk. */
export function follow(law: SellerLaw, texts: readonly string[]): void {
  for (; law.read < texts.length; law.read += 1) {
    if (!spoken.test(texts[law.read]!)) continue
    const { event } = JSON.parse(texts[law.read]!) as { readonly event: Told }
    const fault = take(law, event)
    if (fault !== undefined) World.current().wrong.push(`seller: ${event.type}: ${fault}`)
  }
}

/** Why a record may not follow those before. */
function take(law: SellerLaw, event: Told): string | undefined {
  switch (event.type) {
    case 'quoted':
      law.asked.set(Hash.digest(event.quote), event.quote.requestDigest)
      return
    case 'accepted':
      return accepted(law, event)
    case 'served':
      return served(law, event)
    case 'funded':
    case 'unfunded':
    case 'returned':
      return moved(law, event)
  }
  return undefined
}

function accepted(law: SellerLaw, { payment, quoteHash }: Told): string | undefined {
  const { payer, nonce } = payment!
  if (law.payments.has(nonce)) return 'a payment that is known'
  const question = Market.spokenBy.get(law.asked.get(quoteHash) as Hex.Hex)
  if (question === undefined) return 'nobody asked to be told this answer'
  const known = { payer, nonce, question, isAhead: true, isServed: false }
  law.payments.set(nonce, { ...known, money: 'open' })
  World.current().acts['paid ahead'] += 1
  return undefined
}

function served(law: SellerLaw, { payment, receipt }: Told): string | undefined {
  const { payer, nonce } = payment!
  const known = law.payments.get(nonce) ?? {
    ...{ payer, nonce, question: undefined, isAhead: false, isServed: false },
    money: 'open' as const,
  }
  if (known.isServed) return 'a second time under one payment'
  if (known.money === 'returned' || known.money === 'unfunded') return `what is ${known.money}`
  known.isServed = true
  law.payments.set(nonce, known)
  const hash = Hash.digest(receipt)
  law.sold.set(hash, known)
  if (BigInt(receipt.money.chargedAtoms) > Market.maxAtoms) return 'more than it may cost'
  return known.isAhead ? said(known, hash, receipt.bytes.out) : undefined
}

/** An answer is what an engine said when it was asked once: all of it, or as far as it was heard. */
function said({ question }: Known, hash: Hex.Hex, bytes: number): string | undefined {
  const { acts, utterances } = World.current()
  const found = Answers.read('/seller', hash)
  const output = found.kind === 'found' ? found.answer.output : ''
  if (Buffer.byteLength(output) !== bytes) return 'a receipt over another answer'
  const utterance = utterances.find(
    (each) => !each.isTold && each.question === question && each.said === output,
  )
  if (utterance === undefined) return 'what no engine said'
  if (utterance.isRunning) return 'what an engine goes on saying'
  utterance.isTold = true
  acts['answered ahead'] += 1
  if (output !== utterance.whole) acts['answered in short'] += 1
  return undefined
}

function moved(law: SellerLaw, { type, payment, receiptHash }: Told): string | undefined {
  const { acts, blocks, utterances, finality } = World.current()
  const known = payment === undefined ? law.sold.get(receiptHash!) : law.payments.get(payment.nonce)
  if (known === undefined) return 'of a payment that is not known'
  const { payer, nonce, question, isServed } = known
  const final = Blocks.head(blocks) - finality + 1
  const isPaid = Blocks.isUsed(blocks, payer, nonce, final)
  if (known.money !== (type === 'returned' ? 'funded' : 'open')) return `of what is ${known.money}`
  if (isPaid !== (type !== 'unfunded')) return `a payment that is there: ${isPaid}`
  if (type === 'returned' && isServed) return 'a payment that was served'
  const isSaid = utterances.some((each) => each.isRunning && each.question === question)
  if (type === 'returned' && isSaid) return 'a payment whose answer is being said'
  known.money = type as Known['money']
  if (type === 'returned') acts['given back'] += 1
  return undefined
}
