/** @module `requite policy status` and `approvals`: what is used, held, frozen, on trial and waiting. */
import { relative } from 'node:path'
import { defineCommand } from 'citty'
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
      const policy = desk.policy()
      const nowMs = Desk.now(desk)
      const meters = Meters.rows(desk.purchases.usage, policy, nowMs)
      const shadow = desk.shadow()
      const trial = shadow && Traffic.trial(desk.purchases, Policy.digest(shadow))
      const freezes = [...desk.purchases.usage.freezes.values()]
      const { pid, policyFile, shadowFile } = desk
      if (Run.wantsJson(args.json)) {
        const digest = Policy.digest(policy)
        const waiting = Desk.waiting(desk).map(plain)
        const told = { policy: policy.name, policyFile, digest, running: pid !== undefined }
        const more = { meters, freezes, waiting, shadowFile, trial }
        Print.line(JSON.stringify({ v: 1, ...(Json.plain({ ...told, ...more }) as object) }))
        return 0
      }
      Print.line(head(desk, policy))
      for (const row of meters) Print.line(Meters.format(row, policy.asset, nowMs))
      if (meters.length === 0) Print.line('no sentence measures anything')
      Print.line(frozen(freezes))
      Print.line(waitingLines(desk, nowMs))
      if (trial !== undefined) Print.line(tried(trial, relative('.', shadowFile ?? '')))
      return 0
    }),
})

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
        const told = { approvals: waiting.map(plain), by: Verdict.approvers(desk.policy()) }
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
    const { quote, reasons } = purchase.decided
    const { asset } = desk.place
    const show = (atoms: string) => Money.format(Money.of(asset, BigInt(atoms)))
    const { payAtoms, maxAtoms } = quote
    const whole = payAtoms === maxAtoms ? '' : ` (${show(maxAtoms)} without change)`
    const amount = `${show(payAtoms)}${whole}`
    const asking = reasons.find(({ outcome }) => outcome === 'review')
    const about = question === undefined ? '' : `\n  ? ${Print.plain(question).slice(0, 100)}`
    const line = Verdict.approveLine(
      { purchase: purchase.id, reasons: reasons as unknown as readonly Decision.Reason[] },
      { asset, priceAtoms: BigInt(maxAtoms), flags: [] },
    )
    return `${colors.yellow(Verdict.short(purchase.id))} waits: ${amount} for ${quote.model} to ${quote.payTo}${about}\n  ${String(asking?.because ?? '')}; expires ${Meters.when(expiresAtMs, nowMs)}\n  ${line}`
  })
  return lines.length === 0 ? 'nothing waits for approval' : lines.join('\n')
}

function plain({ purchase, expiresAtMs, question }: Desk.Waiting) {
  const { id, decided } = purchase
  const { payTo: payee, model, payAtoms: atoms, maxAtoms: priceAtoms } = decided.quote
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

function tried({ decided, differing }: Traffic.Trial, file: string): string {
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
