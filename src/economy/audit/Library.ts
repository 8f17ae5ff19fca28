/**
 * @module The documents of a log's datanet, read once as they are revealed, and the index over them: one
 * segment a batch, so that every version of the datanet is a run of the same segments.
 */
import * as Segment from '../../attribution/spans/Segment.ts'
import * as Datanet from '../../datanets/Datanet.ts'
import * as DatanetVersion from '../../datanets/Version.ts'
import * as Hash from '../../kernel/Hash.ts'
import type { Hex } from '../../kernel/Hex.ts'
import type * as Event from '../Event.ts'
import type { Tally } from './Tally.ts'
import type { World } from './World.ts'

/** One revealed batch. */
export type Batch = {
  readonly documents: readonly Segment.Document[]
  /** Documents whose text was withdrawn, and those whose text is not the one registered. */
  readonly erased: number
  readonly altered: number
  segment?: Segment.Segment
}

/** Batches in the order of revelation, how many of them each version has, and the last version. */
export type Library = {
  readonly batches: Batch[]
  readonly versions: Map<Hex, number>
  latest: Hex
}

/** What an answer of one version is looked up in. */
export type Version = {
  readonly segments: readonly Segment.Segment[]
  readonly erased: number
  readonly altered: number
}

/** A library without documents: what a node that never revealed any answers from. */
export function empty(): Library {
  const { root } = DatanetVersion.of(Datanet.empty('none'))
  return { batches: [], versions: new Map([[root, 0]]), latest: root }
}

/** Reads and judges the documents of a batch; without its place in the datanet they are not indexed. */
export function reveal(
  library: Library,
  sources: { readonly world: World; readonly tally: Tally },
  event: Event.Of<'revealed'>,
  place: { readonly batch: Datanet.Batch; readonly index: number } | undefined,
): void {
  const documents: Segment.Document[] = []
  let [erased, altered] = [0, 0]
  for (const [at, contribution] of event.contributions.entries()) {
    const text = read(sources, contribution)
    if (text === 'erased') erased += 1
    else if (text === 'altered') altered += 1
    else if (place !== undefined) {
      const { committedAtMs, commons, contributions } = place.batch
      const { seq, owner } = contributions[at]!
      const { index: batch } = place
      documents.push({ seq, batch, committedAtMs, owner, commons, text: text.text })
    }
  }
  if (place === undefined) return
  library.batches.push({ documents, erased, altered })
  library.versions.set(event.versionRoot, library.batches.length)
  library.latest = event.versionRoot
}

/** The version with this root, its index built; undefined when it was never revealed. */
export function version(library: Library, root: Hex): Version | undefined {
  const count = library.versions.get(root)
  if (count === undefined) return undefined
  const batches = library.batches.slice(0, count)
  return {
    segments: batches.map((batch) => {
      batch.segment ??= Segment.build(batch.documents)
      return batch.segment
    }),
    erased: batches.reduce((sum, { erased }) => sum + erased, 0),
    altered: batches.reduce((sum, { altered }) => sum + altered, 0),
  }
}

function read(
  { world, tally }: { readonly world: World; readonly tally: Tally },
  { docHash, path, bytes }: Event.Of<'revealed'>['contributions'][number],
): { readonly text: string } | 'erased' | 'altered' {
  const found = world.document(docHash)
  const finding = { name: 'document', subject: path } as const
  if (found.kind === 'erased') {
    tally.note({ ...finding, outcome: 'erased' })
    return 'erased'
  }
  const because = found.kind === 'altered' ? found.because : textFault(found.text, docHash, bytes)
  if (found.kind === 'altered' || because !== undefined) {
    tally.note({ ...finding, outcome: 'failed', because: because ?? 'it was altered' })
    return 'altered'
  }
  tally.note({ ...finding, outcome: 'verified' })
  return { text: found.text }
}

function textFault(text: string, docHash: Hex, bytes: number | undefined): string | undefined {
  const data = Hash.bytes(text)
  const hash = Hash.text(text)
  if (hash !== docHash) return `text with hash ${hash}, registered was ${docHash}`
  if (bytes !== undefined && bytes !== data.length)
    return `text of ${data.length} bytes, registered were ${bytes}`
  return undefined
}
