/** @module Roots that wait for their challenge window, and how one is cancelled. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Hex from '../../src/kernel/Hex.ts'
import * as Epoch from '../../src/royalties/Epoch.ts'
import * as Vault from '../../src/wallets/Vault.ts'
import * as Fixture from './VaultFixture.ts'

let world: Fixture.World

beforeAll(async () => {
  world = await Fixture.start()
})

afterAll(() => world?.stop())

describe('the challenge window', () => {
  const [alice, bob] = [Fixture.payee('alice'), Fixture.payee('bob')]
  const start = Fixture.treeOf([
    [alice, 100n],
    [bob, 50n],
  ])

  async function active() {
    const place = await world.setUp({ windowSec: 100, fundAtoms: 1000n })
    await world.publish(place.vault, start)
    await expect(world.claim(place.vault, start, 0)).rejects.toEqual(
      Fixture.refusedWith('WrongProof'),
    )
    await world.pass(101)
    return place
  }

  function challenge(vault: Hex.Hex, index: number, before: Fixture.Drawn, after: Fixture.Drawn) {
    const leaf = after.leaves[index]
    return Vault.challengeRegression(world.stranger, {
      vault,
      oldLeafWord: Epoch.encodeLeaf(before.leaves[index]!),
      oldProof: Epoch.proof(before.tree, index),
      newLeafWord: leaf === undefined ? Hex.word(0n) : Epoch.encodeLeaf(leaf),
      newProof: Epoch.proof(after.tree, index),
    })
  }

  test('a root pays after its window, without a transaction of its own', async () => {
    const { vault } = await active()
    expect(await world.claim(vault, start, 0)).toMatchObject({ outcome: 'paid', atoms: 100n })
    const next = Fixture.treeOf([
      [alice, 120n],
      [bob, 50n],
    ])
    await world.publish(vault, next)
    const waiting = await Vault.standing(world.chain, { vault })
    expect(waiting.rootWord).toBe(start.tree.rootWord)
    expect(waiting.pending).toMatchObject({ rootWord: next.tree.rootWord, depth: 1 })
    expect(await world.claim(vault, start, 1)).toMatchObject({ outcome: 'paid', atoms: 50n })
    await world.pass(101)
    expect((await Vault.standing(world.chain, { vault })).pending).toBeUndefined()
    expect(await world.claim(vault, next, 0)).toMatchObject({ outcome: 'paid', atoms: 20n })
  })

  test('a pending root cannot be overwritten in its window', async () => {
    const { vault } = await active()
    await world.publish(
      vault,
      Fixture.treeOf([
        [alice, 110n],
        [bob, 50n],
      ]),
    )
    const other = Fixture.treeOf([
      [alice, 110n],
      [bob, 60n],
    ])
    await expect(world.publish(vault, other)).rejects.toEqual(Fixture.refusedWith('PendingRoot'))
    await world.pass(101)
    expect((await world.publish(vault, other)).epoch).toBe(3)
  })

  test.each([
    [
      'an account was lowered',
      Fixture.treeOf([
        [alice, 300n],
        [bob, 49n],
      ]),
      1,
    ],
    [
      'an owner was changed',
      Fixture.treeOf([
        [alice, 300n],
        [Fixture.payee('mallory'), 50n],
      ]),
      1,
    ],
    [
      'an owner was made a name',
      Fixture.treeOf([
        [alice, 300n],
        ['npm:bob', 50n],
      ]),
      1,
    ],
    ['an account was dropped', Fixture.treeOf([[alice, 300n]], 1), 1],
    [
      'the tree grew and lowered one',
      Fixture.treeOf([
        [alice, 9n],
        [bob, 50n],
        [alice, 291n],
      ]),
      0,
    ],
  ] as const)('%s: whoever shows it cancels the root', async (_, next, index) => {
    const { token, vault, till } = await active()
    expect(await world.claim(vault, start, 1)).toMatchObject({ atoms: 50n })
    await world.publish(vault, next)
    const pulled = Epoch.total(next.tree.rootWord) - 150n
    expect(await world.balance(token, till)).toBe(850n - pulled)
    await challenge(vault, index, start, next)
    expect(await world.balance(token, till)).toBe(850n)
    expect(await world.balance(token, vault)).toBe(100n)
    const { pending, rootWord } = await Vault.standing(world.chain, { vault })
    expect([pending, rootWord]).toEqual([undefined, start.tree.rootWord])
    await world.pass(101)
    await expect(world.claim(vault, next, 0)).rejects.toThrow()
    expect(await world.claim(vault, start, 0)).toMatchObject({ atoms: 100n })
    // The next root grows from the one that still stands, not from the cancelled one.
    const corrected = Fixture.treeOf(
      [
        [alice, 101n],
        [bob, 50n],
      ],
      next.tree.depth,
    )
    await world.publish(vault, corrected)
    expect(await world.balance(token, till)).toBe(849n)
  })

  test('an honest root cannot be cancelled, nor any root after its window', async () => {
    const { vault } = await active()
    const honest = Fixture.treeOf([
      [alice, 100n],
      [bob, 51n],
      [Fixture.payee('carol'), 3n],
    ])
    await world.publish(vault, honest)
    for (const index of [0, 1])
      await expect(challenge(vault, index, start, honest)).rejects.toEqual(
        Fixture.refusedWith('NoRegression'),
      )
    const crossed = Vault.challengeRegression(world.stranger, {
      vault,
      oldLeafWord: Epoch.encodeLeaf(start.leaves[0]!),
      oldProof: Epoch.proof(start.tree, 0),
      newLeafWord: Epoch.encodeLeaf(honest.leaves[1]!),
      newProof: Epoch.proof(honest.tree, 1),
    })
    await expect(crossed).rejects.toEqual(Fixture.refusedWith('WrongProof'))
    await world.pass(101)
    const lowered = Fixture.treeOf([
      [alice, 400n],
      [bob, 1n],
      [Fixture.payee('carol'), 3n],
    ])
    await world.publish(vault, lowered)
    await world.pass(101)
    await expect(challenge(vault, 1, honest, lowered)).rejects.toEqual(
      Fixture.refusedWith('NoPendingRoot'),
    )
  })
})
