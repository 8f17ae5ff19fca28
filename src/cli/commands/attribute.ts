/** @module `requite attribute`: whose registered words are in any text. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { defineCommand } from 'citty'
import * as Evidence from '../../attribution/spans/Evidence.ts'
import * as PriorityCover from '../../attribution/spans/PriorityCover.ts'
import * as Window from '../../attribution/spans/Window.ts'
import { InputError } from '../../kernel/Errors.ts'
import * as Json from '../../kernel/Json.ts'
import * as Share from '../../kernel/Share.ts'
import { colors } from '../Colors.ts'
import * as Config from '../Config.ts'
import * as Home from '../Home.ts'
import * as Print from '../Print.ts'
import * as Run from '../Run.ts'
import * as Shelf from '../Shelf.ts'

const maxBytes = 16 * 1024 * 1024

export default defineCommand({
  meta: { name: 'attribute', description: 'Whose registered words are in a text, token by token' },
  args: {
    ...Run.flags,
    file: {
      type: 'positional',
      description: 'A text file, or - for standard input',
      required: true,
    },
    sensitive: { type: 'boolean', description: 'Count shorter quotations: 4 tokens and 32 bits' },
  },
  run: ({ args }) =>
    Run.command(args.json, async () => {
      const config = await Config.load(args)
      const text = read(args.file)
      const { economy, library } = Shelf.open(Home.of(config))
      const options = args.sensitive ? Window.sensitive : Window.standard
      const { segments, indexRoot } = library
      const cover = PriorityCover.cover(text, { segments, outputs: economy.sales.outputs }, options)
      const evidence = Evidence.from(cover, { indexRoot, options })
      const entries = cover.credits
        .map(({ docSeq, ppb }) => ({ ppb, ...library.contribution(docSeq) }))
        .sort((left, right) => (left.ppb > right.ppb ? -1 : left.ppb < right.ppb ? 1 : 0))
      if (Run.wantsJson(args.json)) {
        const sources = cover.runs.map(({ start, end, docSeq, offset }) => {
          const { path, owner } = library.contribution(docSeq)
          return { document: path, owner, start, end, offset }
        })
        const { coveragePpb } = evidence
        const shares = entries.map(({ path, owner, ppb }) => ({ document: path, owner, ppb }))
        Print.line(
          JSON.stringify({
            v: 1,
            file: args.file,
            coveragePpb,
            shares: Json.plain(shares),
            sources,
            evidence,
          }),
        )
      } else Print.line(show(text, cover, entries, library))
      return 0
    }),
})

const paints = [colors.cyan, colors.yellow, colors.green, colors.magenta, colors.blue, colors.red]

function show(
  text: string,
  cover: PriorityCover.Cover,
  entries: readonly { path: string; owner: string; ppb: bigint }[],
  library: Shelf.Shelf['library'],
): string {
  const owners = [...new Set(entries.map(({ owner }) => owner))]
  const paint = (owner: string) => paints[owners.indexOf(owner) % paints.length]!
  let [shown, at] = ['', 0]
  for (const { start, end, docSeq } of cover.runs) {
    const { owner } = library.contribution(docSeq)
    shown += Print.plain(text.slice(at, start)) + paint(owner)(Print.plain(text.slice(start, end)))
    at = end
  }
  shown += Print.plain(text.slice(at))
  const rows = entries
    .slice(0, 20)
    .map(({ path, owner, ppb }) => [paint(owner)(path), owner, Share.round(ppb)])
  const covered = `${Share.round(cover.coveragePpb)} of the text's information is registered words`
  const more = entries.length > 20 ? `\n… and ${entries.length - 20} more documents` : ''
  const table =
    rows.length === 0 ? '' : `${Print.table(['document', 'owner', 'share'], rows)}${more}\n\n`
  return `${shown.trimEnd()}\n\n${table}${covered}; the rest is nobody's.`
}

function read(file: string): string {
  if (file !== '-' && (!existsSync(file) || !statSync(file).isFile()))
    throw new InputError(`expected a text file, found none at ${file}`, { code: 'file-missing' })
  const bytes = readFileSync(file === '-' ? 0 : file)
  if (bytes.length > maxBytes)
    throw new InputError(`expected a text of at most ${maxBytes} bytes, got ${bytes.length}`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new InputError(`expected text in UTF-8, ${file} is not`, { code: 'not-text' })
  }
}
