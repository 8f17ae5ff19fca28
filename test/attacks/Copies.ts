/** @module Attacks by copying: exact and near copies, copies in the same batch, copies that run ahead. */
import * as PriorityCover from '../../src/attribution/spans/PriorityCover.ts'
import * as Segment from '../../src/attribution/spans/Segment.ts'
import * as Tokenizer from '../../src/attribution/spans/Tokenizer.ts'
import * as Contribution from '../../src/datanets/Contribution.ts'
import * as Datanet from '../../src/datanets/Datanet.ts'
import * as Hash from '../../src/kernel/Hash.ts'
import * as Attack from './Attack.ts'
import * as Corpus from './Corpus.ts'
import * as Naive from './Naive.ts'

const names = 10
const unit = '% of credit to the attacker'

/** Covers of the same answers before and after something was registered. */
export type Covers = {
  readonly documents: readonly Segment.Document[]
  readonly before: readonly PriorityCover.Cover[]
  readonly after: readonly PriorityCover.Cover[]
}

/** Ten copies of every quoted document under ten names, registered later. */
export function exact(): Attack.Measure & Covers {
  const { texts, victims, answers } = Corpus.load()
  const copies = victims.flatMap(({ text }) =>
    Array.from({ length: names }, (_, index) => ({ owner: `eve:${index}`, text })),
  )
  return later('copies ×10', answers, Corpus.after(Corpus.register(texts), copies))
}

/** What later copies take from the rarity, and so the premium, of what was there before. */
export function griefing(): Attack.Measure {
  const { texts, victims } = Corpus.load()
  const { before, after } = exact()
  const rarities = (covers: readonly PriorityCover.Cover[]) =>
    covers.flatMap(({ credits }) => credits.map(({ rarityPpb }) => Number(rarityPpb)))
  const griefed = rarities(after)
  const losses = rarities(before).map((rarity, index) => 100 * (1 - griefed[index]! / rarity))
  const frequency = Math.log2((texts.length + names * victims.length) / (1 + names))
  return {
    attack: 'rarity griefed',
    unit: '% of rarity lost, at most',
    ours: Math.max(...losses),
    bound: 0,
    naive: {
      rule: 'live document frequency',
      gain: 100 * (1 - frequency / Math.log2(texts.length)),
    },
  }
}

/** The same, every twentieth word made another and a headline of one's own. */
export function near(): Attack.Measure & Covers {
  const { texts, answers } = Corpus.load()
  return later('near copies ×10', answers, Corpus.after(Corpus.register(texts), nearCopies()))
}

/** Answers that quote the near copies, not the originals: what do the originals lose? */
export function quoted(): Attack.Measure & Covers {
  const { texts, victims } = Corpus.load()
  const copies = nearCopies().filter((_, index) => index % names === 0)
  const draw = Corpus.random(11)
  const answers = copies.map(({ text }) => Corpus.passage(text, 150, draw))
  const documents = Corpus.register(texts)
  const all = Corpus.after(documents, copies)
  const [honest, attacked] = [Segment.build(documents), Segment.build(all)]
  const [before, after] = [honest, attacked].map((segment) => coversOf(answers, segment))
  const isVictims = (owner: string) => victims.some((victim) => victim.owner === owner)
  const weight = (cover: PriorityCover.Cover) =>
    cover.weights
      .filter(({ docSeq }) => isVictims(all[docSeq]!.owner))
      .reduce((sum, { tokens }) => sum + tokens, 0)
  const loss = (kept: number, had: number) => (had === 0 ? 0 : 100 * (1 - kept / had))
  const ours = before!.map((cover, index) => loss(weight(after![index]!), weight(cover)))
  const naive = answers.map((answer) =>
    loss(
      Naive.of(Naive.longestMatch(answer, attacked), isVictims),
      Naive.of(Naive.longestMatch(answer, honest), isVictims),
    ),
  )
  return {
    attack: 'near copies quoted',
    unit: '% of credit lost by the copied',
    ours: Math.max(...ours),
    bound: 0,
    naive: { rule: 'longest match', gain: Attack.mean(naive) },
    ...{ documents: all, before: before!, after: after! },
  }
}

/** Copies in the very batch of the originals, first in its order. */
export function sameBatch(): Attack.Measure & Covers {
  const { texts, victims, answers } = Corpus.load()
  const copies = victims.map(({ text }) => ({ owner: 'eve', text }))
  const listed = Corpus.register([...copies, ...texts])
  const together = listed.map((document) => ({ ...document, batch: 0, committedAtMs: 0 }))
  // As a node holds them: what one segment does not see of the other, the cover must.
  const segments = [true, false].map((isEves) =>
    Segment.build(together.filter(({ owner }) => Corpus.isEve(owner) === isEves)),
  )
  const tied = answers.map((answer) => PriorityCover.cover(answer, { segments }))
  const whole = coversOf(answers, Segment.build(together))
  const ordered = coversOf(answers, Segment.build(listed))
  const share = (covers: readonly PriorityCover.Cover[]) =>
    Attack.mean(covers.map((cover) => Corpus.share(cover, listed, Corpus.isEve)))
  return {
    attack: 'ties in a batch',
    unit,
    ours: Math.max(share(tied), share(whole)),
    bound: 0,
    naive: { rule: 'order within the batch', gain: share(ordered) },
    ...{ documents: together, before: ordered, after: tied },
  }
}

/** What came of a copier's attempts to be first. */
export type Run = {
  /** Committing the very root that somebody else committed. */
  readonly sameRoot: string
  /** Opening somebody else's commitment in one's own name. */
  readonly othersRoot: string
}

/** A copier who reads the documents when they are revealed, or before, and reveals first itself. */
export function frontRunning(): Attack.Measure & Run {
  const { victims } = Corpus.load()
  const draw = Corpus.random(13)
  const answers = victims.map(({ text }) => Corpus.passage(text, 120, draw))
  const documentsOf = (owner: (victim: Corpus.Text) => string) =>
    victims.map((victim, index) =>
      Contribution.document({ path: `${index}.md`, owner: owner(victim), text: victim.text }),
    )
  const salts = { own: Hash.text('salt'), eve: Hash.text('salt of eve') }
  const own = { documents: documentsOf(({ owner }) => owner), salt: salts.own }
  const eve = { documents: documentsOf(() => 'eve:1'), salt: salts.eve }
  let datanet = Datanet.empty('docs')
  const commit = (opening: Datanet.Opening, committedAtMs: number) => {
    const commitment = Datanet.commit(opening.documents, opening)
    const change = Datanet.committed(datanet, { commitment, committedAtMs })
    if (change.kind === 'changed') datanet = change.datanet
    return { root: commitment.root, kind: change.kind }
  }
  const reveal = (root: `0x${string}`, opening: Datanet.Opening) => {
    const change = Datanet.revealed(datanet, { root, opening })
    if (change.kind === 'changed') datanet = change.datanet
    return change.kind === 'refused' ? change.code : change.kind
  }
  const { root } = commit(own, 1)
  const sameRoot = commit(own, 2).kind
  const othersRoot = reveal(root, { documents: eve.documents, salt: salts.own })
  reveal(commit(eve, 3).root, eve)
  reveal(root, own)

  const texts = new Map(victims.map(({ text }) => [Hash.text(text), text]))
  const documents = datanet.batches.flatMap(({ committedAtMs, contributions }, batch) =>
    contributions.map(({ seq, owner, docHash }) => {
      return { seq, batch, committedAtMs, owner, text: texts.get(docHash)! }
    }),
  )
  const byReveal = Corpus.register([...documents].reverse())
  const share = (list: readonly Segment.Document[]) =>
    Attack.mean(
      coversOf(answers, Segment.build(list)).map((cover) =>
        Corpus.share(cover, list, Corpus.isEve),
      ),
    )
  return {
    attack: 'front-running',
    unit,
    ours: share(documents),
    bound: 0,
    naive: { rule: 'order of revelation', gain: share(byReveal) },
    ...{ sameRoot, othersRoot },
  }
}

/** Covers of answers in one segment. */
export function coversOf(
  answers: readonly string[],
  segment: Segment.Segment,
): PriorityCover.Cover[] {
  return answers.map((answer) => PriorityCover.cover(answer, { segments: [segment] }))
}

function later(
  attack: string,
  answers: readonly string[],
  documents: readonly Segment.Document[],
): Attack.Measure & Covers {
  const honest = documents.filter(({ owner }) => !Corpus.isEve(owner))
  const segment = Segment.build(documents)
  const before = coversOf(answers, Segment.build(honest))
  const after = coversOf(answers, segment)
  return {
    ...{ attack, unit, bound: 0 },
    ours: Attack.mean(after.map((cover) => Corpus.share(cover, documents, Corpus.isEve))),
    naive: {
      rule: 'equal split',
      gain: Attack.mean(
        answers.map((answer) => Naive.of(Naive.equalSplit(answer, segment), Corpus.isEve)),
      ),
    },
    ...{ documents, before, after },
  }
}

function nearCopies(): Corpus.Text[] {
  const { victims } = Corpus.load()
  const draw = Corpus.random(5)
  return victims.flatMap(({ text }) => {
    const tokens = Tokenizer.tokenize(text)
    return Array.from({ length: names }, (_, name) => {
      let copy = `Copy number ${name + 1}, all my own work.\n\n`
      let from = 0
      for (let at = draw(20); at < tokens.length; at += 20) {
        const { start, end } = tokens[at]!
        copy += `${text.slice(from, start)}not${text.slice(start, end)}quite`
        from = end
      }
      return { owner: `eve:${name}`, text: copy + text.slice(from) }
    })
  })
}
