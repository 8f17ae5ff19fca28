/** @module What goes wrong between two traders: each fault is one paid request that does not come through. */
import * as Town from './Town.ts'
import type { Front, Trader } from './Trader.ts'
import * as Traders from './Trader.ts'

/** Kinds of faults. */
export const kinds = [
  'request lost',
  'answer lost',
  'buyer dies before it is served',
  'buyer dies after it was served',
  'seller restarts',
  'answer altered',
] as const

/** One of them, or a seller that takes no payment however often it is sent. */
export type Fault = (typeof kinds)[number] | 'payment never taken'

/** A fault under way. */
export type Struck = { hit: boolean; dying: Promise<void> | undefined }

/** Puts a fault in front of a seller; it strikes the first paid request, `never taken` all of them. */
export function strike(
  town: Town.Town,
  fault: Fault,
  parties: { buyer: Trader; seller: Trader },
): Struck {
  const { buyer, seller } = parties
  const struck: Struck = { hit: false, dying: undefined }
  const die = () => {
    struck.dying = buyer.buyer.close()
  }
  const acts: Record<Fault, Front> = {
    'request lost': async (_request, _ask, drop) => drop(),
    'answer lost': async (_request, ask, drop) => {
      await ask()
      return drop()
    },
    'buyer dies before it is served': async (_request, _ask, drop) => {
      die()
      return drop()
    },
    'buyer dies after it was served': async (_request, ask, drop) => {
      await ask()
      die()
      return drop()
    },
    'seller restarts': async (_request, ask) => {
      seller.node.close()
      await Traders.openNode(town, seller)
      return ask()
    },
    'answer altered': async (_request, ask) => altered(await ask()),
    'payment never taken': async () => {
      // With its time it ends by itself.
      await Town.pass(town, town.clock.nowMs + 2 * Town.common.quoteTtlMs)
      return Response.json({ error: { message: 'not today', code: 'closed' } }, { status: 403 })
    },
  }
  const act = acts[fault]
  seller.front = (request, ask, drop) => {
    struck.hit = true
    if (fault !== 'payment never taken') seller.front = undefined
    return act(request, ask, drop)
  }
  return struck
}

/** A word more than was paid for. */
async function altered(response: Response): Promise<Response> {
  const answer = (await response.json()) as { choices?: { message: { content: string } }[] }
  const message = answer.choices?.[0]?.message
  if (message !== undefined) message.content += ' indeed'
  return Response.json(answer, { status: response.status })
}
