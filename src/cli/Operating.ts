/**
 * @module Operating: answering reviews and throwing kill switches from the command line. Through the
 * control door of the agent if it runs; otherwise this process opens the journal as its one writer, and
 * needs no chain for what pays nothing.
 */
import { existsSync } from 'node:fs'
import type * as Buyer from '../agents/Buyer.ts'
import * as Operator from '../agents/Operator.ts'
import * as Hex from '../kernel/Hex.ts'
import type * as Freeze from '../policies/Freeze.ts'
import * as Books from '../store/Books.ts'
import * as NoteKey from '../wallets/NoteKey.ts'
import * as AgentProcess from './AgentProcess.ts'
import * as Chain from './Chain.ts'
import * as Control from './Control.ts'
import type * as Desk from './Desk.ts'
import * as Home from './Home.ts'
import * as Manifest from './Manifest.ts'
import * as Supervisor from './Supervisor.ts'

/** An answer to a review. */
export type Answer = { readonly purchase: Hex.Hex; readonly by: string }

/** Approves and goes on with the purchase. Throws `not-under-review`, `chain-unreachable`. */
export async function approve(
  { home, config, pid }: Desk.Desk,
  { purchase, by, ceilingAtoms }: Answer & { readonly ceilingAtoms: bigint },
): Promise<Buyer.Outcome> {
  if (pid !== undefined) {
    const argument = { purchase, by, ceilingAtoms: String(ceilingAtoms) }
    return (await Control.call(home.agent, 'approve', argument)) as Buyer.Outcome
  }
  const { buyer } = await AgentProcess.open(home, config)
  try {
    await buyer.finish()
    return await buyer.approve(purchase, { by, ceilingAtoms })
  } finally {
    await buyer.close()
  }
}

/** Ends a purchase under review unpaid. Throws `not-under-review`. */
export async function decline(
  desk: Desk.Desk,
  argument: Answer & { readonly because: string },
): Promise<void> {
  const { purchase, ...told } = argument
  if (desk.pid !== undefined) await Control.call(desk.home.agent, 'decline', argument)
  else await byHand(desk, (operator) => operator.decline(purchase, told))
}

/** Stops what is named, at once. */
export async function freeze(
  desk: Desk.Desk,
  argument: { readonly target: Freeze.Target; readonly by: string; readonly because: string },
): Promise<void> {
  const { target, ...told } = argument
  if (desk.pid !== undefined) await Control.call(desk.home.agent, 'freeze', argument)
  else await byHand(desk, (operator) => operator.freeze(target, told))
}

/** Lets what is named pay again. Throws `not-frozen`. */
export async function thaw(
  desk: Desk.Desk,
  argument: { readonly target: Freeze.Target; readonly by: string },
): Promise<void> {
  const { target, ...told } = argument
  if (desk.pid !== undefined) await Control.call(desk.home.agent, 'thaw', argument)
  else await byHand(desk, (operator) => operator.thaw(target, told))
}

async function byHand(
  { home, policy }: Desk.Desk,
  act: (operator: ReturnType<typeof Operator.of>) => Promise<void>,
): Promise<void> {
  const file = Home.journal(home.agent)
  if (!existsSync(file)) throw Chain.notStarted(home)
  const wallet = await Chain.key(home.agent)
  // A closed home stays one; what somebody altered meanwhile is not signed for.
  const isClosed = Manifest.check(home)?.problems.length === 0
  const books = Books.open({
    ...{ file, origin: wallet.address, now: Date.now },
    signer: await NoteKey.of(wallet),
    onPoisoned: Supervisor.die,
  })
  try {
    const salt = () => Hex.encode(crypto.getRandomValues(new Uint8Array(32)))
    const order = async () => {
      throw new Error('bug: expected nothing that buys without a chain')
    }
    await act(Operator.of({ books, dir: home.agent, policies: policy, salt, order }))
  } finally {
    books.close()
    if (isClosed) await Manifest.write(home, await Chain.key(home.node))
  }
}
