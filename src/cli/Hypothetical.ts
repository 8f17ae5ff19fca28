/**
 * @module Hypothetical requests: what `requite policy explain` asks a policy, put together from flags.
 * What no flag says is as in the agent's last request or, before the first, as the local node would quote.
 */
import type * as Asset from '../kernel/Asset.ts'
import { InputError } from '../kernel/Errors.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Money from '../kernel/Money.ts'
import * as Share from '../kernel/Share.ts'
import type * as Request from '../policies/Request.ts'

/** Flags that state a fact of a request, as citty wants them. */
export const flags = {
  amount: { type: 'string', description: 'What it may cost at most, e.g. "0.02 USDC"' },
  payee: { type: 'string', description: 'Who is paid: an address' },
  host: { type: 'string', description: 'Where it is bought, e.g. 127.0.0.1:4020' },
  model: { type: 'string', description: 'Which model is asked' },
  agent: { type: 'string', description: 'Who buys: an address' },
  adapter: { type: 'string', description: 'Adapter of the model; none, if it has none' },
  datanet: { type: 'string', description: 'Datanet that the model answers from' },
  tool: { type: 'string', description: 'Tool that spends; none, if none does' },
  category: { type: 'string', description: 'What for, e.g. inference' },
  coverage: { type: 'string', description: 'Coverage that the quote promises, e.g. 50%' },
  'royalty-share': { type: 'string', description: 'Share for those behind the answer, e.g. 50%' },
  rarity: { type: 'string', description: 'Rarity that the quote promises, e.g. 10%' },
  slippage: { type: 'string', description: 'What the trade may lose at most, e.g. 1%' },
  'trust-tier': { type: 'string', description: 'How far the device is trusted, 0 to 9' },
  'device-seconds': { type: 'string', description: 'Device time that the quote reserves' },
  drawdown: { type: 'string', description: 'What the account has lost since its peak, e.g. 4%' },
  'approved-by': { type: 'string', description: 'Who approved payee, model and amount' },
  at: { type: 'string', description: 'When, e.g. 2026-03-29T01:30Z (now)' },
} as const

/** What was given for them. */
export type Given = { readonly [Flag in keyof typeof flags]?: string | undefined }

/** A request of an asset, and when it is asked. */
export type Asked = { readonly request: Request.Request; readonly atMs: number }

/** What stands where no flag does; without an amount, one must be given. */
export type Defaults = Omit<Request.Request, 'id' | 'digest' | 'asset' | 'atoms'> & {
  readonly atoms?: bigint
}

/** The request that flags state. Throws `InputError` that names the flag. */
export function read(
  given: Given,
  { asset, defaults, nowMs }: { asset: Asset.Asset; defaults: Defaults; nowMs: number },
): Asked {
  const atMs = given.at === undefined ? nowMs : moment('at', given.at)
  const atoms = given.amount === undefined ? defaults.atoms : money(given.amount, asset)
  if (atoms === undefined)
    throw new InputError(`expected --amount, such as --amount "0.02 ${asset.symbol}"`, {
      code: 'usage',
      hint: 'without it the amount of the last request is taken, and there is none yet',
    })
  const facts = { ...defaults, atoms, asset: asset.id, ...names(given), ...measures(given, atMs) }
  const { payee, model } = facts
  const by = given['approved-by']
  const approval = by === undefined ? {} : { approval: { by, payee, model, ceilingAtoms: atoms } }
  return { atMs, request: { ...facts, ...approval, id: salt(), digest: salt() } }
}

const plain = ['payee', 'host', 'model', 'agent', 'adapter', 'datanet', 'tool', 'category'] as const

function names(given: Given): Partial<Record<(typeof plain)[number], string>> {
  const stated = plain.filter((name) => given[name] !== undefined)
  return Object.fromEntries(stated.map((name) => [name, given[name]]))
}

function measures(given: Given, asOfMs: number): Partial<Request.Request> {
  const { coverage, rarity, slippage, drawdown } = given
  const [royalty, tier, seconds] = [
    given['royalty-share'],
    given['trust-tier'],
    given['device-seconds'],
  ]
  return {
    ...(coverage === undefined ? {} : { coveragePpb: share('coverage', coverage) }),
    ...(royalty === undefined ? {} : { royaltySharePpb: share('royalty-share', royalty) }),
    ...(rarity === undefined ? {} : { rarityPpb: share('rarity', rarity) }),
    ...(slippage === undefined ? {} : { slippagePpb: share('slippage', slippage) }),
    ...(tier === undefined ? {} : { trustTier: whole('trust-tier', tier) }),
    ...(seconds === undefined
      ? {}
      : { deviceMs: BigInt(whole('device-seconds', seconds)) * 1_000n }),
    ...(drawdown === undefined ? {} : { drawdown: { ppb: share('drawdown', drawdown), asOfMs } }),
  }
}

function share(flag: string, text: string): bigint {
  return told(flag, () => Share.parse(text))
}

function money(text: string, asset: Asset.Asset): bigint {
  return told('amount', () => Money.parse(text, asset).atoms)
}

function told<Value>(flag: string, parse: () => Value): Value {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    throw new InputError(`--${flag}: ${error.message}`, { code: 'usage', cause: error })
  }
}

function whole(flag: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InputError(`--${flag}: expected a whole number, got ${JSON.stringify(text)}`, {
    code: 'usage',
  })
}

/** A time that a flag states, in milliseconds since 1970. Throws `InputError` that names the flag. */
export function moment(flag: string, text: string): number {
  const atMs = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)$/.test(text)
    ? Date.parse(text)
    : Number.NaN
  if (atMs >= 0) return atMs
  const got = JSON.stringify(text)
  throw new InputError(`--${flag}: expected a time such as 2026-03-29T01:30Z, got ${got}`, {
    code: 'usage',
  })
}

/** An id that nobody has asked under before. */
function salt(): Hex.Hex {
  return Hex.encode(crypto.getRandomValues(new Uint8Array(32)))
}
