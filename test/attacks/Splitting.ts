/** @module Attacks by splitting: one identity in many, one document in many. */
import * as Segment from '../../src/attribution/spans/Segment.ts'
import * as Tokenizer from '../../src/attribution/spans/Tokenizer.ts'
import * as Hash from '../../src/kernel/Hash.ts'
import { nanoPerAtom } from '../../src/kernel/Money.ts'
import * as Share from '../../src/kernel/Share.ts'
import * as Artifact from '../../src/royalties/Artifact.ts'
import * as Attack from './Attack.ts'
import { coversOf } from './Copies.ts'
import * as Corpus from './Corpus.ts'
import * as Naive from './Naive.ts'

const names = 10
const wordsPerPart = 50

/** One owner of an artifact becomes ten: the most that any of many payments gives them more. */
export function identity(): Attack.Measure & { readonly payments: number } {
  const draw = Corpus.random(3)
  const payments = 3_000
  let [best, rounded] = [-1_000_000_000n, 0n]
  for (let payment = 0; payment < payments; payment++) {
    const shares = sharesOf(2 + draw(6), draw)
    const nano = BigInt(1 + draw(1_000_000_000)) * BigInt(1 + draw(1_000))
    const owners = (list: readonly bigint[], name: string) =>
      list.map((sharePpb, at) => ({ account: `${name}:${at}`, sharePpb }))
    const others = owners(shares.slice(1), 'npm')
    const parts = sharesOf(names, draw, shares[0]!)
    const [one, many] = [[shares[0]!], parts].map((list) => {
      const artifact: Artifact.Artifact = {
        ...{ id: Hash.text('document'), kind: 'contribution', parents: [] },
        owners: [...owners(list, 'eve'), ...others],
      }
      return Artifact.settle(artifact, nano)
        .filter(({ account }) => Corpus.isEve(account))
        .reduce((sum, part) => sum + part.nano, 0n)
    })
    if (many! - one! > best) best = many! - one!
    const up = (list: readonly bigint[]) =>
      list.reduce((sum, share) => {
        const part = (nano * share) / Share.whole
        return sum + ((part + nanoPerAtom - 1n) / nanoPerAtom) * nanoPerAtom
      }, 0n)
    const gain = up(parts) - up([shares[0]!])
    if (gain > rounded) rounded = gain
  }
  return {
    attack: 'identity ×10',
    unit: 'nano-atoms gained, at most, a payment',
    ours: Number(best),
    bound: names - 1,
    naive: { rule: 'whole atoms, rounded up', gain: Number(rounded) },
    payments,
  }
}

/** Each quoted document, one at a time, registered in parts of fifty words: under one name, or under many. */
export function document(): Attack.Measure & { readonly ratios: readonly number[] } {
  const { texts, victims, answers } = Corpus.load()
  const whole = Corpus.register(texts)
  const honest = Segment.build(whole)
  const covers = coversOf(answers, honest)
  const ratios: number[] = []
  const naive: number[] = []
  for (const [index, victim] of victims.slice(0, 5).entries()) {
    const isTheirs = (owner: string) => owner.startsWith(victim.owner)
    const weightOf = (list: typeof covers, documents: readonly Segment.Document[]) => {
      const owners = new Map(documents.map(({ seq, owner }) => [seq, owner]))
      return list
        .flatMap(({ weights }) => weights)
        .filter(({ docSeq }) => isTheirs(owners.get(docSeq)!))
        .reduce((sum, { milliBits }) => sum + Number(milliBits), 0)
    }
    const before = weightOf(covers, whole)
    if (before === 0) continue
    const parts = inParts(victim, index % 2 === 0)
    const at = texts.indexOf(victim)
    const documents = Corpus.register([...texts.slice(0, at), ...parts, ...texts.slice(at + 1)])
    const segment = Segment.build(documents)
    ratios.push(weightOf(coversOf(answers, segment), documents) / before)
    const votes = [segment, honest].map((each) =>
      answers.reduce((sum, answer) => sum + Naive.of(Naive.oneVote(answer, each), isTheirs), 0),
    )
    naive.push(votes[0]! / votes[1]!)
  }
  return {
    attack: 'document in parts',
    unit: '× what the whole earns, at most',
    ours: Math.max(...ratios),
    bound: 1,
    naive: { rule: 'a vote a document', gain: Attack.mean(naive) },
    ratios,
  }
}

function inParts({ owner, text }: Corpus.Text, isManyNames: boolean): Corpus.Text[] {
  const tokens = Tokenizer.tokenize(text)
  const parts: Corpus.Text[] = []
  for (let from = 0; from < tokens.length; from += wordsPerPart) {
    const to = Math.min(tokens.length, from + wordsPerPart) - 1
    parts.push({
      owner: isManyNames ? `${owner}#${parts.length}` : owner,
      text: text.slice(tokens[from]!.start, tokens[to]!.end),
    })
  }
  return parts
}

/** So many shares above 0 that sum to a whole. */
function sharesOf(
  count: number,
  draw: (below: number) => number,
  whole: bigint = Share.whole,
): bigint[] {
  const weights = Array.from({ length: count }, () => BigInt(1 + draw(1_000)))
  const sum = weights.reduce((total, weight) => total + weight, 0n)
  const shares = weights.map((weight) => (whole * weight) / sum)
  shares[0]! += whole - shares.reduce((total, share) => total + share, 0n)
  return shares
}
