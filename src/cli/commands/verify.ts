/** @module `requite verify`: recomputes everything from files and names the file that does not hold. */
import { resolve } from 'node:path'
import { defineCommand } from 'citty'
import * as Bar from '../Bar.ts'
import { colors } from '../Colors.ts'
import * as Config from '../Config.ts'
import * as Print from '../Print.ts'
import * as Run from '../Run.ts'
import * as Verification from '../Verification.ts'
import * as Verified from '../Verified.ts'

export default defineCommand({
  meta: {
    name: 'verify',
    description:
      'Recompute verdicts, meters, prices, attributions and payouts from files alone. Every record is ' +
      'read, hashed and replayed each time; signatures, payments, prices and attributions of records that ' +
      'you verified before, and that are unchanged, are not judged again unless you say --all. ' +
      'Ctrl-C stops it, and the next run goes on from there.',
  },
  args: {
    ...Run.flags,
    all: {
      type: 'boolean',
      description: 'Judge every record again, as if nothing had been verified before',
    },
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
      const isJson = Run.wantsJson(args.json)
      const startMs = performance.now()
      const result = await watched(isJson, (watching) =>
        Verification.resume(target, config.agent, {
          ...watching,
          all: args.all === true,
          key: Verified.keyFile(),
          now: Date.now,
        }),
      )
      const elapsedMs = performance.now() - startMs
      const { records, judged, failures, erased, checks, manifest, notes } = result
      if (isJson)
        Print.line(
          JSON.stringify({
            ...{
              v: 1,
              records,
              judged,
              failures: failures.length,
              erased,
              checks,
              manifest,
              notes,
            },
            recordsPerSecond: Bar.rateOf(records, elapsedMs) ?? 0,
            problems: failures,
          }),
        )
      else Print.line(show(result, elapsedMs))
      return failures.length === 0 ? 0 : 1
    }),
})

/** Shows a bar where somebody watches, and hears Ctrl-C: the second one ends the process at once. */
async function watched<T>(
  isJson: boolean,
  work: (watching: Pick<Verification.Options, 'onStep' | 'signal'>) => Promise<T>,
): Promise<T> {
  const bar = Bar.on(isJson ? { write: () => undefined } : process.stderr, () => performance.now())
  const stop = new AbortController()
  const interrupt = () => stop.abort()
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  try {
    return await work({
      onStep: ({ what, done, total }) => bar.show(what, { done, total, unit: 'records' }),
      signal: stop.signal,
    })
  } finally {
    bar.clear()
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  }
}

const mostShown = 20

function show(result: Verification.Result, elapsedMs: number): string {
  const { records, judged, failures, erased, checks, manifest, notes } = result
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
  const rate = Bar.rateOf(records, elapsedMs)
  const speed = rate === undefined ? '' : ` at ${Bar.count(rate)} a second`
  const outcome =
    failures.length === 0
      ? colors.green(`✓ ${records} records verified`)
      : colors.red(`✗ ${failures.length} of the checks failed`)
  const earlier = records - judged
  const before = earlier === 0 ? '' : `; ${earlier} were judged before and are unchanged (--all)`
  const gone = erased === 0 ? '' : `; ${erased} checks rest on texts that were erased`
  return [
    `  manifest         ${words[manifest]}`,
    ...rows,
    ...problems,
    ...notes.map((note) => `${colors.yellow('!')} ${note}`),
    `${outcome}${speed}${before}${gone}`,
  ].join('\n')
}

const words = {
  verified: 'every file is as it was closed',
  failed: 'not as it was closed',
  live: 'none while processes have the folder open',
  missing: 'missing',
  'not asked for': 'belongs to the whole home',
}
