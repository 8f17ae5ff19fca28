/** @module `requite ask`: one question to the running agent, or by its own hand when none runs. */
import { defineCommand } from 'citty'
import type * as Buyer from '../../agents/Buyer.ts'
import * as Json from '../../kernel/Json.ts'
import * as AgentProcess from '../AgentProcess.ts'
import * as Chain from '../Chain.ts'
import * as Config from '../Config.ts'
import * as Control from '../Control.ts'
import * as Home from '../Home.ts'
import * as Print from '../Print.ts'
import * as Row from '../Row.ts'
import * as Run from '../Run.ts'

export default defineCommand({
  meta: {
    name: 'ask',
    description: 'Ask the agent a question; it buys the answer under its policy',
  },
  args: {
    ...Run.flags,
    question: { type: 'positional', description: 'The question, in quotes', required: true },
    policy: { type: 'string', description: 'Policy file, when no agent runs (policy.yaml)' },
  },
  run: ({ args }) =>
    Run.command(args.json, async () => {
      const { question } = args
      Run.expectQuestion(question)
      const config = await Config.load(args)
      const home = Home.of(config)
      const place = Chain.readPlace(home)
      const outcome = await ask(home, config, question)
      const baseUrl = Chain.baseUrl(home, place)
      if (Run.wantsJson(args.json))
        Print.line(
          JSON.stringify({
            v: 1,
            ...Row.of(question, outcome),
            state: outcome.state,
            reasons: Json.plain(outcome.reasons),
            receipt: outcome.delivered === undefined ? null : outcome.delivered.receiptHash,
            ...(outcome.delivered === undefined ? { message: Print.plainRefusal(outcome) } : {}),
          }),
        )
      else Print.line(Print.outcome(question, outcome, { asset: place.asset, baseUrl }))
      return exitCode(outcome)
    }),
})

async function ask(
  home: Home.Home,
  config: Config.Config,
  question: string,
): Promise<Buyer.Outcome> {
  if (Control.find(home.agent) !== undefined) {
    const answered = await Control.call(home.agent, 'ask', { question })
    return (answered as { outcome: Buyer.Outcome }).outcome
  }
  const { buyer, agent } = await AgentProcess.open(home, config)
  try {
    await buyer.finish()
    return (await agent.ask(question)).outcome
  } finally {
    await buyer.close()
  }
}

/** 3 denied, 4 needs approval, 5 over a budget's meter, 1 anything else that brought no answer. */
function exitCode({ state, verdict, reasons }: Buyer.Outcome): Run.ExitCode {
  if (state === 'captured') return 0
  if (verdict === 'review') return 4
  if (verdict !== 'deny') return 1
  const denied = reasons.find(({ outcome }) => outcome === 'deny')
  return denied?.meter === undefined ? 3 : 5
}
