/** @module `requite claim`: takes what the last published epoch owes a key's address. */
import { existsSync } from 'node:fs'
import { defineCommand } from 'citty'
import { InputError } from '../../kernel/Errors.ts'
import * as Money from '../../kernel/Money.ts'
import * as Keystore from '../../wallets/Keystore.ts'
import * as Chain from '../Chain.ts'
import * as Claim from '../Claim.ts'
import * as Config from '../Config.ts'
import * as Control from '../Control.ts'
import * as Home from '../Home.ts'
import * as Print from '../Print.ts'
import * as Run from '../Run.ts'

export default defineCommand({
  meta: { name: 'claim', description: 'Claim what a key earned and an epoch published' },
  args: {
    ...Run.flags,
    key: {
      type: 'string',
      description: 'Key file; the local test owner of this repository’s documents unless given',
    },
  },
  run: ({ args }) =>
    Run.command(args.json, async () => {
      const home = Home.of(await Config.load(args))
      const place = Chain.readPlace(home)
      const file = args.key ?? Home.key(home.owner)
      if (!existsSync(file))
        throw new InputError(`expected a key file, found none at ${file}`, { code: 'file-missing' })
      const wallet = await Keystore.open({ file, localChain: true })
      const claimed = await Claim.claim({ place, baseUrl: Chain.baseUrl(home, place), wallet })
      if (claimed !== undefined && Control.find(home.node) !== undefined)
        await Control.call(home.node, 'observe')
      if (Run.wantsJson(args.json)) {
        const claim = claimed === undefined ? null : { ...claimed, atoms: String(claimed.atoms) }
        Print.line(JSON.stringify({ v: 1, account: wallet.address, claim }))
      } else if (claimed === undefined)
        Print.line(
          `nothing new to claim for ${wallet.address}; \`npx requite epoch\` publishes what was earned since`,
        )
      else
        Print.line(
          `claimed ${Money.format(Money.of(place.asset, claimed.atoms))} to ${claimed.account}\ntx ${claimed.tx}`,
        )
      return 0
    }),
})
