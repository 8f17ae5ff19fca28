/** @module `requite ask`: one question to the running agent, or by its own hand when none runs. */
import { defineCommand } from 'citty'
import type * as Buyer from '../../agents/Buyer.ts'
import * as AgentProcess from '../AgentProcess.ts'
import * as Answer from '../Answer.ts'
import * as Chain from '../Chain.ts'
import * as Config from '../Config.ts'
import * as Control from '../Control.ts'
import * as Home from '../Home.ts'
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
    shadow: { type: 'string', description: 'Policy file on trial, when no agent runs' },
  },
  run: ({ args }) =>
    Run.command(args.json, async () => {
      const { question } = args
      Run.expectQuestion(question)
      const config = await Config.load(args)
      const home = Home.of(config)
      const place = Chain.readPlace(home)
      const outcome = await ask(home, config, question)
      const flags = args.home === undefined ? [] : ['--home', args.home]
      Answer.print(question, outcome, { home, place, flags, json: Run.wantsJson(args.json) })
      return Answer.exitCode(outcome)
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
