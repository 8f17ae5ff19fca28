/** @module Payees who sign where they are paid: only they can, each signature is good once, and in ranges too. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as Hex from '../../src/kernel/Hex.ts'
import * as Epoch from '../../src/royalties/Epoch.ts'
import * as RoyaltyVault from '../../src/wallets/abi/RoyaltyVault.ts'
import * as LocalChain from '../../src/wallets/LocalChain.ts'
import * as Vault from '../../src/wallets/Vault.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import * as Fixture from './VaultFixture.ts'

let world: Fixture.World

beforeAll(async () => {
  world = await Fixture.start()
})

afterAll(() => world?.stop())

const { abi } = RoyaltyVault
const [alice, mallory] = [5, 6].map((at) => Wallet.fromPrivateKey(LocalChain.devKeys[at]!)) as [
  Wallet.Wallet,
  Wallet.Wallet,
]
const bob = Fixture.payee('bob')
const [cold, other] = [Fixture.payee('cold wallet'), Fixture.payee('another wallet')]
const never = 2n ** 40n
/** Alice stands in the third lane of the second slot. */
const index = 6

function drawnAt(epoch: bigint): Fixture.Drawn {
  const account = (at: number) => (at === index ? alice.address : at === 7 ? 'npm:zod' : `r${at}`)
  return Fixture.treeOf(
    Array.from({ length: 8 }, (_, at) => {
      const payee = account(at)
      return [
        payee.startsWith('r') ? Fixture.payee(payee) : payee,
        epoch * BigInt(10 + at),
      ] as const
    }) as Parameters<typeof Fixture.treeOf>[0],
  )
}

type Asked = {
  readonly to: Hex.Hex
  readonly sequence: bigint
  readonly signer?: Wallet.Wallet
  readonly validBefore?: bigint
  readonly index?: number
  /** What is signed for, when it differs from what is asked. */
  readonly signed?: { readonly to?: Hex.Hex; readonly vault?: Hex.Hex }
}

async function redirect(vault: Hex.Hex, { leaves, tree }: Fixture.Drawn, asked: Asked) {
  const { to, sequence, signer = alice, validBefore = never, signed } = asked
  const leaf = leaves[asked.index ?? index]!
  const field = (name: string, type: string) => ({ name, type })
  const signature = await signer.signTypedData({
    domain: {
      name: 'RoyaltyVault',
      version: '1',
      chainId: LocalChain.chainId,
      verifyingContract: signed?.vault ?? vault,
    },
    types: {
      Redirect: [
        ...[field('account', 'address'), field('to', 'address')],
        ...[field('sequence', 'uint256'), field('validBefore', 'uint256')],
      ],
    },
    primaryType: 'Redirect',
    message: { account: leaf.account, to: signed?.to ?? to, sequence, validBefore },
  })
  const proof = Epoch.proof(tree, leaf.index)
  const args = [Epoch.encodeLeaf(leaf), proof, to, validBefore, signature]
  return world.stranger.execute({ address: vault, abi, functionName: 'redirect', args })
}

function redirected(vault: Hex.Hex) {
  const args = [alice.address]
  return world.chain.read({ address: vault, abi, functionName: 'redirected', args })
}

const refused = expect.objectContaining({
  code: 'reverted',
  facts: expect.objectContaining({ reason: expect.stringMatching(/RedirectRefused|WrongProof/) }),
})

test('a payee is paid where it signed, by claims and ranges, and later at itself again', async () => {
  const { token, vault } = await world.setUp({ fundAtoms: 10_000n })
  const first = drawnAt(1n)
  await world.publish(vault, first)
  await redirect(vault, first, { to: cold, sequence: 0n })
  expect(String(await redirected(vault)).toLowerCase()).toBe(`${cold},1`)
  expect(await world.claim(vault, first, index)).toMatchObject({ atoms: 16n, to: cold })
  // The neighbours in the slot, paid or not, are as they were.
  expect(await world.claim(vault, first, 5)).toMatchObject({ atoms: 15n, to: Fixture.payee('r5') })

  const second = drawnAt(2n)
  await world.publish(vault, second)
  const leafWords = second.leaves.map(Epoch.encodeLeaf)
  const done = await Vault.claimRange(world.stranger, { vault, start: 0, leafWords, proof: [] })
  expect([...done.paid].sort()).toEqual(leafWords.slice(0, 7))
  expect(done.atoms).toBe(2n * (10n + 11n + 12n + 13n + 14n) + 15n + 16n)
  expect(await world.balance(token, cold)).toBe(32n)
  expect(await world.balance(token, alice.address)).toBe(0n)
  const claims = await Vault.claims(world.chain, { vault })
  const tos = claims.filter(({ leaf }) => leaf.index === index).map(({ to }) => to)
  expect(tos).toEqual([cold, cold])
  expect(await Vault.claimed(world.chain, { vault, index })).toBe(32n)

  await redirect(vault, second, { to: alice.address, sequence: 1n })
  const third = drawnAt(3n)
  await world.publish(vault, third)
  expect(await world.claim(vault, third, index)).toMatchObject({ atoms: 16n, to: alice.address })
})

test('nobody else redirects a payee, and no signature is good twice, late or elsewhere', async () => {
  const { vault } = await world.setUp({ fundAtoms: 10_000n })
  const { vault: twin } = await world.setUp({ fundAtoms: 10_000n })
  const drawn = drawnAt(1n)
  await world.publish(vault, drawn)
  const wrong: Asked[] = [
    { to: other, sequence: 0n, signer: mallory },
    { to: other, sequence: 1n },
    { to: other, sequence: 0n, validBefore: 1n },
    { to: other, sequence: 0n, signed: { to: cold } },
    { to: other, sequence: 0n, signed: { vault: twin } },
    { to: Hex.encode(new Uint8Array(20)), sequence: 0n },
    { to: other, sequence: 0n, index: 5 },
    { to: other, sequence: 0n, index: 7 },
  ]
  for (const asked of wrong) await expect(redirect(vault, drawn, asked)).rejects.toEqual(refused)
  const elsewhere = { ...drawn, leaves: [...drawn.leaves] }
  elsewhere.leaves[index] = { ...drawn.leaves[index]!, index: 2 }
  await expect(redirect(vault, elsewhere, { to: other, sequence: 0n })).rejects.toEqual(refused)

  await redirect(vault, drawn, { to: cold, sequence: 0n })
  await expect(redirect(vault, drawn, { to: cold, sequence: 0n })).rejects.toEqual(refused)
  expect(await world.claim(vault, drawn, index)).toMatchObject({ atoms: 16n, to: cold })
})

test('a total that would reach the bit beside an amount is refused', async () => {
  const { vault } = await world.setUp({ fundAtoms: 1n << 64n })
  const most = (1n << 63n) - 1n
  await expect(world.publish(vault, Fixture.treeOf([[bob, most + 1n]]))).rejects.toEqual(
    Fixture.refusedWith('InvalidParameter'),
  )
  const drawn = Fixture.treeOf([[bob, most]])
  await world.publish(vault, drawn)
  expect(await world.claim(vault, drawn, 0)).toMatchObject({ atoms: most, to: bob })
  expect(await world.claim(vault, drawn, 0)).toMatchObject({ outcome: 'nothing-due' })
})
