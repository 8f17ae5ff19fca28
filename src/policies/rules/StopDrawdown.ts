/**
 * @module `stop at drawdown 10% seen within 5m`: nothing is paid once the account has lost this share since
 * its peak, nor when nobody has looked for so long.
 */
import { InputError } from '../../kernel/Errors.ts'
import * as Money from '../../kernel/Money.ts'
import * as Share from '../../kernel/Share.ts'
import type { Kind } from '../Kind.ts'
import { missing } from '../Kind.ts'
import * as Sentence from '../Sentence.ts'
import { record, show } from '../Untrusted.ts'
import * as Window from '../Window.ts'

/** The rule as plain JSON; parts per billion as a decimal string. */
export type StopDrawdown = {
  readonly rule: 'stop-drawdown'
  readonly drawdownPpb: string
  readonly withinMs: number
}

/** Reads, writes and judges `stop at drawdown … seen within …`. */
export const kind: Kind<StopDrawdown> = {
  rule: 'stop-drawdown',
  examples: () => ['stop at drawdown 10% seen within 5m'],
  read(cursor) {
    for (const word of ['stop', 'at', 'drawdown']) Sentence.word(cursor, word)
    const drawdownPpb = Sentence.share(cursor).toString()
    for (const word of ['seen', 'within']) Sentence.word(cursor, word)
    const withinMs = Sentence.duration(cursor)
    Sentence.end(cursor)
    return { rule: 'stop-drawdown', drawdownPpb, withinMs }
  },
  format: ({ drawdownPpb, withinMs }) =>
    `stop at drawdown ${Share.format(BigInt(drawdownPpb))} seen within ${Window.duration(withinMs)}`,
  fromJson(value) {
    const keys = ['rule', 'drawdownPpb', 'withinMs']
    const { drawdownPpb, withinMs } = record(value, 'a stop-drawdown rule', keys)
    const ppb = Money.atoms(drawdownPpb, 'drawdownPpb')
    if (ppb > Share.whole)
      throw new InputError(`expected drawdownPpb of at most ${Share.whole}, got ${ppb}`)
    if (!Window.is(withinMs))
      throw new InputError(`expected withinMs as whole seconds, got ${show(withinMs)}`)
    return { rule: 'stop-drawdown', drawdownPpb: ppb.toString(), withinMs }
  },
  judge({ drawdownPpb, withinMs }, { sentence: rule }) {
    const most = BigInt(drawdownPpb)
    return {
      rule,
      outcome({ drawdown }, nowMs) {
        if (drawdown === undefined || !Window.isFresh(drawdown.asOfMs, nowMs, withinMs))
          return 'deny'
        return drawdown.ppb < most ? 'allow' : 'deny'
      },
      because({ drawdown }, nowMs) {
        if (drawdown === undefined) return missing(rule, 'drawdown')
        if (!Window.isFresh(drawdown.asOfMs, nowMs, withinMs))
          return `${rule}: last seen ${Window.age(drawdown.asOfMs, nowMs)}`
        return `${rule}: ${Share.format(drawdown.ppb)} lost`
      },
    }
  },
}
