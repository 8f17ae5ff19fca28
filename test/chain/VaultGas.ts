/**
 * @module What the vault's transactions cost in gas, in the steady state: every slot that is written holds
 * something already, recipients hold the token, and the last root left part of its money unclaimed. The
 * chain starts empty and everything on it is the same each time, so the figures are the same everywhere.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import type * as Hex from '../../src/kernel/Hex.ts'
import * as Epoch from '../../src/royalties/Epoch.ts'
import * as TestDollar from '../../src/wallets/abi/TestDollar.ts'
import * as Vault from '../../src/wallets/Vault.ts'
import * as Fixture from './VaultFixture.ts'

/** Gas by what was done; `claimRange` and `transferLoop` for each recipient, over 256 of them. */
export type Figures = Readonly<Record<keyof typeof bars | 'transfer' | 'transferLoop', number>>

/** Most gas that a figure may take. */
export const bars = {
  publish: 58_000,
  publishWindow: 58_000,
  claim: 56_000,
  claimWindow: 56_000,
  claimRange: 11_400,
} as const

const accounts = 1000
const run = 256
const windowSec = 3600

/** Measures on a chain of its own: some seconds. */
export async function measure(): Promise<Figures> {
  const world = await Fixture.start()
  try {
    const plain = await epochs(world, 0)
    const waiting = await epochs(world, windowSec)
    return {
      publish: plain.publish,
      publishWindow: waiting.publish,
      claim: plain.claim,
      claimWindow: waiting.claim,
      claimRange: plain.claimRange,
      ...(await transfers(world)),
    }
  } finally {
    await world.stop()
  }
}

/** Three epochs; the first two fill the slots, the third is measured. */
async function epochs(world: Fixture.World, windowSec: number) {
  const { vault } = await world.setUp({ windowSec, fundAtoms: 1_000_000_000_000n })
  let publish = 0
  let drawn = drawnAt(1)
  for (let epoch = 1; epoch <= 3; epoch++) {
    drawn = drawnAt(epoch)
    publish = gas((await world.publish(vault, drawn)).evidence)
    if (windowSec > 0) await world.pass(windowSec + 1)
    if (epoch < 3) for (const start of [0, run]) await range(world, vault, drawn, start)
  }
  const claim = gas((await world.claim(vault, drawn, run + 77)).evidence)
  const paid = await range(world, vault, drawn, 0)
  return { publish, claim, claimRange: Math.ceil(gas(paid.evidence) / paid.paid.length) }
}

function range(
  world: Fixture.World,
  vault: Hex.Hex,
  { leaves, tree }: Fixture.Drawn,
  start: number,
) {
  const leafWords = leaves.slice(start, start + run).map(Epoch.encodeLeaf)
  const proof = Epoch.proof(tree, start).slice(Math.log2(run))
  return Vault.claimRange(world.stranger, { vault, start, leafWords, proof })
}

async function transfers({ setUp, operator }: Fixture.World) {
  const { token } = await setUp()
  const print = ['scripts/contracts.mjs', '--print', 'contracts/test/TransferLoop.sol']
  const cwd = join(import.meta.dirname, '..', '..')
  const artefact = JSON.parse(execFileSync(process.execPath, print, { cwd, encoding: 'utf8' }))
  const loop = await operator.deploy(artefact)
  for (const to of [loop, operator.address])
    await Vault.mint(operator, { token, to, atoms: 1_000_000_000_000n })
  const recipients = Array.from({ length: run }, (_, at) => Fixture.payee(`account ${at}`))
  const amounts = recipients.map((_, at) => amountAt(at, 1))
  const pay = { address: loop, abi: artefact.abi, functionName: 'pay' }
  const args = [token, recipients, amounts]
  await operator.execute({ ...pay, args })
  const looped = await operator.execute({ ...pay, args })
  const { abi } = TestDollar
  const one = [recipients[0]!, amounts[0]!]
  const single = await operator.execute({
    ...{ address: token, abi, functionName: 'transfer' },
    args: one,
  })
  return {
    transfer: Number(single.gasUsed),
    transferLoop: Math.ceil(Number(looped.gasUsed) / run),
  }
}

function drawnAt(epoch: number): Fixture.Drawn {
  return Fixture.treeOf(
    Array.from({ length: accounts }, (_, at) => [
      Fixture.payee(`account ${at}`),
      amountAt(at, epoch),
    ]),
  )
}

/** Some dollars, in atoms. */
function amountAt(at: number, epoch: number): bigint {
  return BigInt(epoch) * (3_141_592n + BigInt(at) * 104_729n)
}

function gas({ gasUsed }: Vault.Evidence): number {
  return Number(gasUsed)
}
