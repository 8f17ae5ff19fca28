/**
 * @module Artifacts: what a node says about who shaped what. Prompts, models, adapters, derived documents
 * and their parents are registered here; from then on epochs pass earnings on along their lineage.
 */
import * as Event from '../economy/Event.ts'
import * as Lineage from '../economy/Lineage.ts'
import type * as Artifact from '../royalties/Artifact.ts'
import type * as Node from './Node.ts'

/** What came of it: `exists` when all were registered before, alike. */
export type Registered =
  | { readonly kind: 'ok'; readonly leaf: number }
  | { readonly kind: 'exists' }
  | Lineage.Refusal

/**
 * Registers artifacts, all or none, in any order among themselves. Parents are among them, registered
 * before, or documents of the datanet by their artifact id. A document's own lineage is stated once, by
 * its id, with its owner, before it earned and before anything descends from it. Throws `InputError` for
 * more than an event holds (100,000 artifacts, 10,000 owners or parents each).
 */
export async function register(
  node: Pick<Node.Node, 'books'>,
  artifacts: readonly Artifact.Artifact[],
): Promise<Registered> {
  const { books } = node
  const judged = Lineage.judge(books.state.sales, artifacts)
  if (judged === 'exists') return { kind: 'exists' }
  if (judged !== 'ok') return judged
  // Events that cannot be read again would poison the books.
  const event = Event.parse(Lineage.event(artifacts))
  const [cause] = await books.record([{ event }])
  return { kind: 'ok', leaf: cause!.leaf }
}
