/** @module The children's programs, each made one file. */
import { join } from 'node:path'
import * as Bundle from '../harness/Bundle.ts'

/** A program of this folder. */
export type Name = 'buyer' | 'seller'

/** Makes the programs below `scratch`. */
export async function make(scratch: string): Promise<(name: Name) => string> {
  // A folder of their own two floors deep: what looks for the code's files finds these.
  const folder = join(scratch, 'programs', 'kill')
  const programs = ['buyer', 'seller'].map((name) => new URL(`./${name}.ts`, import.meta.url))
  await Bundle.make(programs, folder)
  return (name) => join(folder, `${name}.mjs`)
}
