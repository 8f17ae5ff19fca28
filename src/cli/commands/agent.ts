/** @module `requite agent`: the agent of a home as a process; `start` supervises one. */
import { defineCommand } from 'citty'
import * as AgentProcess from '../AgentProcess.ts'
import * as Config from '../Config.ts'
import * as Home from '../Home.ts'
import * as Print from '../Print.ts'
import * as Run from '../Run.ts'
import * as Supervisor from '../Supervisor.ts'

export default defineCommand({
  meta: { name: 'agent', description: 'Run the agent alone (its chain must be running)' },
  args: {
    ...Run.flags,
    policy: { type: 'string', description: 'Policy file (policy.yaml)' },
    shadow: { type: 'string', description: 'Policy file on trial: recorded, without effect' },
    port: { type: 'string', description: 'Port of the node (4020)' },
  },
  run: ({ args }) =>
    Run.command(args.json, async () => {
      const config = await Config.load(args)
      await Supervisor.run(
        () => AgentProcess.start(Home.of(config), config, Print.note),
        () => ({ agent: config.agent }),
      )
      return 0
    }),
})
