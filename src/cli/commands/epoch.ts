/** @module `requite epoch`: closes an epoch, so that what was earned can be claimed. */
import { defineCommand } from 'citty'
import * as Money from '../../kernel/Money.ts'
import * as Chain from '../Chain.ts'
import * as Config from '../Config.ts'
import * as Control from '../Control.ts'
import * as Home from '../Home.ts'
import * as Print from '../Print.ts'
import * as Run from '../Run.ts'

export default defineCommand({
  meta: { name: 'epoch', description: 'Close an epoch: publish what everybody earned, on chain' },
  args: Run.flags,
  run: ({ args }) =>
    Run.command(args.json, async () => {
      const home = Home.of(await Config.load(args))
      const { asset } = Chain.readPlace(home)
      const epoch = (await Control.call(home.node, 'epoch')) as {
        epoch: number
        root: string
        totalAtoms: string
        tx: string
        receipts: number
      } | null
      if (Run.wantsJson(args.json)) Print.line(JSON.stringify({ v: 1, epoch }))
      else if (epoch === null)
        Print.line('nothing new to publish: no receipt was funded since the last epoch')
      else
        Print.line(
          `epoch ${epoch.epoch} published: ${epoch.receipts} receipts, ${Money.format(Money.of(asset, BigInt(epoch.totalAtoms)))} in all\nroot ${epoch.root}\ntx   ${epoch.tx}`,
        )
      return 0
    }),
})
