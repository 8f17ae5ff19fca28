/** @module A pair of parties as the home they leave behind when their processes have ended. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as Home from '../../src/cli/Home.ts'
import * as Manifest from '../../src/cli/Manifest.ts'
import type * as Event from '../../src/economy/Event.ts'
import * as Hash from '../../src/kernel/Hash.ts'
import * as Record from '../../src/provenance/Record.ts'
import * as Answers from '../../src/store/Answers.ts'
import * as Files from '../../src/store/Files.ts'
import * as Journal from '../../src/store/Journal.ts'
import type * as Pair from './Pair.ts'

/** Name of the agent whose folder the buyer's is. */
export const agent = 'desk'

/** Texts of both logs, where they are not the pair's own. */
export type Texts = { readonly seller?: readonly string[]; readonly buyer?: readonly string[] }

/** Writes all files of a home anew, and the manifest that the seller signs of them. */
export async function write(root: string, pair: Pair.Pair, texts: Texts = {}): Promise<Home.Home> {
  mkdirSync(root, { recursive: true })
  const home = Home.of({ home: root, agent })
  for (const folder of [home.node, home.agent]) {
    mkdirSync(folder, { recursive: true })
    rmSync(Home.journal(folder), { force: true })
    for (const [receiptHash, answer] of pair.answers) Answers.put(folder, receiptHash, answer)
  }
  await log(Home.journal(home.node), texts.seller ?? pair.seller.texts)
  await log(Home.journal(home.agent), texts.buyer ?? pair.buyer.texts)
  for (const folder of ['documents', 'epochs'])
    mkdirSync(join(home.node, folder), { recursive: true })
  Files.putDocuments(join(home.node, 'documents'), [...pair.documents.values()])
  for (const [epoch, lines] of pair.leaves)
    writeFileSync(join(home.node, 'epochs', `${epoch}.jsonl`), lines)
  await Manifest.write(home, pair.seller.wallet)
  return home
}

/** A journal of these texts, word for word. */
export async function log(file: string, texts: readonly string[]): Promise<void> {
  const records = texts.map((text) => Record.decode<Event.Event>(text))
  const { origin } = records[0]!
  const journal = Journal.open({ file, origin, now: () => 0 })
  try {
    const drafts = records.map(({ id, atMs, causes, event }) => ({ id, atMs, causes, event }))
    const appended = await journal.append(drafts)
    const digest = (all: readonly string[]) => Hash.text(all.join('\n'))
    if (digest(appended.map(({ text }) => text)) !== digest(texts))
      throw new Error('expected the journal to hold the texts it was given')
  } finally {
    journal.close()
  }
}
