/** @module `requite registry`: where the agents of this machine find one another. */
import { defineCommand } from 'citty'
import { InputError } from '../../kernel/Errors.ts'
import * as Http from '../../server/Http.ts'
import * as Registry from '../../server/Registry.ts'
import * as ChainReader from '../../wallets/Chain.ts'
import * as Chain from '../Chain.ts'
import * as Config from '../Config.ts'
import * as Home from '../Home.ts'
import * as Print from '../Print.ts'
import * as Run from '../Run.ts'
import * as Supervisor from '../Supervisor.ts'

const usualPort = 4021

export default defineCommand({
  meta: {
    name: 'registry',
    description: 'Run a registry (its chain must be running): where agents find one another',
  },
  args: {
    ...Run.flags,
    port: { type: 'string', description: 'Port (4021); 0 takes any that is free' },
  },
  run: ({ args }) =>
    Run.command(args.json, async () => {
      const place = Chain.readPlace(Home.of(await Config.load({ home: args.home })))
      const chain = await ChainReader.open(place)
      const { asset } = place
      const app = Registry.create({ asset, chain, address: Http.address })
      const open = async () => {
        const served = await Http.serve(app.fetch, portOf(args.port))
        const { baseUrl } = served
        if (Run.wantsJson(args.json)) Print.line(JSON.stringify({ v: 1, registry: baseUrl }))
        else Print.line(`registry at ${baseUrl}; what is announced is kept until it ends`)
        return served
      }
      await Supervisor.run(open, ({ baseUrl }) => ({ baseUrl }))
      return 0
    }),
})

function portOf(text: string | undefined): number {
  const port = text === undefined ? usualPort : Number(text)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new InputError(`expected --port from 0 to 65535, got ${text}`)
}
