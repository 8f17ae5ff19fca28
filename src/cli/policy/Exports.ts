/** @module `requite policy export` and `caveats`: a policy for other engines, and what each cannot say. */
import { defineCommand } from 'citty'
import * as Caveats from '../../policies/Caveats.ts'
import * as Cedar from '../../policies/Cedar.ts'
import * as Hypothetical from '../Hypothetical.ts'
import * as Print from '../Print.ts'
import * as Run from '../Run.ts'
import * as Context from './Context.ts'

const common = {
  ...Run.flags,
  file: { type: 'positional', description: 'A policy file (policy.yaml)', required: false },
} as const

/** The stateless part as Cedar text on stdout; what is left out on stderr. */
export const exported = defineCommand({
  meta: { name: 'export', description: 'The part of a policy that has no meters, in Cedar' },
  args: { ...common, cedar: { type: 'boolean', description: 'In Cedar, the one format there is' } },
  run: ({ args }) =>
    Run.command(args.json, async () => {
      if (args.cedar !== true)
        throw Run.usage('expected a format', 'npx requite policy export --cedar')
      const { config, read } = await Context.load(args)
      const { text, left } = Cedar.from(read(args.file ?? config.policy))
      if (args.json === true) Print.line(JSON.stringify({ v: 1, cedar: text, left }))
      else {
        Print.line(text.trimEnd())
        for (const { rule, because } of left) Print.note(`not in Cedar: ${rule}: ${because}`)
      }
      return 0
    }),
})

/** What a chain delegation enforces by itself, exactly or at worst, and what it leaves. */
export const caveats = defineCommand({
  meta: {
    name: 'caveats',
    description: 'What a delegation on chain can enforce of a policy, and what it cannot',
  },
  args: {
    ...common,
    from: { type: 'string', description: 'When it begins, e.g. 2026-03-29T00:00Z (now)' },
    until: { type: 'string', description: 'When it ends (never)' },
  },
  run: ({ args }) =>
    Run.command(args.json, async () => {
      const { config, read } = await Context.load(args)
      const policy = read(args.file ?? config.policy)
      const found = Caveats.caveats(policy, {
        startsAtMs: args.from === undefined ? Date.now() : Hypothetical.moment('from', args.from),
        ...(args.until === undefined ? {} : { endsAtMs: Hypothetical.moment('until', args.until) }),
      })
      if (Run.wantsJson(args.json))
        Print.line(JSON.stringify({ v: 1, policy: policy.name, ...found }))
      else Print.line(show(found))
      return 0
    }),
})

function show({ caveats, left }: Caveats.Caveats): string {
  const lines = caveats.flatMap(({ enforcer, terms, rule, exact, worst }) => [
    `${exact ? 'exact' : 'at worst'}  ${rule}`,
    ...(worst === undefined ? [] : [`          ${worst}`]),
    `          ${enforcer} ${terms}`,
  ])
  return [...lines, ...left.map(({ rule, because }) => `off chain ${rule}: ${because}`)].join('\n')
}
