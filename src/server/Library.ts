/**
 * @module Library: what a node answers from. The documents of its datanet on disk, the index that says
 * whose words an answer is made of, and the reader that finds passages. Built from the books alone.
 */
import { join } from 'node:path'
import * as Segment from '../attribution/spans/Segment.ts'
import * as Tokenizer from '../attribution/spans/Tokenizer.ts'
import type * as Contribution from '../datanets/Contribution.ts'
import * as Datanet from '../datanets/Datanet.ts'
import * as Version from '../datanets/Version.ts'
import { assert } from '../kernel/Assert.ts'
import type { Hex } from '../kernel/Hex.ts'
import type { Card } from '../market/Card.schema.ts'
import type * as Engine from '../models/Engine.ts'
import * as Reader from '../models/Reader.ts'
import * as Files from '../store/Files.ts'

/** A datanet version, ready to answer from. */
export type Library = {
  /** Root of the version: what quotes and receipts cite. */
  readonly indexRoot: Hex
  readonly segments: readonly Segment.Segment[]
  /** What an engine may read: all that is not commons and not withdrawn. */
  readonly documents: readonly Reader.Document[]
  contribution(seq: number): Contribution.Contribution
  /** Documents whose text was withdrawn. */
  readonly erased: number
}

/** Folder of a home's documents. */
export function folder(dir: string): string {
  return join(dir, 'documents')
}

/** Reads every revealed document and builds the index; a datanet may be empty. */
export function open(options: { dir: string; datanet: Datanet.Datanet }): Library {
  const { datanet } = options
  const indexed: Segment.Document[] = []
  const readable: Reader.Document[] = []
  let erased = 0
  for (const [batch, { committedAtMs, commons, contributions }] of datanet.batches.entries())
    for (const { seq, owner, path, docHash } of contributions) {
      const found = Files.getDocument(folder(options.dir), docHash)
      if (found.kind === 'erased') {
        erased += 1
        continue
      }
      indexed.push({ seq, batch, committedAtMs, owner, commons, text: found.text })
      if (!commons) readable.push({ seq, path, owner, text: found.text })
    }
  return {
    indexRoot: Version.of(datanet).root,
    segments: indexed.length === 0 ? [] : [Segment.build(indexed)],
    documents: readable,
    contribution(seq) {
      const contribution = Datanet.contribution(datanet, seq)
      assert(contribution !== undefined, 'a revealed contribution behind every indexed document')
      return contribution
    },
    erased,
  }
}

/** The reader over a library's documents. */
export function reader(library: Library, card: Card): Engine.Engine {
  return Reader.open({ card, documents: library.documents, countTokens: Tokenizer.count })
}
