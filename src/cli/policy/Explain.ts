/** @module `requite policy explain`: what the policy would say now of a request that nobody makes. */

import { defineCommand } from 'citty'
import * as PurchaseTerms from '../../economy/PurchaseTerms.ts'
import type { Hex } from '../../kernel/Hex.ts'
import * as Json from '../../kernel/Json.ts'
import * as Money from '../../kernel/Money.ts'
import * as Budget from '../../policies/Budget.ts'
import type * as Decision from '../../policies/Decision.ts'
import type { Request } from '../../policies/Request.ts'
import * as Desk from '../Desk.ts'
import * as Hypothetical from '../Hypothetical.ts'
import * as Print from '../Print.ts'
import * as Run from '../Run.ts'
import * as Verdict from '../Verdict.ts'
import * as Context from './Context.ts'

/** Asks it with the agent's own usage; writes nothing. */
export const explain = defineCommand({
  meta: {
    name: 'explain',
    description: 'What the policy would say of a payment now, and why; nothing is recorded',
  },
  args: {
    ...Context.flags,
    shadow: { type: 'string', description: 'Policy file on trial: what that one would say too' },
    ...Hypothetical.flags,
  },
  run: ({ args }) =>
    Run.command(args.json, async () => {
      const { home, config, read } = await Context.load(args)
      const desk = await Desk.open(home, config)
      const { asset } = desk.place
      const policy = args.policy === undefined ? desk.policy() : read(args.policy)
      const { request, atMs } = Hypothetical.read(args, {
        ...{ asset, defaults: defaults(desk), nowMs: Desk.now(desk) },
      })
      const shadow = args.shadow === undefined ? desk.shadow() : read(args.shadow)
      const { usage } = desk.purchases
      const said = Budget.explain(usage, policy, request, atMs)
      const tried = shadow && Budget.explain(usage, shadow, request, atMs)
      const { verdict, reasons } = said
      if (Run.wantsJson(args.json)) {
        const { id: _, digest: __, ...facts } = request
        const trial = tried && { verdict: tried.verdict, reasons: tried.reasons }
        const told = { policy: policy.name, atMs, request: facts, verdict, reasons, trial }
        Print.line(JSON.stringify({ v: 1, ...(Json.plain(told) as object) }))
      } else {
        Print.line(show(request, said, Money.format(Money.of(asset, request.atoms))))
        if (tried !== undefined) Print.line(`\non trial\n${Print.decision(tried)}`)
      }
      return Verdict.exitCode(verdict, reasons)
    }),
})

function show(request: Request, said: Decision.Decision, amount: string): string {
  const { model, payee, host } = request
  return `${amount} for ${Print.plain(model)} to ${Print.plain(payee)} at ${Print.plain(host)}\n${Print.decision(said)}`
}

/** As the last request, or as the local node would quote before the first. */
function defaults({ place, purchases, opened }: Desk.Desk): Hypothetical.Defaults {
  const last = [...purchases.purchases.values()].at(-1)?.decided
  const local = {
    agent: opened?.address ?? '',
    payee: place.till,
    host: new URL(place.baseUrl ?? 'http://127.0.0.1').host,
    model: 'docs-reader',
    ...{ coveragePpb: 0n, royaltySharePpb: 0n, trustTier: 0, datanet: 'installed-docs' },
    ...{ adapter: 'none', tool: 'none', category: 'inference' },
  }
  if (last === undefined) return local
  const { request } = last
  const terms = PurchaseTerms.of(last)
  const amounts = ['coveragePpb', 'royaltySharePpb', 'deviceMs'] as const
  const stated = amounts.filter((name) => typeof request[name] === 'string')
  return {
    ...local,
    payee: terms.payTo as Hex,
    model: terms.model,
    atoms: BigInt(terms.payAtoms),
    ...Object.fromEntries(stated.map((name) => [name, BigInt(String(request[name]))])),
    ...(typeof request.datanet === 'string' ? { datanet: request.datanet } : {}),
  }
}
