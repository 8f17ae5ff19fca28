/** @module `requite policy check` and `diff`: what policy files say, before they meet a payment. */
import { defineCommand } from 'citty'
import * as Json from '../../kernel/Json.ts'
import * as Check from '../../policies/Check.ts'
import * as Diff from '../../policies/Diff.ts'
import type * as Policy from '../../policies/Policy.ts'
import { colors } from '../Colors.ts'
import * as Print from '../Print.ts'
import * as Run from '../Run.ts'
import * as Context from './Context.ts'

/** Dead rules, contradictions, limits that are never reached. */
export const check = defineCommand({
  meta: {
    name: 'check',
    description: 'Mistakes, contradictions, rules that never decide, caps that never bind',
  },
  args: {
    ...Run.flags,
    file: { type: 'positional', description: 'A policy file (policy.yaml)', required: false },
  },
  run: ({ args }) =>
    Run.command(args.json, async () => {
      const { config, read } = await Context.load(args)
      const file = args.file ?? config.policy
      const policy = read(file)
      const findings = Check.findings(policy)
      const isWrong = findings.some(({ kind }) => kind === 'contradiction')
      if (Run.wantsJson(args.json))
        Print.line(JSON.stringify({ v: 1, file, policy: policy.name, findings }))
      else {
        for (const finding of findings) Print.line(`${mark(finding)} ${Check.format(finding)}`)
        if (findings.length === 0)
          Print.line(
            `${colors.green('✓')} ${policy.name}: ${policy.rules.length} sentences, nothing to object to`,
          )
      }
      return isWrong ? 1 : 0
    }),
})

function mark({ kind }: Check.Finding): string {
  return kind === 'contradiction' ? colors.red('✗') : colors.yellow('!')
}

/** Sentences that changed, and for each direction a request that shows it. */
export const diff = defineCommand({
  meta: {
    name: 'diff',
    description: 'What changes between two policies, with a payment that only one of them allows',
  },
  args: {
    ...Run.flags,
    old: { type: 'positional', description: 'The policy file as it was', required: true },
    new: { type: 'positional', description: 'The policy file as it would be', required: true },
  },
  run: ({ args }) =>
    Run.command(args.json, async () => {
      const { read } = await Context.load(args)
      const [before, after] = [read(args.old), read(args.new)]
      const found = Diff.diff(before, after)
      if (Run.wantsJson(args.json))
        Print.line(JSON.stringify({ v: 1, ...(Json.plain(found) as object) }))
      else Print.line(show(found, before))
      return 0
    }),
})

function show(
  { added, removed, changed, narrower, wider, tried }: Diff.Diff,
  unit: Policy.Policy,
): string {
  const lines = [
    ...removed.map((sentence) => colors.red(`- ${sentence}`)),
    ...changed.flatMap(({ before, after }) => [
      colors.red(`- ${before}`),
      colors.green(`+ ${after}`),
    ]),
    ...added.map((sentence) => colors.green(`+ ${sentence}`)),
  ]
  if (lines.length === 0) lines.push('the same sentences')
  const witness = (title: string, found: Diff.Witness | undefined) =>
    found === undefined
      ? `${title}: no such payment found among ${tried} that were tried`
      : `${title}: ${Diff.format(found, unit)}`
  if (tried > 0)
    lines.push('', witness('only the old allows', narrower), witness('only the new allows', wider))
  return lines.join('\n')
}
