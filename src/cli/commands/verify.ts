/** @module `requite verify`: recomputes everything from files and names the file that does not hold. */
import { resolve } from 'node:path'
import { defineCommand } from 'citty'
import { colors } from '../Colors.ts'
import * as Config from '../Config.ts'
import * as Print from '../Print.ts'
import * as Run from '../Run.ts'
import * as Verification from '../Verification.ts'

export default defineCommand({
  meta: {
    name: 'verify',
    description: 'Recompute verdicts, meters, prices, attributions and payouts from files alone',
  },
  args: {
    ...Run.flags,
    folder: {
      type: 'positional',
      description: 'A home, or the folder of one node or agent (.requite)',
      required: false,
    },
  },
  run: ({ args }) =>
    Run.command(args.json, async () => {
      const config = await Config.load(args)
      const target = resolve(args.folder ?? config.home)
      const result = Verification.run(target, config.agent, progress)
      const { records, failures, erased, checks, manifest } = result
      if (Run.wantsJson(args.json))
        Print.line(
          JSON.stringify({
            ...{ v: 1, records, failures: failures.length, erased, checks, manifest },
            problems: failures,
          }),
        )
      else Print.line(show(result))
      return failures.length === 0 ? 0 : 1
    }),
})

function progress(folder: string, records: number): void {
  if (process.stderr.isTTY) Print.note(`${records} records of ${folder}`)
}

const mostShown = 20

function show({ records, failures, erased, checks, manifest }: Verification.Result): string {
  const rows = Object.entries(checks).map(([name, outcomes]) => {
    const counts = Object.entries(outcomes).map(([outcome, count]) => `${count} ${outcome}`)
    return `  ${name.replaceAll('-', ' ').padEnd(16)} ${counts.join(', ')}`
  })
  const problems = failures
    .slice(0, mostShown)
    .map(
      ({ file, check, because }) => `${colors.red('✗')} ${colors.bold(file)}: ${check}: ${because}`,
    )
  if (failures.length > mostShown) problems.push(`… and ${failures.length - mostShown} more`)
  const judged =
    failures.length === 0
      ? colors.green(`✓ ${records} records verified`)
      : colors.red(`✗ ${failures.length} of the checks failed`)
  const gone = erased === 0 ? '' : `; ${erased} checks rest on texts that were erased`
  return [`  manifest         ${words[manifest]}`, ...rows, ...problems, `${judged}${gone}`].join(
    '\n',
  )
}

const words = {
  verified: 'every file is as it was closed',
  failed: 'not as it was closed',
  live: 'none while processes have the folder open',
  missing: 'missing',
  'not asked for': 'belongs to the whole home',
}
