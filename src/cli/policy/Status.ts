/** @module `requite policy status` and `approvals`: what is used, held, frozen, on trial and waiting. */

import { relative } from 'node:path'
import { defineCommand } from 'citty'
import * as PurchaseTerms from '../../economy/PurchaseTerms.ts'
import { problem } from '../../kernel/Errors.ts'
import * as Json from '../../kernel/Json.ts'
import * as Money from '../../kernel/Money.ts'
import type * as Decision from '../../policies/Decision.ts'
import * as Freeze from '../../policies/Freeze.ts'
import * as Policy from '../../policies/Policy.ts'
import { colors } from '../Colors.ts'
import * as Desk from '../Desk.ts'
import * as Meters from '../Meters.ts'
import * as Print from '../Print.ts'
import * as Run from '../Run.ts'
import * as Traffic from '../Traffic.ts'
import * as Verdict from '../Verdict.ts'
import * as Context from './Context.ts'

/** Everything at one look. */
export const status = defineCommand({
  meta: {
    name: 'status',
    description: 'Each meter: used, held, left, when it frees; freezes; what waits; the trial',
  },
  args: {
    ...Context.flags,
    shadow: { type: 'string', description: 'Policy file on trial, when no agent runs' },
  },
  run: ({ args }) =>
    Run.command(args.json, async () => {
      const { home, config } = await Context.load(args)
      const desk = await Desk.open(home, config)
      const known = attempt(desk.policy)
      const tried = attempt(desk.shadow)
      if (Run.wantsJson(args.json)) Print.line(JSON.stringify(plain(desk, known, tried)))
      else Print.line(show(desk, known, tried))
      return known.trouble === undefined && tried.trouble === undefined ? 0 : 1
    }),
})

type Attempt<Value> = { readonly value?: Value; readonly trouble?: unknown }

/** A file that nobody understands hides neither what is frozen nor what waits. */
function attempt<Value>(read: () => Value): Attempt<Value> {
  try {
    return { value: read() }
  } catch (trouble) {
    return { trouble }
  }
}

function plain(
  desk: Desk.Desk,
  { value: policy, trouble }: Attempt<Policy.Policy>,
  tried: Attempt<Policy.Policy | undefined>,
): object {
  const { pid, policyFile, shadowFile, purchases } = desk
  const error = trouble ?? tried.trouble
  const told = {
    ...(policy === undefined
      ? {}
      : {
          policy: policy.name,
          digest: Policy.digest(policy),
          meters: Meters.rows(purchases.usage, policy, Desk.now(desk)),
        }),
    ...{ policyFile, shadowFile, running: pid !== undefined },
    freezes: [...purchases.usage.freezes.values()],
    waiting: Desk.waiting(desk).map(plainReview),
    trial: tried.value && Traffic.trial(purchases, Policy.digest(tried.value)),
    ...(error === undefined ? {} : { error: problem(error) }),
  }
  return { v: 1, ...(Json.plain(told) as object) }
}

function show(
  desk: Desk.Desk,
  { value: policy, trouble }: Attempt<Policy.Policy>,
  tried: Attempt<Policy.Policy | undefined>,
): string {
  const { purchases, shadowFile = '' } = desk
  const nowMs = Desk.now(desk)
  const meters = policy === undefined ? [] : Meters.rows(purchases.usage, policy, nowMs)
  const wrong = [trouble, tried.trouble].flatMap((error) =>
    error === undefined
      ? []
      : [`${colors.red(problem(error).title)}: nothing is bought until it is mended`],
  )
  const shadow = tried.value
  return [
    ...(policy === undefined ? [] : [head(desk, policy)]),
    ...wrong,
    ...meters.map((row) => Meters.format(row, desk.place.asset, nowMs)),
    frozen([...purchases.usage.freezes.values()]),
    waitingLines(desk, nowMs),
    ...(shadow === undefined
      ? []
      : [trial(Traffic.trial(purchases, Policy.digest(shadow)), relative('.', shadowFile))]),
  ].join('\n')
}

/** What waits for somebody's answer. */
export const approvals = defineCommand({
  meta: { name: 'approvals', description: 'What waits for somebody’s approval, and until when' },
  args: Context.flags,
  run: ({ args }) =>
    Run.command(args.json, async () => {
      const { home, config } = await Context.load(args)
      const desk = await Desk.open(home, config)
      const waiting = Desk.waiting(desk)
      if (Run.wantsJson(args.json)) {
        const told = { approvals: waiting.map(plainReview), by: Verdict.approvers(desk.policy()) }
        Print.line(JSON.stringify({ v: 1, ...told }))
      } else Print.line(waitingLines(desk, Desk.now(desk)))
      return 0
    }),
})

function head({ pid, policyFile }: Desk.Desk, policy: Policy.Policy): string {
  const state = pid === undefined ? 'no agent runs' : `the agent runs, process ${pid}`
  const version = Policy.digest(policy).slice(0, 14)
  return `${colors.bold(policy.name)} · ${relative('.', policyFile)} · ${policy.rules.length} sentences · ${version} · ${state}`
}

function frozen(freezes: readonly Freeze.Freeze[]): string {
  const lines = freezes.map(({ target, by, because, atMs }) => {
    const key = Freeze.key(target)
    const who = `by ${Print.plain(by)} since ${Meters.time(atMs)}, ${Print.plain(because)}`
    return `${colors.red(`frozen ${key}`)}: ${who}\n  npx requite policy thaw ${key}`
  })
  return lines.length === 0 ? 'nothing is frozen' : lines.join('\n')
}

function waitingLines(desk: Desk.Desk, nowMs: number): string {
  const lines = Desk.waiting(desk).map(({ purchase, expiresAtMs, question }) => {
    const { reasons } = purchase.decided
    const { asset } = desk.place
    const show = (atoms: string) => Money.format(Money.of(asset, BigInt(atoms)))
    const { payAtoms, maxAtoms, model, payTo } = PurchaseTerms.of(purchase.decided)
    const whole = payAtoms === maxAtoms ? '' : ` (${show(maxAtoms)} without change)`
    const amount = `${show(payAtoms)}${whole}`
    const asking = reasons.find(({ outcome }) => outcome === 'review')
    const about = question === undefined ? '' : `\n  ? ${Print.plain(question).slice(0, 100)}`
    const line = Verdict.approveLine(
      { purchase: purchase.id, reasons: reasons as unknown as readonly Decision.Reason[] },
      { asset, priceAtoms: BigInt(maxAtoms), flags: [] },
    )
    return `${colors.yellow(Verdict.short(purchase.id))} waits: ${amount} for ${model} to ${payTo}${about}\n  ${String(asking?.because ?? '')}; expires ${Meters.when(expiresAtMs, nowMs)}\n  ${line}`
  })
  return lines.length === 0 ? 'nothing waits for approval' : lines.join('\n')
}

function plainReview({ purchase, expiresAtMs, question }: Desk.Waiting) {
  const { id, decided } = purchase
  const { payTo: payee, model, payAtoms: atoms, maxAtoms: priceAtoms } = PurchaseTerms.of(decided)
  const asking = decided.reasons.find(({ outcome }) => outcome === 'review')
  const because = String(asking?.because ?? '')
  return {
    purchase: id,
    payee,
    model,
    atoms,
    priceAtoms,
    because,
    expiresAtMs,
    question: question ?? null,
  }
}

function trial({ decided, differing }: Traffic.Trial, file: string): string {
  const opening = `on trial: ${file}, asked ${decided} times`
  if (differing.length === 0) return `${opening}, no other verdict yet`
  const lines = differing
    .slice(-5)
    .map(
      ({ purchase, verdict, trial, because }) =>
        `  ${Verdict.short(purchase)} ${verdict} → ${trial}${because === undefined ? '' : `: ${because}`}`,
    )
  const first = differing.length > 5 ? `, the last 5:` : ':'
  return `${opening}, another verdict ${differing.length} times${first}\n${lines.join('\n')}`
}
