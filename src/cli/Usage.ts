/**
 * @module Usage: which command is meant and whether it is called as it can be. What is misspelt is refused
 * with the nearest right word before anything runs; the parser would let an unknown flag pass.
 */
import type { ArgsDef, CommandDef, CommandMeta } from 'citty'
import * as Nearest from '../policies/Nearest.ts'

/** What a command line asks for. */
export type Found = { readonly command: CommandDef; readonly parent?: CommandDef } & (
  | { readonly kind: 'run' | 'help' }
  | { readonly kind: 'wrong'; readonly because: string }
)

/** Finds the command and checks its flags and positionals. */
export async function find(root: CommandDef, rawArgs: readonly string[]): Promise<Found> {
  let command = root
  let parent: CommandDef | undefined
  let rest = [...rawArgs]
  for (;;) {
    const subCommands = (await resolve(command.subCommands)) as
      | Record<string, () => Promise<CommandDef>>
      | undefined
    if (subCommands === undefined) break
    const at = { command, ...(parent === undefined ? {} : { parent }) }
    const [word] = rest
    if (word === undefined || word === '--help' || word === '-h') return { kind: 'help', ...at }
    if (word === '--version') return { kind: 'run', ...at }
    const next = Object.hasOwn(subCommands, word) ? subCommands[word] : undefined
    if (next === undefined)
      return {
        kind: 'wrong',
        because: `no command ${word}${hint(word, Object.keys(subCommands))}`,
        ...at,
      }
    parent = above(parent, command)
    command = (await resolve(next)) as CommandDef
    rest = rest.slice(1)
  }
  const at = { command, ...(parent === undefined ? {} : { parent }) }
  if (rest.includes('--help') || rest.includes('-h')) return { kind: 'help', ...at }
  const because = fault(((await resolve(command.args)) ?? {}) as ArgsDef, rest)
  return because === undefined ? { kind: 'run', ...at } : { kind: 'wrong', because, ...at }
}

/** The command above, called by the whole of its name: `requite demo`. */
function above(parent: CommandDef | undefined, { meta, ...command }: CommandDef): CommandDef {
  const names = [parent, { meta }].map((each) => (each?.meta as CommandMeta | undefined)?.name)
  return { ...command, meta: { ...meta, name: names.filter(Boolean).join(' ') } }
}

/** Why these arguments do not fit; undefined when they do. */
export function fault(args: ArgsDef, rest: readonly string[]): string | undefined {
  const flags = Object.entries(args).filter(([, { type }]) => type !== 'positional')
  const positionals = Object.entries(args).filter(([, { type }]) => type === 'positional')
  let given = 0
  for (let index = 0; index < rest.length; index += 1) {
    const word = rest[index]!
    if (word === '--') {
      given += rest.length - index - 1
      break
    }
    if (word === '-' || !word.startsWith('-')) {
      given += 1
      continue
    }
    const [flag, value] = word.replace(/^--?/, '').split('=', 2) as [string, string | undefined]
    const name = flag.replace(/^no-/, '')
    const found = flags.find(
      ([key, { type }]) => key === flag || (key === name && type === 'boolean'),
    )
    if (found === undefined)
      return `no flag ${word}${hint(
        flag,
        flags.map(([key]) => key),
        '--',
      )}`
    if (found[1].type !== 'string' && value !== undefined)
      return `expected --${flag} without a value`
    if (found[1].type !== 'string') continue
    if (value === undefined && (rest[index + 1] === undefined || rest[index + 1]!.startsWith('--')))
      return `expected a value after --${flag}`
    if (value === undefined) index += 1
  }
  if (given > positionals.length) {
    const names = positionals.map(([key]) => key)
    return `expected ${names.length === 0 ? 'no argument' : `only ${names.join(', ')} (quote a text with spaces)`}, got ${given}`
  }
  const missing = positionals.filter(([, { required }]) => required !== false)[given]
  return missing === undefined ? undefined : `expected ${missing[0]}: ${missing[1].description}`
}

async function resolve(value: unknown): Promise<unknown> {
  return typeof value === 'function' ? (value as () => unknown)() : value
}

function hint(word: string, known: readonly string[], prefix = ''): string {
  const [best] = known
    .map((name) => ({ name, distance: Nearest.distance(word, name) }))
    .sort((left, right) => left.distance - right.distance)
  return best !== undefined && best.distance <= Math.max(2, word.length / 3)
    ? `; did you mean ${prefix}${best.name}?`
    : ''
}
