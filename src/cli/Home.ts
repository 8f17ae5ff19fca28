/** @module Home: where everything of one installation lies, and what is already there. */
import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { InputError } from '../kernel/Errors.ts'
import type { Config } from './Config.ts'

/** Absolute paths below one home. */
export type Home = {
  readonly root: string
  readonly node: string
  readonly agent: string
  /** Key of the test account that owns this repository's own documents on the local chain. */
  readonly owner: string
  readonly chain: string
  readonly chainState: string
  readonly contracts: string
  readonly manifest: string
}

/** The paths of a configuration's home. Throws `InputError` when something else lies in its place. */
export function of(config: Pick<Config, 'home' | 'agent'>): Home {
  const root = resolve(config.home)
  if (statSync(root, { throwIfNoEntry: false })?.isDirectory() === false)
    throw new InputError(`expected a folder at ${root}, found a file`, { code: 'not-a-folder' })
  const chain = join(root, 'chain')
  return {
    root,
    node: join(root, 'node'),
    agent: join(root, 'agents', config.agent),
    owner: join(root, 'owner'),
    chain,
    chainState: join(chain, 'state.json'),
    contracts: join(chain, 'contracts.json'),
    manifest: join(root, 'manifest.json'),
  }
}

/** A folder's key file. */
export function key(folder: string): string {
  return join(folder, 'key.json')
}

/** A folder's journal. */
export function journal(folder: string): string {
  return join(folder, 'journal.db')
}

/** Whether a process ever kept a journal here. */
export function isUsed(home: Home): boolean {
  return existsSync(journal(home.node)) || existsSync(journal(home.agent))
}
