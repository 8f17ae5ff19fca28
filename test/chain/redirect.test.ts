/** @module The redirect client against the real vault: signed by the payee, sent by anyone, good once. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Hex } from '../../src/kernel/Hex.ts'
import * as TypedData from '../../src/kernel/TypedData.ts'
import * as Epoch from '../../src/royalties/Epoch.ts'
import * as LocalChain from '../../src/wallets/LocalChain.ts'
import * as Redirect from '../../src/wallets/Redirect.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import * as Fixture from './VaultFixture.ts'

let world: Fixture.World

beforeAll(async () => {
  world = await Fixture.start()
})

afterAll(() => world?.stop())

const [alice, mallory] = [5, 6].map((at) => Wallet.fromPrivateKey(LocalChain.devKeys[at]!)) as [
  Wallet.Wallet,
  Wallet.Wallet,
]
const cold = Fixture.payee('cold wallet')
const drawn = Fixture.treeOf([
  [Fixture.payee('bob'), 5n],
  [alice.address, 7n],
])

async function stand() {
  const { vault } = await world.setUp({ fundAtoms: 1_000n })
  await world.publish(vault, drawn)
  const terms = {
    chainId: LocalChain.chainId,
    vault,
    to: cold,
    sequence: 0n,
    validBeforeSec: 2 ** 40,
  }
  return { vault, terms }
}

function submit(signed: Redirect.Signed, index = 1) {
  const leafWord = Epoch.encodeLeaf(drawn.leaves[index]!)
  const proof = Epoch.proof(drawn.tree, index)
  const { chain, stranger: sender } = world
  return Redirect.submit({ chain, sender }, { signed, leafWord, proof })
}

const look = (vault: Hex) => Redirect.look(world.chain, { vault, account: alice.address })

test('a payee signs, a stranger submits, the vault pays there; twice is exists', async () => {
  const { vault, terms } = await stand()
  expect(await look(vault)).toEqual({ sequence: 0n })
  const signed = await Redirect.sign(alice, terms)
  expect(Redirect.verify(signed)).toBe(true)
  expect(await submit(signed)).toMatchObject({ outcome: 'redirected' })
  expect(await look(vault)).toEqual({ to: cold, sequence: 1n })
  expect(await submit(signed)).toEqual({ outcome: 'exists' })
  expect(await world.claim(vault, drawn, 1)).toMatchObject({ outcome: 'paid', atoms: 7n, to: cold })

  const back = await Redirect.sign(alice, { ...terms, to: alice.address, sequence: 1n })
  expect(await submit(back)).toMatchObject({ outcome: 'redirected' })
  expect(await look(vault)).toEqual({ to: alice.address, sequence: 2n })
  const made = await Redirect.list(world.chain, { vault })
  expect(made.map(({ account, to, sequence, index }) => [account, to, sequence, index])).toEqual([
    [alice.address, cold, 0n, 1],
    [alice.address, alice.address, 1n, 1],
  ])
  expect(made[0]!.blockNumber).toBeLessThan(made[1]!.blockNumber)
  for (const { evidence, tx } of made) expect(evidence).toMatchObject({ tx })
  const toBlock = made[0]!.blockNumber
  expect(await Redirect.list(world.chain, { vault, toBlock })).toHaveLength(1)
})

test('one that was superseded is refused before it is sent', async () => {
  const { vault, terms } = await stand()
  const [first, other] = [
    await Redirect.sign(alice, terms),
    await Redirect.sign(alice, { ...terms, to: Fixture.payee('another') }),
  ]
  await submit(first)
  await expect(submit(other)).rejects.toMatchObject({
    code: 'redirect-superseded',
    facts: { sequence: '0', expected: '1' },
  })
  const early = await Redirect.sign(alice, { ...terms, sequence: 5n })
  await expect(submit(early)).rejects.toMatchObject({ code: 'redirect-superseded' })
  expect(await look(vault)).toEqual({ to: cold, sequence: 1n })
})

test('the vault refuses what the payee did not sign, late ones, and other leaves, with its reason', async () => {
  const { vault, terms } = await stand()
  const signed = await Redirect.sign(alice, terms)
  const { signature } = await Redirect.sign(mallory, terms)
  const { vault: twin } = await stand()
  const late = await Redirect.sign(alice, { ...terms, validBeforeSec: 1 })
  const elsewhere = { ...(await Redirect.sign(alice, { ...terms, vault: twin })), vault }
  const forged = [
    { ...signed, signature },
    { ...signed, to: mallory.address },
    { ...signed, validBeforeSec: 2 ** 41 },
    elsewhere,
  ]
  for (const each of forged) expect(Redirect.verify(each)).toBe(false)
  for (const each of [...forged, late])
    await expect(submit(each)).rejects.toEqual(Fixture.refusedWith('RedirectRefused'))
  await expect(submit(signed, 0)).rejects.toEqual(Fixture.refusedWith('RedirectRefused'))
  expect(await look(vault)).toEqual({ sequence: 0n })
})

test.each([
  ['to nobody', { to: `0x${'0'.repeat(40)}` as Hex }],
  ['to half an address', { to: '0x12' as Hex }],
  ['at no vault', { vault: '0x' as Hex }],
  ['good for no time', { validBeforeSec: 0 }],
  ['until a fraction', { validBeforeSec: 1.5 }],
  ['with a negative sequence', { sequence: -1n }],
])('nothing is signed %s', async (_, change) => {
  const vault = Fixture.payee('vault')
  const terms = { chainId: 1, vault, to: cold, sequence: 0n, validBeforeSec: 9, ...change }
  await expect(Redirect.sign(alice, terms)).rejects.toMatchObject({ code: 'bad-input' })
})

test('what is signed is what the contract hashes: its digest stands still', () => {
  const vault = `0x${'72'.repeat(20)}` as const
  const account = `0x${'a1'.repeat(20)}` as const
  const terms = { chainId: 1, vault, account, to: cold, sequence: 3n, validBeforeSec: 9 }
  const { types, primaryType } = Redirect.typedData(terms)
  const members = types[primaryType]!.map(({ type, name }) => `${type} ${name}`).join(',')
  expect(`${primaryType}(${members})`).toBe(
    'Redirect(address account,address to,uint256 sequence,uint256 validBefore)',
  )
  const other = Redirect.typedData({ ...terms, sequence: 4n })
  expect(TypedData.hash(other)).not.toBe(TypedData.hash(Redirect.typedData(terms)))
})
