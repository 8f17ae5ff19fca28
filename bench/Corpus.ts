/** @module Real text for benches: from a file, or what the installed packages say about themselves. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as Report from './Report.ts'

/** A text and who is taken to own it. */
export type Text = { readonly owner: string; readonly text: string }

const modules = fileURLToPath(new URL('../node_modules', import.meta.url))

/**
 * Texts of a `.jsonl` file (each line a text, its strings joined), of any other file (blank lines part
 * texts), or, without a file, documentation and type declarations under `node_modules`; none twice, no
 * more than `maxBytes`. Stops the program with what it expected when there is nothing to read.
 */
export function read(file: string | undefined, maxBytes: number): Text[] {
  const texts: Text[] = []
  const seen = new Set<string>()
  let bytes = 0
  for (const text of file === undefined ? installed() : split(file)) {
    if (seen.has(text.text) || text.text.trim() === '') continue
    seen.add(text.text)
    bytes += Buffer.byteLength(text.text)
    if (bytes > maxBytes && texts.length > 0) break
    texts.push(text)
  }
  if (texts.length === 0) return Report.stop(`expected text in ${file ?? modules}, found none`)
  return texts
}

function* installed(): Generator<Text> {
  const names = readdirSync(modules, { recursive: true, encoding: 'utf8' })
  for (const name of names.filter((each) => /\.(md|txt|d\.ts)$/.test(each)).sort()) {
    const path = join(modules, name)
    const [first, second] = name.split('/')
    const owner = first!.startsWith('@') ? `${first}/${second}` : first!
    if (statSync(path).isFile()) yield { owner, text: readFileSync(path, 'utf8') }
  }
}

function split(file: string): Text[] {
  const text = whole(file)
  if (!file.endsWith('.jsonl'))
    return text.split(/\n\s*\n/).map((part, index) => ({ owner: `paragraph ${index}`, text: part }))
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, index) => {
      try {
        return { owner: `line ${index}`, text: strings(JSON.parse(line)).join('\n') }
      } catch (error) {
        return Report.stop(
          `expected JSON in line ${index + 1} of ${file}: ${(error as Error).message}`,
        )
      }
    })
}

function whole(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    return Report.stop(`expected --data to be a file of text: ${(error as Error).message}`)
  }
}

function strings(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(strings)
}
