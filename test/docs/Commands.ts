/** @module Command lines as documents show them, against the commands and flags that there are. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CommandDef } from 'citty'
import * as Usage from '../../src/cli/Usage.ts'
import { root } from '../tidy/Source.ts'
import * as Markdown from './Markdown.ts'

/** The command line, from its files. */
export async function program(): Promise<CommandDef> {
  const files = readdirSync(join(root, 'src/cli/commands')).filter((name) => !/\.test\./.test(name))
  const subCommands: Record<string, CommandDef> = {}
  for (const file of files) {
    const module = (await import(join(root, 'src/cli/commands', file))) as { default: CommandDef }
    subCommands[file.slice(0, -'.ts'.length)] = module.default
  }
  return { meta: { name: 'requite' }, subCommands }
}

/** Every line a document shows that begins with `npx requite`, `npm` or `node`, or with `-- --`. */
export function lines(document: Markdown.Document): string[] {
  const shell = Markdown.blocks(document, 'sh').flatMap(({ text }) => text.split('\n'))
  const shown = [...shell, ...Markdown.codes(document)]
  return shown.filter((line) =>
    /^(npx requite|npm (run|test|start|ci|publish)|node \S+\.mjs|--)/.test(line),
  )
}

/** The lines that `npm start` closes with. */
export function suggested(): string[] {
  const text = readFileSync(join(root, 'src/cli/commands/start.ts'), 'utf8')
  return [...text.matchAll(/^ {2}(npx requite .+?)(?: {2,}.*)?$/gm)].map(([, line]) => line!)
}

/** Why a line cannot be typed; undefined when it can. */
export async function fault(root: CommandDef, line: string): Promise<string | undefined> {
  const [first, ...rest] = words(line)
  if (first === 'npx') return rest[0] === 'requite' ? requite(root, rest.slice(1)) : undefined
  if (first === '--' && rest.length > 0) return requite(root, ['start', ...rest])
  if (first?.startsWith('--') === true && first !== '--') return anyFlag(root, first)
  if (first === 'npm') return npm(root, rest)
  return first === 'node' ? file(rest[0]) : undefined
}

/** Words of a shell line; what stands for something, `<file>` or `[folder]`, is a word. */
export function words(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word)
}

async function requite(root: CommandDef, args: readonly string[]): Promise<string | undefined> {
  const found = await Usage.find(root, args)
  return found.kind === 'wrong' ? `requite ${args.join(' ')}: ${found.because}` : undefined
}

function anyFlag(program: CommandDef, flag: string): string | undefined {
  const known = flag.slice('--'.length).split('=')[0]!
  return known === 'help' || flags(program).has(known) ? undefined : `no command has ${flag}`
}

function flags({ args = {}, subCommands = {} }: CommandDef): Set<string> {
  const below = Object.values(subCommands as Record<string, CommandDef>)
  return new Set([...Object.keys(args), ...below.flatMap((command) => [...flags(command)])])
}

async function npm(program: CommandDef, args: readonly string[]): Promise<string | undefined> {
  const [verb, ...rest] = args
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  if (verb === 'publish' || verb === 'ci' || verb === 'pack') return undefined
  const name = verb === 'run' ? rest[0]! : verb!
  if (scripts[name] === undefined) return `npm ${args.join(' ')}: no such script`
  const after = args.slice(args.indexOf('--') + 1)
  if (!args.includes('--')) return undefined
  if (name === 'start') return requite(program, ['start', ...after])
  if (name === 'test') return file(after[0])
  const folder = name === 'example' ? 'examples' : name
  const there = readdirSync(join(root, folder))
  const isThere = there.some((one) => one === `${after[0]}.ts` || one.startsWith(`${after[0]}-`))
  return isThere ? undefined : `npm ${args.join(' ')}: nothing of that name in ${folder}`
}

function file(path: string | undefined): string | undefined {
  return path !== undefined && existsSync(join(root, path)) ? undefined : `no file ${path}`
}
