/**
 * @module The programs in documents, in a folder of their own in which `requite` is this repository: type
 * checked by one call of the compiler, and run where a document says `ts run`.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { root } from '../tidy/Source.ts'
import * as Markdown from './Markdown.ts'

/** A program: all `ts run` blocks of one document in a row, or one block that is not run. */
export type Program = {
  readonly document: string
  /** In the folder. */
  readonly file: string
  readonly text: string
  readonly isRun: boolean
}

/** What ended, and how. */
export type Ended = { readonly code: number; readonly output: string }

const libraries = ['vitest', 'langchain', '@langchain', '@types', 'zod']

/** The programs of documents. */
export function of(documents: readonly Markdown.Document[]): Program[] {
  return documents.flatMap((document) => {
    const found = Markdown.blocks(document, 'ts')
    const name = document.path.replaceAll(/[/.]/g, '-')
    const run = found.filter(({ info }) => info === 'ts run').map(({ text }) => text)
    const rest = found.filter(({ info }) => info !== 'ts run')
    const at = { document: document.path }
    return [
      ...(run.length === 0
        ? []
        : [{ ...at, file: `${name}.ts`, text: run.join('\n\n'), isRun: true }]),
      ...rest.map(({ text, line }) => ({
        ...at,
        file: `${name}-${line}.ts`,
        text: `${text}\nexport {}`,
        isRun: false,
      })),
    ]
  })
}

/** Writes programs into a new folder, as a user's project has them. */
export function write(programs: readonly Program[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'requite-docs-'))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules', 'requite'))
  for (const name of libraries)
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  for (const { file, text } of programs) writeFileSync(join(folder, file), `${text}\n`)
  const unused = { noUnusedLocals: false, noUnusedParameters: false }
  const compilerOptions = { ...unused, allowJs: false, types: ['node'] }
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions,
    include: [],
    files: programs.map(({ file }) => file),
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  return folder
}

/** What the compiler has against the programs of a folder; what it has against sources is told elsewhere. */
export async function mistakes(folder: string): Promise<string[]> {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { code, output } = await ended(folder, [compiler, '--project', '.', '--pretty', 'false'])
  const lines = output.split('\n').filter((line) => /^\S/.test(line))
  if (code !== 0 && lines.length === 0) return [`the compiler ended with ${code}`]
  return lines.filter((line) => !line.startsWith('..'))
}

/** Runs one, from the sources. */
export function run(folder: string, { file }: Program): Promise<Ended> {
  const loader = join(root, 'node_modules', 'tsx', 'dist', 'esm', 'index.mjs')
  return ended(folder, ['--conditions=source', '--import', pathToFileURL(loader).href, file])
}

/** What a program promises to print: each `// → …` at the end of a line. */
export function promised({ text }: Program): string[] {
  return [...text.matchAll(/\/\/ → (.+)$/gm)].map(([, line]) => line!)
}

function ended(cwd: string, args: readonly string[]): Promise<Ended> {
  const env = { ...process.env, NO_COLOR: '1' }
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd, env, timeout: 60_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
      resolve({ code, output: code === 0 ? stdout : `${stdout}${stderr}` })
    })
  })
}
