/**
 * @module Desk: an agent's books as its operator sees them: what was decided, what waits, which policy is
 * in force. Read from the journal, beside its writer or without one; nothing is written.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import * as Economy from '../economy/Economy.ts'
import type * as Event from '../economy/Event.ts'
import * as Purchases from '../economy/Purchases.ts'
import * as PurchaseTerms from '../economy/PurchaseTerms.ts'
import { BaseError, InputError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import type * as Policy from '../policies/Policy.ts'
import * as Record from '../provenance/Record.ts'
import * as Journal from '../store/Journal.ts'
import * as Requests from '../store/Requests.ts'
import * as Chain from './Chain.ts'
import type { Config } from './Config.ts'
import * as Control from './Control.ts'
import * as Fold from './Fold.ts'
import * as Home from './Home.ts'
import * as Policies from './Policies.ts'

/** What an operator looks at. */
export type Desk = {
  readonly home: Home.Home
  readonly config: Config
  readonly place: Chain.Place
  readonly purchases: Purchases.Purchases
  readonly opened: Economy.Economy['opened']
  /** The agent's process, if it runs. */
  readonly pid: number | undefined
  readonly policyFile: string
  readonly shadowFile: string | undefined
  /** The policy in force. Throws `policy-missing`, `bad-policy`. */
  policy(): Policy.Policy
  /** The policy on trial, if there is one. */
  shadow(): Policy.Policy | undefined
}

const files = z.looseObject({ policyFile: z.string(), shadowFile: z.string().optional() })

/** Opens it. A running agent says which policy it is under. Throws `not-started`. */
export async function open(home: Home.Home, config: Config): Promise<Desk> {
  const place = Chain.readPlace(home)
  const file = Home.journal(home.agent)
  const { purchases, opened } = existsSync(file) ? Fold.journal(file) : Economy.empty()
  const pid = Control.find(home.agent)?.pid
  const told = pid === undefined ? undefined : await Control.call(home.agent, 'status')
  const parsed = files.safeParse(told)
  const { policyFile, shadowFile } = parsed.success
    ? parsed.data
    : { policyFile: config.policy, shadowFile: config.shadow }
  const assets = Policies.assets(home, config)
  return {
    ...{ home, config, place, purchases, opened, pid },
    policyFile: resolve(policyFile),
    shadowFile: shadowFile === undefined ? undefined : resolve(shadowFile),
    policy: () => Policies.read(policyFile, assets),
    shadow: () => (shadowFile === undefined ? undefined : Policies.read(shadowFile, assets)),
  }
}

/** The time that counts in the log: never before its last record. */
export function now({ purchases }: Desk): number {
  return Math.max(purchases.usage.latestMs, Date.now())
}

/** One purchase that waits for an answer. */
export type Waiting = {
  readonly purchase: Purchases.Purchase
  readonly expiresAtMs: number
  /** What was asked, if the request is still there. */
  readonly question: string | undefined
}

/** What waits for somebody's approval, oldest first. */
export function waiting(desk: Desk): readonly Waiting[] {
  const { purchases, home } = desk
  const { reviews } = purchases.usage
  return [...purchases.purchases.values()].flatMap((purchase) => {
    const isOpen = Purchases.isWaiting(purchases, purchase, now(desk))
    if (!isOpen || purchase.approved !== undefined) return []
    const expiresAtMs = reviews.get(purchase.hold)!
    return [{ purchase, expiresAtMs, question: question(home, purchase.id) }]
  })
}

/** The last words that a purchase asks a model. */
export function question(home: Home.Home, purchase: Hex): string | undefined {
  const order = Requests.get(home.agent, purchase)
  const body = order?.kind === undefined ? order?.body : undefined
  const asked = body === undefined ? undefined : chat.safeParse(body)
  const last = asked?.success === true ? asked.data.messages.at(-1) : undefined
  return typeof last?.content === 'string' ? last.content : undefined
}

const chat = z.looseObject({ messages: z.array(z.looseObject({ content: z.unknown() })) })

/** So far back it is looked for: what was decided a moment ago is among the last. */
const fewRecords = 1_000

/** The most that a purchase may cost by its quote, with no change applied; undefined if it is not found. */
export function priceAtoms(home: Home.Home, purchase: Hex): bigint | undefined {
  const reader = Journal.reader(Home.journal(home.agent))
  try {
    for (const text of reader.read(Math.max(0, reader.size() - fewRecords))) {
      const { event } = Record.decode(text) as { event: Event.Event }
      if (event.type === 'decided' && event.purchase === purchase)
        return BigInt(PurchaseTerms.of(event).maxAtoms)
    }
    return undefined
  } finally {
    reader.close()
  }
}

/**
 * The id that a beginning stands for: of what waits, else of all. Throws `InputError`
 * (`purchase-unknown`, `purchase-ambiguous`).
 */
export function find(desk: Desk, beginning: string): Hex {
  const digits = beginning.trim().toLowerCase().replace(/^0x/, '').replace(/…$/, '')
  if (!/^[0-9a-f]{1,64}$/.test(digits))
    throw new InputError(
      `expected a purchase by its id or the beginning of it, such as 0x3f2a91bc, got ${JSON.stringify(beginning)}`,
    )
  const matches = (ids: readonly Hex[]) => ids.filter((id) => id.startsWith(`0x${digits}`))
  const open = matches(waiting(desk).map(({ purchase }) => purchase.id))
  const found = open.length > 0 ? open : matches([...desk.purchases.purchases.keys()])
  if (found.length === 1) return found[0]!
  if (found.length === 0)
    throw new BaseError(`no purchase begins with 0x${digits}`, {
      code: 'purchase-unknown',
      hint: '`npx requite policy approvals` lists what waits for an answer',
    })
  const some = found.slice(0, 5).map((id) => `${id.slice(0, 18)}…`)
  throw new InputError(`${found.length} purchases begin with 0x${digits}: ${some.join(', ')}`, {
    code: 'purchase-ambiguous',
    hint: 'write more of the id',
  })
}
