/** @module `demand trust tier 2`: the device that works must be trusted at least so far, from 0 to 9. */
import { InputError } from '../../kernel/Errors.ts'
import type { Kind } from '../Kind.ts'
import { missing } from '../Kind.ts'
import * as Request from '../Request.ts'
import * as Sentence from '../Sentence.ts'
import { record, show } from '../Untrusted.ts'

/** The rule as plain JSON. */
export type DemandTrustTier = { readonly rule: 'demand-trust-tier'; readonly tier: number }

/** Reads, writes and judges `demand trust tier …`. */
export const kind: Kind<DemandTrustTier> = {
  rule: 'demand-trust-tier',
  examples: () => ['demand trust tier 2'],
  read(cursor) {
    for (const word of ['demand', 'trust', 'tier']) Sentence.word(cursor, word)
    const tier = Sentence.count(cursor, 'a trust tier', Request.mostTrusted, 0)
    Sentence.end(cursor)
    return { rule: 'demand-trust-tier', tier }
  },
  format: ({ tier }) => `demand trust tier ${tier}`,
  fromJson(value) {
    const { tier } = record(value, 'a demand-trust-tier rule', ['rule', 'tier'])
    if (!Number.isInteger(tier) || Object.is(tier, -0) || Number(tier) < 0)
      throw new InputError(`expected tier from 0 to ${Request.mostTrusted}, got ${show(tier)}`)
    if (Number(tier) > Request.mostTrusted)
      throw new InputError(`expected tier from 0 to ${Request.mostTrusted}, got ${show(tier)}`)
    return { rule: 'demand-trust-tier', tier: tier as number }
  },
  judge: ({ tier }, { sentence: rule }) => ({
    rule,
    outcome: ({ trustTier }) => (trustTier !== undefined && trustTier >= tier ? 'allow' : 'deny'),
    because: ({ trustTier }) =>
      trustTier === undefined ? missing(rule, 'trust tier') : `${rule}: tier ${trustTier} promised`,
  }),
}
