/** @module `requite node`: the node of a home as a process; `start` supervises one. */
import { defineCommand } from 'citty'
import * as Config from '../Config.ts'
import * as Home from '../Home.ts'
import * as NodeProcess from '../NodeProcess.ts'
import * as Print from '../Print.ts'
import * as Run from '../Run.ts'
import * as Supervisor from '../Supervisor.ts'

export default defineCommand({
  meta: { name: 'node', description: 'Run the node alone (its chain must be running)' },
  args: {
    ...Run.flags,
    policy: { type: 'string', description: 'Policy file (policy.yaml)' },
    port: { type: 'string', description: 'Port (4020); 0 takes any that is free' },
  },
  run: ({ args }) =>
    Run.command(args.json, async () => {
      const config = await Config.load(args)
      await Supervisor.run(
        () => NodeProcess.start(Home.of(config), config, Print.note),
        ({ baseUrl }) => ({ baseUrl }),
      )
      return 0
    }),
})
