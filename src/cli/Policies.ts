/** @module Policy files as commands find them: in the local chain's asset, or in one that is configured. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import * as Asset from '../kernel/Asset.ts'
import { InputError } from '../kernel/Errors.ts'
import * as Policy from '../policies/Policy.ts'
import * as Files from '../store/Files.ts'
import * as LocalChain from '../wallets/LocalChain.ts'
import * as Chain from './Chain.ts'
import type { Config } from './Config.ts'
import type * as Home from './Home.ts'

/** What a local chain's test dollar is before there is a chain: the first token deployed has no other address. */
const localAsset = Asset.from({
  id: `eip155:${LocalChain.chainId}/erc20:0x5fbdb2315678afecb367f032d93f642f64180aa3`,
  decimals: 6,
  symbol: 'USDC',
})

/** The assets that a policy of this home may be in. */
export function assets(home: Home.Home, config: Config): readonly Asset.Asset[] {
  const local = existsSync(home.contracts) ? Chain.readPlace(home).asset : localAsset
  return [local, ...config.assets.map(Asset.from)]
}

/** Reads a policy file. Throws `policy-missing`, `bad-policy`, `unknown-asset`. */
export function read(file: string, assets: readonly Asset.Asset[]): Policy.Policy {
  const text = Files.readText(file)
  if (text === undefined) throw missing(file)
  return Policy.parse(text, { file, assets })
}

/** That there is no policy file, and what to do. */
export function missing(file: string): InputError {
  return new InputError(`expected a policy file at ${resolve(file)}, found none`, {
    code: 'policy-missing',
    hint: 'without a policy nothing can be spent: copy policy.yaml of this package, or name one with --policy',
  })
}
