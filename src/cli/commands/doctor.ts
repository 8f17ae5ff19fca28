/** @module `requite doctor`: what is there, what is missing, and how to get it. */
import { existsSync } from 'node:fs'
import { defineCommand } from 'citty'
import { problem } from '../../kernel/Errors.ts'
import * as LocalChain from '../../wallets/LocalChain.ts'
import * as Chain from '../Chain.ts'
import { colors } from '../Colors.ts'
import * as Config from '../Config.ts'
import * as Control from '../Control.ts'
import * as Home from '../Home.ts'
import * as Policies from '../Policies.ts'
import * as Print from '../Print.ts'
import * as Run from '../Run.ts'

type Finding = {
  readonly what: string
  readonly ok: boolean
  readonly found: string
  readonly hint?: string
}

export default defineCommand({
  meta: { name: 'doctor', description: 'Say what is missing and how to get it' },
  args: { ...Run.flags, policy: { type: 'string', description: 'Policy file (policy.yaml)' } },
  run: ({ args }) =>
    Run.command(args.json, async () => {
      const findings = await examine(args)
      if (Run.wantsJson(args.json)) Print.line(JSON.stringify({ v: 1, findings }))
      else
        for (const { what, ok, found, hint } of findings) {
          Print.line(`${ok ? colors.green('✓') : colors.red('✗')} ${what}: ${found}`)
          if (hint !== undefined) Print.line(`    ${hint}`)
        }
      return findings.every(({ ok }) => ok) ? 0 : 1
    }),
})

async function examine(flags: Config.Flags): Promise<Finding[]> {
  const config = await Config.load(flags)
  const home = Home.of(config)
  const started = existsSync(home.contracts)
  return [
    await look('Node', async () => process.versions.node),
    await look('anvil', async () => LocalChain.find()),
    await look('home', async () =>
      started ? home.root : `${home.root} (not made yet; \`npm start\` does)`,
    ),
    await look('policy', async () => {
      const { name, rules } = Policies.read(config.policy, Policies.assets(home, config))
      return `${name}, ${rules.length} rules, no mistakes`
    }),
    await look('chain', async () => {
      if (!started) return 'not started yet'
      try {
        const chain = await Chain.open(Chain.readPlace(home))
        return `chain ${chain.chainId}, block ${await chain.blockNumber()}`
      } catch (error) {
        if (problem(error).code === 'chain-unreachable') return 'not running (`npm start` runs it)'
        throw error
      }
    }),
    ...[home.node, home.agent].map((folder) => ({
      what: folder === home.node ? 'node' : 'agent',
      ok: true,
      found: Control.find(folder) === undefined ? 'not running' : 'running',
    })),
  ]
}

/** Where the test dollar lies on every fresh local chain: the deployer and its first nonce say so. */
async function look(what: string, find: () => Promise<string>): Promise<Finding> {
  try {
    return { what, ok: true, found: await find() }
  } catch (error) {
    const { title, hint } = problem(error)
    return { what, ok: false, found: title, ...(hint === undefined ? {} : { hint }) }
  }
}
