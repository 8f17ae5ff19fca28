/** @module The agent as a process: opens its buyer, ends what a crash left open, answers questions. */
import { resolve } from 'node:path'
import { z } from 'zod'
import * as Agent from '../agents/Agent.ts'
import * as Buyer from '../agents/Buyer.ts'
import { InputError } from '../kernel/Errors.ts'
import * as Chain from './Chain.ts'
import type { Config } from './Config.ts'
import * as Control from './Control.ts'
import * as Door from './Door.ts'
import type * as Home from './Home.ts'
import * as PolicyWatch from './PolicyWatch.ts'
import * as Run from './Run.ts'
import * as Supervisor from './Supervisor.ts'

/** A running agent. */
export type Running = { close(): Promise<void> }

const question = z.strictObject({ question: z.string().min(1).max(Run.longestQuestion) })

/** Opens the agent of a home without taking calls: what `ask` does when no agent runs. */
export async function open(home: Home.Home, config: Config) {
  const place = Chain.readPlace(home)
  const baseUrl = Chain.baseUrl(home, place)
  const buyer = await Buyer.open({
    dir: home.agent,
    name: config.agent,
    wallet: await Chain.key(home.agent),
    chain: await Chain.open(place),
    contracts: Chain.contracts(place),
    policy: config.policy,
    ...(config.shadow === undefined ? {} : { shadow: config.shadow }),
    local: true,
    onPoisoned: Supervisor.die,
  })
  const agent = Agent.create({
    name: config.agent,
    buyer,
    model: { baseUrl: `${baseUrl}/v1`, model: 'docs-reader' },
  })
  return { buyer, agent }
}

/** Runs the agent of a home. Throws `journal-in-use`, `bad-policy`. */
export async function start(
  home: Home.Home,
  config: Config,
  note: (text: string) => void,
): Promise<Running> {
  const { buyer, agent } = await open(home, config)
  const finished = await buyer.finish()
  for (const { purchase, state } of finished)
    note(`purchase ${purchase.slice(0, 10)}… was left open and is now ${state}`)
  const goingOn = agent.open()
  if (goingOn > 0) note(`${goingOn} runs go on`)
  const { asset } = Chain.readPlace(home)
  const watches = [
    PolicyWatch.on({ file: config.policy, role: 'in force', asset, note }),
    ...(config.shadow === undefined
      ? []
      : [PolicyWatch.on({ file: config.shadow, role: 'on trial', asset, note })]),
  ]
  const control = await Control.serve(home.agent, {
    ...Door.handlers(buyer),
    ask: async (argument) => {
      const parsed = question.safeParse(argument)
      if (!parsed.success) throw new InputError('expected a question of 1 to 8,000 characters')
      return agent.ask(parsed.data.question)
    },
    // Reads no policy: operators get in whatever became of the file.
    status: async () => ({
      agent: config.agent,
      address: buyer.address,
      spentAtoms: buyer.spentAtoms(),
      policyFile: resolve(config.policy),
      ...(config.shadow === undefined ? {} : { shadowFile: resolve(config.shadow) }),
    }),
  })
  return {
    async close() {
      for (const watch of watches) watch.close()
      await control.close()
      await buyer.close()
    },
  }
}
