/** @module `requite demo`: small experiments on your own datanet that change nothing. */
import { defineCommand } from 'citty'
import * as PriorityCover from '../../attribution/spans/PriorityCover.ts'
import * as Segment from '../../attribution/spans/Segment.ts'
import * as Datanet from '../../datanets/Datanet.ts'
import { BaseError } from '../../kernel/Errors.ts'
import * as Share from '../../kernel/Share.ts'
import * as Library from '../../server/Library.ts'
import * as Files from '../../store/Files.ts'
import { colors } from '../Colors.ts'
import * as Config from '../Config.ts'
import * as Home from '../Home.ts'
import * as Print from '../Print.ts'
import * as Run from '../Run.ts'
import * as Shelf from '../Shelf.ts'

const copies = 10

const copycat = defineCommand({
  meta: {
    name: 'copycat',
    description: 'Register ten copies of somebody’s document later and see what they earn',
  },
  args: {
    ...Run.flags,
    document: { type: 'string', description: 'Path of the document to copy, e.g. zod/README.md' },
  },
  run: ({ args }) =>
    Run.command(args.json, async () => {
      const config = await Config.load(args)
      const home = Home.of(config)
      const shelf = Shelf.open(home)
      const original = choose(shelf, args.document)
      const { path, owner, text } = { ...original, text: textOf(home, original.docHash) }
      const before = cover(text, shelf.library.segments)
      const after = cover(text, [...shelf.library.segments, copiesOf(shelf, text)])
      const rows = [
        {
          account: owner,
          before: shareOf(shelf, before, owner),
          after: shareOf(shelf, after, owner),
        },
        ...Array.from({ length: copies }, (_, index) => ({
          account: copier(index),
          before: 0n,
          after: creditOf(after, firstCopy(shelf) + index),
        })),
      ]
      if (Run.wantsJson(args.json)) {
        const shares = rows.map((row) => ({
          account: row.account,
          beforePpb: String(row.before),
          afterPpb: String(row.after),
        }))
        Print.line(JSON.stringify({ v: 1, demo: 'copycat', document: path, shares }))
      } else Print.line(show(path, rows))
      return rows.slice(1).every((row) => row.after === 0n) ? 0 : 1
    }),
})

export default defineCommand({
  meta: { name: 'demo', description: 'Experiments on your own datanet that change nothing' },
  subCommands: { copycat },
})

/** The document named, else the longest of a package that one owner alone holds. */
function choose({ economy }: Shelf.Shelf, path: string | undefined) {
  const all = Datanet.contributions(economy.sales.datanet!)
  const earning = all.filter(({ artifact }) => economy.sales.artifacts.has(artifact))
  if (path === undefined)
    return (
      earning.find((each) => each.path === 'zod/README.md') ??
      earning.find(isOfPackage) ??
      earning[0]!
    )
  const found = earning.find((each) => each.path === path)
  if (found !== undefined) return found
  const similar = earning.filter((each) => each.path.includes(path)).slice(0, 5)
  const list = (similar.length > 0 ? similar : earning.slice(0, 5)).map((each) => each.path)
  throw new BaseError(`no registered document ${path}`, {
    code: 'document-unknown',
    hint: `for example: ${list.join(', ')}`,
  })
}

function isOfPackage({ owner }: { owner: string }): boolean {
  return owner.startsWith('npm:')
}

function textOf(home: Home.Home, docHash: `0x${string}`): string {
  const found = Files.getDocument(Library.folder(home.node), docHash)
  if (found.kind === 'found') return found.text
  throw new BaseError('the text of this document was withdrawn', { code: 'document-erased' })
}

function copier(index: number): string {
  return `copycat:${index + 1}`
}

function firstCopy({ economy }: Shelf.Shelf): number {
  return Datanet.nextSeq(economy.sales.datanet!)
}

/** Ten copies under ten names, committed after everything else; each with a line of its own on top. */
function copiesOf(shelf: Shelf.Shelf, text: string): Segment.Segment {
  const { batches } = shelf.economy.sales.datanet!
  const committedAtMs = batches.at(-1)!.committedAtMs + 1
  return Segment.build(
    Array.from({ length: copies }, (_, index) => ({
      seq: firstCopy(shelf) + index,
      batch: batches.length,
      committedAtMs,
      owner: copier(index),
      text: `Copy number ${index + 1}, all my own work.\n\n${text}`,
    })),
  )
}

function cover(text: string, segments: readonly Segment.Segment[]): PriorityCover.Cover {
  return PriorityCover.cover(text, { segments })
}

function creditOf({ credits }: PriorityCover.Cover, docSeq: number): bigint {
  return credits.find((credit) => credit.docSeq === docSeq)?.ppb ?? 0n
}

function shareOf(shelf: Shelf.Shelf, { credits }: PriorityCover.Cover, owner: string): bigint {
  const first = firstCopy(shelf)
  return credits
    .filter(({ docSeq }) => docSeq < first && shelf.library.contribution(docSeq).owner === owner)
    .reduce((sum, { ppb }) => sum + ppb, 0n)
}

function show(
  path: string,
  rows: readonly { account: string; before: bigint; after: bigint }[],
): string {
  const cells = rows.map(({ account, before, after }) => [
    account,
    Share.round(before),
    after === 0n ? colors.red('0') : Share.round(after),
  ])
  return `Somebody registers ${copies} copies of ${colors.bold(path)} under ${copies} names, later.
Whose words is an answer made of that quotes the document whole?

${Print.table(['account', 'before', 'after the copies'], cells)}

Each window of words belongs to whoever registered it first: the copies earn 0 and move nobody.
Nothing was written; this ran on your datanet in memory.`
}
