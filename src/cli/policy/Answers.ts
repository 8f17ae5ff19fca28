/** @module `requite policy approve` and `deny`: somebody answers for a payment under review. */

import { defineCommand } from 'citty'
import * as PurchaseTerms from '../../economy/PurchaseTerms.ts'
import { InputError } from '../../kernel/Errors.ts'
import * as Money from '../../kernel/Money.ts'
import * as Answer from '../Answer.ts'
import * as Desk from '../Desk.ts'
import * as Operating from '../Operating.ts'
import * as Print from '../Print.ts'
import * as Run from '../Run.ts'
import * as Verdict from '../Verdict.ts'
import * as Context from './Context.ts'

const common = {
  ...Context.flags,
  purchase: {
    type: 'positional',
    description: 'The purchase: its id or the beginning of it',
    required: true,
  },
  by: { type: 'string', description: 'Who answers: one whom the policy names' },
} as const

/** Lets it pass and goes on with it: prints the answer, like `ask`. */
export const approve = defineCommand({
  meta: {
    name: 'approve',
    description: 'Let a payment under review pass, go on with it, and print the answer',
  },
  args: {
    ...common,
    'up-to': {
      type: 'string',
      description: 'The most that may leave for it (its quoted price, change or not)',
    },
  },
  run: ({ args }) =>
    Run.command(args.json, async () => {
      const { home, config } = await Context.load(args)
      const desk = await Desk.open(home, config)
      const { place } = desk
      const purchase = Desk.find(desk, args.purchase)
      const by = answerer(desk, args.by)
      const upTo = args['up-to']
      const { maxAtoms } = PurchaseTerms.of(desk.purchases.purchases.get(purchase)!.decided)
      const ceilingAtoms =
        upTo === undefined ? BigInt(maxAtoms) : Money.parse(upTo, place.asset).atoms
      const outcome = await Operating.approve(desk, { purchase, by, ceilingAtoms })
      const question = Desk.question(home, purchase) ?? Verdict.short(purchase)
      const flags = args.home === undefined ? [] : ['--home', args.home]
      Answer.print(question, outcome, { home, place, flags, json: Run.wantsJson(args.json) })
      return Answer.exitCode(outcome)
    }),
})

/** Ends it unpaid. */
export const deny = defineCommand({
  meta: { name: 'deny', description: 'End a payment under review unpaid, and say why' },
  args: { ...common, because: { type: 'string', description: 'Why; it is recorded' } },
  run: ({ args }) =>
    Run.command(args.json, async () => {
      const because = Context.need(args.because, 'because', 'why it is denied')
      const { home, config } = await Context.load(args)
      const desk = await Desk.open(home, config)
      const purchase = Desk.find(desk, args.purchase)
      const by = answerer(desk, args.by)
      await Operating.decline(desk, { purchase, by, because })
      if (Run.wantsJson(args.json))
        Print.line(JSON.stringify({ v: 1, purchase, denied: { by, because } }))
      else Print.line(`${Verdict.short(purchase)} is denied by ${by}; nothing was paid for it`)
      return 0
    }),
})

/** Who answers, if it need not be said: the only one who may. */
function answerer(desk: Desk.Desk, by: string | undefined): string {
  if (by !== undefined) return by
  const [name, ...others] = Verdict.approvers(desk.policy())
  if (name !== undefined && others.length === 0) return name
  const named = name === undefined ? 'nobody now' : [name, ...others].join(' or ')
  throw new InputError(`expected --by: who answers; the policy names ${named}`, { code: 'usage' })
}
