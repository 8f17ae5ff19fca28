/** @module What tokens may do to a vault: refuse, deliver less, run out of gas, call back. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { encodeFunctionData } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Epoch from '../../src/royalties/Epoch.ts'
import * as RoyaltyVault from '../../src/wallets/abi/RoyaltyVault.ts'
import * as Vault from '../../src/wallets/Vault.ts'
import * as Fixture from './VaultFixture.ts'

let world: Fixture.World

beforeAll(async () => {
  world = await Fixture.start()
})

afterAll(() => world?.stop())

describe('hostile tokens', () => {
  const print = ['scripts/contracts.mjs', '--print', 'contracts/test/HostileDollar.sol']
  const hostile = JSON.parse(
    execFileSync(process.execPath, print, {
      cwd: join(import.meta.dirname, '..', '..'),
      encoding: 'utf8',
    }),
  )

  async function setUpHostile() {
    const token = await world.operator.deploy(hostile)
    const place = { token, operator: world.operator.address, windowSec: 0, scale: 1n }
    const { vault, till } = await Vault.deploy(world.operator, place)
    const tell = (functionName: string, ...args: unknown[]) =>
      world.operator.execute({ address: token, abi: hostile.abi, functionName, args })
    await tell('mint', till, 1000n)
    return { token, vault, till, tell }
  }

  const people = Array.from({ length: 4 }, (_, at) => Fixture.payee(`h${at}`))
  const drawn = Fixture.treeOf(people.map((account, at) => [account, BigInt(10 + at)] as const))
  const range = { start: 0, leafWords: drawn.leaves.map(Epoch.encodeLeaf), proof: [] }

  test('a blocklisted recipient is skipped, the others paid, and it is paid when freed', async () => {
    const { token, vault, tell } = await setUpHostile()
    await world.publish(vault, drawn)
    await tell('setBlocked', people[1], true)
    const done = await Vault.claimRange(world.stranger, { vault, ...range })
    expect(done.atoms).toBe(10n + 12n + 13n)
    expect(done.skipped).toEqual([range.leafWords[1]])
    expect(await Vault.claimed(world.chain, { vault, index: 1 })).toBe(0n)
    expect(await world.claim(vault, drawn, 1)).toMatchObject({ outcome: 'skipped', atoms: 0n })
    await tell('setBlocked', people[1], false)
    expect(await world.claim(vault, drawn, 1)).toMatchObject({ outcome: 'paid', atoms: 11n })
    expect(await world.balance(token, vault)).toBe(0n)
  })

  test('a transfer that ran out of gas is no refusal: all are paid or nothing happens', async () => {
    const { vault, tell } = await setUpHostile()
    await world.publish(vault, drawn)
    await tell('setWork', 2_000n)
    const call = { address: vault, abi: RoyaltyVault.abi, functionName: 'claimRange' }
    const args = [0n, range.leafWords, range.proof]
    let reverted = 0
    for (let gas = 300_000n; ; gas += 60_000n) {
      const done = await world.operator.execute({ ...call, args, gas }).catch(() => undefined)
      if (done !== undefined) break
      reverted += 1
      expect(gas < 8_000_000n).toBe(true)
    }
    expect(reverted).toBeGreaterThan(10)
    const { vaultAtoms } = await Vault.standing(world.chain, { vault })
    expect(vaultAtoms).toBe(0n)
  })

  function claimCall(index: number) {
    const args = [range.leafWords[index]!, Epoch.proof(drawn.tree, index)] as const
    return encodeFunctionData({ abi: RoyaltyVault.abi, functionName: 'claim', args })
  }

  test('a token that delivers less than asked cannot fund a root', async () => {
    const { vault, tell } = await setUpHostile()
    await tell('setTax', 1n)
    const large = Fixture.treeOf([[people[0]!, 500n]])
    await expect(world.publish(vault, large)).rejects.toMatchObject({ code: 'vault-underfunded' })
  })

  test('a token that calls back in the middle of a payment is paid once', async () => {
    const { token, vault, tell } = await setUpHostile()
    await world.publish(vault, drawn)
    await tell('setCallback', people[0], vault, claimCall(0))
    expect(await world.claim(vault, drawn, 0)).toMatchObject({ outcome: 'paid', atoms: 10n })
    expect(await world.balance(token, people[0]!)).toBe(10n)
  })

  test('a refusal does not undo what was claimed of a neighbour in between', async () => {
    const { token, vault, tell } = await setUpHostile()
    await world.publish(vault, drawn)
    await tell('setBlocked', people[1], true)
    await tell('setQuiet', true)
    await tell('setCallback', people[1], vault, claimCall(2))
    expect(await world.claim(vault, drawn, 1)).toMatchObject({ outcome: 'skipped', atoms: 0n })
    expect(await world.claim(vault, drawn, 2)).toMatchObject({ outcome: 'nothing-due' })
    await tell('setBlocked', people[1], false)
    expect(await world.claim(vault, drawn, 1)).toMatchObject({ outcome: 'paid', atoms: 11n })
    for (const [at, atoms] of [0n, 11n, 12n].entries())
      expect(await world.balance(token, people[at]!)).toBe(atoms)
  })
})
