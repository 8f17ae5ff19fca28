/** @module `requite policy simulate`: a policy over the traffic that an agent's journal recorded. */
import { existsSync } from 'node:fs'
import { defineCommand } from 'citty'
import * as Json from '../../kernel/Json.ts'
import * as Money from '../../kernel/Money.ts'
import type * as Policy from '../../policies/Policy.ts'
import * as Simulation from '../../policies/Simulation.ts'
import * as Bar from '../Bar.ts'
import * as Chain from '../Chain.ts'
import * as Home from '../Home.ts'
import * as Print from '../Print.ts'
import * as Run from '../Run.ts'
import * as Traffic from '../Traffic.ts'
import * as Verdict from '../Verdict.ts'
import * as Context from './Context.ts'

/** Judges every recorded request at its time, after what the policy itself would have let pass. */
export const simulate = defineCommand({
  meta: {
    name: 'simulate',
    description: 'What a policy would have said of everything that was asked so far',
  },
  args: {
    ...Run.flags,
    file: {
      type: 'positional',
      description: 'A policy file (the one on trial, else policy.yaml)',
      required: false,
    },
  },
  run: ({ args }) =>
    Run.command(args.json, async () => {
      const { config, home, read } = await Context.load(args)
      const policy = read(args.file ?? config.shadow ?? config.policy)
      const traffic = recorded(home)
      const said = Simulation.simulate(policy, traffic)
      const differing = said.differing.map(({ id: _, ...each }) => ({
        ...each,
        purchase: traffic[each.at]!.purchase,
        atMs: traffic[each.at]!.atMs,
      }))
      if (Run.wantsJson(args.json)) {
        const told = { ...said, policy: policy.name, differing }
        Print.line(JSON.stringify({ v: 1, ...(Json.plain(told) as object) }))
      } else Print.line(show(said, differing, policy))
      return 0
    }),
})

function recorded(home: Home.Home): Traffic.Traffic {
  Chain.readPlace(home)
  const file = Home.journal(home.agent)
  if (!existsSync(file)) return []
  const bar = Bar.on(process.stderr, () => performance.now())
  try {
    return Traffic.read(file, (reached) => bar.show('reading', reached))
  } finally {
    bar.clear()
  }
}

const most = 10

function show(
  said: Simulation.Simulation,
  differing: readonly (Omit<Simulation.Differing, 'id'> & { purchase: `0x${string}` })[],
  { name, asset }: Policy.Policy,
): string {
  const amount = (atoms: string) => Money.format(Money.of(asset, BigInt(atoms)))
  const { allow, review, deny } = said.verdicts
  const counts = [
    `${allow.requests} allowed`,
    `${review.requests} to approve`,
    `${deny.requests} denied`,
  ]
  const lines = [
    `${name} over ${said.judged} recorded payments: ${counts.join(', ')}; ${amount(said.capturedAtoms)} paid`,
    ...said.deciding.map(
      ({ rule, verdict, requests, atoms }) =>
        `  ${verdict} ${requests} times, ${amount(atoms)} asked: ${rule}`,
    ),
    ...said.silent.map((sentence) => `  never decided: ${sentence}`),
  ]
  if (differing.length === 0) lines.push('as it was decided then, every time')
  else lines.push(`otherwise than it was decided then ${differing.length} times:`)
  for (const { purchase, recorded, verdict, because } of differing.slice(0, most)) {
    const why = because === undefined ? '' : `: ${because}`
    lines.push(`  ${Verdict.short(purchase)} ${recorded} → ${verdict}${why}`)
  }
  if (differing.length > most) lines.push(`  … and ${differing.length - most} more; --json has all`)
  return lines.join('\n')
}
