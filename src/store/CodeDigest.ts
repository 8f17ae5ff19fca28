/**
 * @module Code digest: which code folded a state. A state is only as good as the code that made it: when
 * any file of the pure rooms changes, states kept by the former code are not read any more.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { fileURLToPath } from 'node:url'
import * as Hash from '../kernel/Hash.ts'
import type * as Hex from '../kernel/Hex.ts'

const rooms = ['kernel', 'policies', 'attribution', 'datanets', 'market', 'royalties', 'provenance']

let known: { readonly digest: Hex.Hex | undefined } | undefined

/**
 * Hash of the files that say what follows from a log; undefined where they cannot be told apart, as in
 * a program bundled into one file.
 */
export function ofFold(): Hex.Hex | undefined {
  known ??= { digest: digest(path.dirname(path.dirname(fileURLToPath(import.meta.url)))) }
  return known.digest
}

/** Hash of all files of this program, or undefined as above: any of them may take part in a verdict. */
export function ofProgram(): Hex.Hex | undefined {
  return digest(path.dirname(path.dirname(fileURLToPath(import.meta.url))), ['.'])
}

/** As {@link ofFold}, of the rooms below another folder. */
export function digest(
  source: string,
  within: readonly string[] = [...rooms, 'economy'],
): Hex.Hex | undefined {
  const ending = path.extname(fileURLToPath(import.meta.url))
  try {
    const files = within.flatMap((room) =>
      fs
        .readdirSync(path.join(source, room), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith(ending) && !/\.(test|d)\.\w+$/.test(name))
        .map((name) => `${room}/${name.split(path.sep).join('/')}`),
    )
    const texts = files.sort().map((name) => {
      return `${name}\n${Hash.text(fs.readFileSync(path.join(source, name), 'utf8'))}\n`
    })
    return Hash.text(texts.join(''))
  } catch {
    return undefined
  }
}
