/**
 * @module Retrievers: what finds the passages that a question is answered from. A reader is one; so may
 * be a vector store. Passages are whole: a model quotes what it was given, and only quotes are credited.
 */

/** A whole passage of a document. */
export type Passage = {
  /** The document's place in its datanet. */
  readonly docSeq: number
  /** Where the document stands, for eyes. */
  readonly path: string
  /** UTF-16 offset of the passage in the document. */
  readonly offset: number
  readonly text: string
}

/** How much is wanted. */
export type Wanted = { readonly most: number; readonly signal?: AbortSignal | undefined }

/** The passages that fit a question, best first, at most `most`; none if nothing fits. */
export type Retriever = (
  question: string,
  wanted: Wanted,
) => readonly Passage[] | Promise<readonly Passage[]>
