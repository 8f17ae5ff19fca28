/** @module What every `requite policy` command begins with: flags, configuration, home, policy files. */
import type * as Asset from '../../kernel/Asset.ts'
import type * as Policy from '../../policies/Policy.ts'
import * as Config from '../Config.ts'
import * as Home from '../Home.ts'
import * as Policies from '../Policies.ts'
import * as Run from '../Run.ts'

/** Flags of commands that look at a policy in a home. */
export const flags = {
  ...Run.flags,
  policy: { type: 'string', description: 'Policy file, when no agent runs (policy.yaml)' },
} as const

/** What is configured, and how policy files are read in it. */
export type Context = {
  readonly config: Config.Config
  readonly home: Home.Home
  readonly assets: readonly Asset.Asset[]
  /** Throws `policy-missing`, `bad-policy`, `unknown-asset`. */
  readonly read: (file: string) => Policy.Policy
}

/** Loads it. Throws `bad-config`. */
export async function load(given: Config.Flags): Promise<Context> {
  const config = await Config.load(given)
  const home = Home.of(config)
  const assets = Policies.assets(home, config)
  return { config, home, assets, read: (file) => Policies.read(file, assets) }
}

/** A flag's text. Throws `InputError` (`usage`, exit code 2) when it was not given. */
export function need(value: string | undefined, flag: string, what: string): string {
  if (value !== undefined && value.trim() !== '') return value
  throw Run.usage(`expected --${flag}: ${what}`)
}
