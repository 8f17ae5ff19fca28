/** @module The royalty vault on a real local chain, against trees drawn by the pure code. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Hash from '../../src/kernel/Hash.ts'
import * as Hex from '../../src/kernel/Hex.ts'
import * as Account from '../../src/royalties/Account.ts'
import * as Accrual from '../../src/royalties/Accrual.ts'
import * as Epoch from '../../src/royalties/Epoch.ts'
import * as Vault from '../../src/wallets/Vault.ts'
import * as Fixture from './VaultFixture.ts'

let world: Fixture.World

beforeAll(async () => {
  world = await Fixture.start()
})

afterAll(() => world?.stop())

describe('publish and claim', () => {
  test('an epoch of the books is published, funded by the till, and claimed by all', async () => {
    const { token, vault, till } = await world.setUp({ fundAtoms: 1_000_000n })
    const books = Accrual.empty()
    const authors = Array.from({ length: 37 }, (_, index) => Fixture.payee(`author ${index}`))
    const receipt = Hash.text('receipt')
    const postings = authors.map((account, index) => {
      const nano = BigInt(index + 1) * 1_234_567_891n
      return { account, nano, reason: 'influence' as const }
    })
    expect(Accrual.serve(books, { receipt, postings, disputeMs: 0 })).toBe('ok')
    expect(Accrual.fund(books, { receipt, fundedAtMs: 1 })).toBe('ok')
    const proposal = Epoch.propose(books, { nowMs: 1, scale: 1n })
    expect(proposal.depth).toBe(6)

    const { epoch, evidence } = await Vault.publish(world.operator, {
      vault,
      checkpoint: Fixture.checkpoint,
      ...proposal,
    })
    expect(epoch).toBe(1)
    expect(JSON.parse(JSON.stringify(evidence))).toEqual(evidence)
    expect(Epoch.publish(books, proposal)).toBe('ok')
    expect(await Vault.standing(world.chain, { vault })).toEqual({
      token,
      till,
      operator: world.operator.address,
      windowSec: 0,
      scale: 1n,
      rootWord: proposal.rootWord,
      depth: 6,
      epoch: 1,
      tillAtoms: 1_000_000n - proposal.totalAtoms,
      vaultAtoms: proposal.totalAtoms,
    })

    const { rootWord } = proposal
    expect(await Vault.publication(world.chain, { vault, rootWord })).toEqual(evidence)
    const none = { vault, rootWord: Hex.word(1n) }
    expect(await Vault.publication(world.chain, none)).toBeUndefined()

    const tree = Epoch.tree(proposal.leaves, proposal.depth)
    for (const [index, account] of authors.entries()) {
      const done = await world.claim(vault, { leaves: [...proposal.leaves], tree }, index)
      const expected = proposal.leaves[index]!.cumulative
      expect(done).toMatchObject({ outcome: 'paid', atoms: expected, to: account })
      expect(await world.balance(token, account)).toBe(expected)
      expect(Epoch.claim(books, { account, cumulativeAtoms: expected })).toBe('ok')
    }
    expect(await world.balance(token, vault)).toBe(0n)
    const claims = await Vault.claims(world.chain, { vault })
    expect(claims.map(({ leaf }) => leaf)).toEqual(proposal.leaves)
    expect(claims.map(({ to }) => to)).toEqual(authors)
    for (const { tx, evidence } of claims) expect(evidence.tx).toBe(tx)
    const { claimableNano, claimedNano } = Accrual.totals(books)
    expect([claimableNano, claimedNano]).toEqual([0n, proposal.totalAtoms * 1_000_000_000n])
  })

  test('a second claim pays nothing; the next epoch pays the difference only', async () => {
    const { token, vault } = await world.setUp({ fundAtoms: 1000n })
    const [first, second] = [Fixture.payee('first'), Fixture.payee('second')]
    const before = Fixture.treeOf([
      [first, 100n],
      [second, 7n],
    ])
    await world.publish(vault, before)
    expect(await world.claim(vault, before, 0)).toMatchObject({ outcome: 'paid', atoms: 100n })
    expect(await world.claim(vault, before, 0)).toMatchObject({ outcome: 'nothing-due', atoms: 0n })
    expect(await Vault.claimed(world.chain, { vault, index: 0 })).toBe(100n)

    const after = Fixture.treeOf([
      [first, 130n],
      [second, 7n],
      [Fixture.payee('third'), 1n],
    ])
    await world.publish(vault, after)
    await expect(world.claim(vault, before, 1)).rejects.toThrow(/WrongProof/)
    expect(await world.claim(vault, after, 0)).toMatchObject({ outcome: 'paid', atoms: 30n })
    expect(await world.claim(vault, after, 1)).toMatchObject({ outcome: 'paid', atoms: 7n })
    expect(await world.balance(token, first)).toBe(130n)
    expect(await Vault.claimed(world.chain, { vault, index: 1 })).toBe(7n)
  })

  test('amounts are in vault units of `scale` atoms', async () => {
    const { token, vault } = await world.setUp({ scale: 1000n, fundAtoms: 5999n })
    const drawn = Fixture.treeOf([[Fixture.payee('scaled'), 5n]])
    await world.publish(vault, drawn)
    expect(await world.claim(vault, drawn, 0)).toMatchObject({ atoms: 5000n })
    expect(await world.balance(token, Fixture.payee('scaled'))).toBe(5000n)
  })

  test('a root that is not funded, falls, or is not the operator’s is refused', async () => {
    const { vault } = await world.setUp({ fundAtoms: 99n })
    const drawn = Fixture.treeOf([[Fixture.payee('unfunded'), 100n]])
    await expect(world.publish(vault, drawn)).rejects.toMatchObject({ code: 'vault-underfunded' })
    await expect(world.publish(vault, drawn, world.stranger)).rejects.toEqual(
      Fixture.refusedWith('NotOperator'),
    )
    await world.publish(vault, Fixture.treeOf([[Fixture.payee('unfunded'), 99n]], 3))
    await expect(
      world.publish(vault, Fixture.treeOf([[Fixture.payee('unfunded'), 98n]], 3)),
    ).rejects.toEqual(Fixture.refusedWith(/TotalFell\(99, 98\)/))
    await expect(
      world.publish(vault, Fixture.treeOf([[Fixture.payee('unfunded'), 99n]], 2)),
    ).rejects.toEqual(Fixture.refusedWith('DepthRefused'))
  })

  test('a wrong proof, index, depth, amount, account or flag is refused', async () => {
    const { vault } = await world.setUp({ fundAtoms: 1000n })
    const drawn = Fixture.treeOf(
      Array.from({ length: 5 }, (_, at) => [Fixture.payee(`p${at}`), BigInt(10 + at)]),
    )
    await world.publish(vault, drawn)
    const leaf = drawn.leaves[3]!
    const proof = Epoch.proof(drawn.tree, 3)
    const flipped = [...proof]
    flipped[1] = Hex.word(BigInt(proof[1]!) ^ (1n << 70n))
    const raised = [...proof]
    raised[2] = Hex.word(BigInt(proof[2]!) + 1n)
    const wrong = [
      { leaf, proof: flipped },
      { leaf, proof: raised },
      { leaf, proof: Epoch.proof(drawn.tree, 2) },
      { leaf, proof: proof.slice(0, 2) },
      { leaf, proof: [...proof, Hex.word(0n)] },
      { leaf: { ...leaf, index: 2 }, proof },
      { leaf: { ...leaf, index: 3 + 8 }, proof },
      { leaf: { ...leaf, cumulative: 14n }, proof },
      { leaf: { ...leaf, account: Fixture.payee('thief') }, proof },
      { leaf: { ...leaf, named: true }, proof },
    ]
    for (const { leaf, proof } of wrong)
      await expect(
        Vault.claim(world.stranger, { vault, leafWord: Epoch.encodeLeaf(leaf), proof }),
      ).rejects.toEqual(Fixture.refusedWith(/WrongProof|OutsideTree/))
    // An inner node cannot pass for a leaf.
    const inner = Hex.encode(drawn.tree.levels[1]![1]!)
    await expect(
      Vault.claim(world.stranger, { vault, leafWord: inner, proof: proof.slice(1) }),
    ).rejects.toEqual(Fixture.refusedWith('WrongProof'))
    expect(await world.claim(vault, drawn, 3)).toMatchObject({ outcome: 'paid', atoms: 13n })
  })

  test('a leaf that stands elsewhere than its index and the depth say is not paid', async () => {
    const { vault } = await world.setUp({ fundAtoms: 100n })
    const account = Fixture.payee('misplaced')
    const word = Epoch.encodeLeaf({ index: 0, named: false, account, cumulative: 20n })
    const node = Hex.decode(Epoch.leafNode(word))
    // Twice the same leaf; and the whole one level higher than its committed depth.
    const hash = Hash.keccak256(new Uint8Array([...node, ...node]))
    const rootWord = Hex.word((BigInt(Hex.encode(hash)) & ~((1n << 64n) - 1n)) | 40n)
    const { checkpoint } = Fixture
    await Vault.publish(world.operator, { vault, rootWord, checkpoint, depth: 1 })
    const twice = { vault, start: 0, leafWords: [word, word], proof: [] }
    await expect(Vault.claimRange(world.stranger, twice)).rejects.toEqual(
      Fixture.refusedWith('WrongProof'),
    )
    await Vault.publish(world.operator, { vault, rootWord, checkpoint, depth: 2 })
    const short = { vault, start: 0, leafWords: [word], proof: [Hex.encode(node)] }
    const { proof } = short
    await expect(Vault.claimRange(world.stranger, short)).rejects.toEqual(
      Fixture.refusedWith('WrongProof'),
    )
    await expect(Vault.claim(world.stranger, { vault, leafWord: word, proof })).rejects.toEqual(
      Fixture.refusedWith('WrongProof'),
    )
  })

  test('amounts that pass 64 bits in sum prove nothing', async () => {
    const { vault } = await world.setUp({ fundAtoms: 100n })
    const amount = (1n << 64n) - 1n
    const words = [amount - 5n, 10n].map((cumulative, index) => {
      const account = Fixture.payee(`overflow ${index}`)
      return Epoch.encodeLeaf({ index, named: false, account, cumulative })
    })
    // The root that a contract which does not check would compute, its total wrapped round to 4.
    const nodes = words.map((word) => Hex.decode(Epoch.leafNode(word)))
    const hash = Hash.keccak256(new Uint8Array([...nodes[0]!, ...nodes[1]!]))
    const wrapped = (BigInt(Hex.encode(hash)) & ~amount) | (amount - 5n + 10n)
    const rootWord = Hex.word(wrapped)
    const { checkpoint } = Fixture
    await Vault.publish(world.operator, { vault, rootWord, checkpoint, depth: 1 })
    const proof = [Hex.encode(nodes[0]!)]
    await expect(
      Vault.claim(world.stranger, { vault, leafWord: words[1]!, proof }),
    ).rejects.toEqual(Fixture.refusedWith('SumOverflow'))
  })

  test('nothing can be claimed from a vault before its first root pays', async () => {
    const { token, vault } = await world.setUp({ windowSec: 600, fundAtoms: 1000n })
    const drawn = Fixture.treeOf([
      [Fixture.payee('early'), 900n],
      [Fixture.payee('early too'), 1n],
    ])
    await world.publish(vault, drawn)
    const thief = { index: 5, named: false, account: Fixture.payee('thief'), cumulative: 900n }
    const leafWord = Epoch.encodeLeaf(thief)
    const range = { vault, start: 5, leafWords: [leafWord], proof: [] }
    await expect(Vault.claimRange(world.stranger, range)).rejects.toEqual(
      Fixture.refusedWith('OutsideTree'),
    )
    await expect(Vault.claim(world.stranger, { vault, leafWord, proof: [] })).rejects.toThrow()
    await expect(world.claim(vault, drawn, 0)).rejects.toEqual(Fixture.refusedWith('WrongProof'))
    expect(await world.balance(token, vault)).toBe(901n)
  })
})

describe('ranges', () => {
  test('an aligned run is paid in one transaction, unused leaves and unbound names skipped', async () => {
    const { token, vault } = await world.setUp({ fundAtoms: 1_000_000n })
    const drawn = Fixture.treeOf([
      ...Array.from({ length: 300 }, (_, at) => [Fixture.payee(`r${at}`), BigInt(at + 1)] as const),
      ['npm:zod', 50n] as const,
    ])
    await world.publish(vault, drawn)
    const words = Array.from({ length: 512 }, (_, index) => {
      const leaf = drawn.leaves[index]
      return leaf === undefined ? Hex.word(0n) : Epoch.encodeLeaf(leaf)
    })
    const run = (start: number, count: number) => ({
      vault,
      start,
      leafWords: words.slice(start, start + count),
      proof: Epoch.proof(drawn.tree, start).slice(Math.log2(count)),
    })
    for (const [start, count] of [
      [0, 3],
      [2, 4],
      [0, 512],
      [0, 0],
    ] as const)
      await expect(Vault.claimRange(world.stranger, run(start, count))).rejects.toEqual(
        Fixture.refusedWith('RangeRefused'),
      )
    const swapped = run(0, 4)
    swapped.leafWords.reverse()
    await expect(Vault.claimRange(world.stranger, swapped)).rejects.toEqual(
      Fixture.refusedWith('WrongProof'),
    )

    expect(await world.claim(vault, drawn, 1)).toMatchObject({ atoms: 2n })
    const first = await Vault.claimRange(world.stranger, run(0, 256))
    expect(first.paid).toHaveLength(255)
    expect(first.skipped).toEqual([])
    expect(first.atoms).toBe((256n * 257n) / 2n - 2n)
    const last = await Vault.claimRange(world.stranger, run(256, 64))
    expect(last.paid).toHaveLength(44)
    for (const at of [0, 1, 255, 299])
      expect(await world.balance(token, Fixture.payee(`r${at}`))).toBe(BigInt(at + 1))
    expect((await Vault.claimRange(world.stranger, run(0, 256))).atoms).toBe(0n)
    expect(await world.balance(token, vault)).toBe(50n)
  })
})

describe('names', () => {
  test('a named leaf is refused until bound by the operator, one window later', async () => {
    const { token, vault } = await world.setUp({ windowSec: 100, fundAtoms: 500n })
    const drawn = Fixture.treeOf([['npm:zod', 500n]])
    const account = drawn.leaves[0]!.account
    await world.publish(vault, drawn)
    await world.pass(101)
    await expect(world.claim(vault, drawn, 0)).rejects.toEqual(Fixture.refusedWith('NotBound'))

    const to = Fixture.payee('zod’s author')
    const binding = { vault, account, to, reason: 'package.json names this address' }
    await expect(Vault.bind(world.stranger, binding)).rejects.toEqual(
      Fixture.refusedWith('NotOperator'),
    )
    await expect(Vault.bind(world.operator, { ...binding, reason: '' })).rejects.toEqual(
      Fixture.refusedWith('InvalidParameter'),
    )
    await Vault.bind(world.operator, binding)
    await expect(world.claim(vault, drawn, 0)).rejects.toEqual(Fixture.refusedWith('NotBound'))
    expect(await Vault.bound(world.chain, { vault, account })).toBeUndefined()
    await world.pass(101)
    expect(await Vault.bound(world.chain, { vault, account })).toBe(to)

    const other = { ...binding, to: Fixture.payee('another'), reason: 'moved' }
    await Vault.bind(world.operator, other)
    expect(await world.claim(vault, drawn, 0)).toMatchObject({ outcome: 'paid', atoms: 500n, to })
    expect(await world.balance(token, to)).toBe(500n)
    await world.pass(101)
    expect(await Vault.bound(world.chain, { vault, account })).toBe(other.to)
  })

  test('an address whose bytes are those of a bound name is still paid itself', async () => {
    const { vault } = await world.setUp({ fundAtoms: 10n })
    const { address } = Account.leaf('npm:left-pad')
    await Vault.bind(world.operator, {
      vault,
      account: address,
      to: Fixture.payee('binder'),
      reason: 'test',
    })
    const drawn = Fixture.treeOf([
      [address, 4n],
      ['npm:left-pad', 6n],
    ])
    await world.publish(vault, drawn)
    expect(await world.claim(vault, drawn, 0)).toMatchObject({ atoms: 4n, to: address })
    expect(await world.claim(vault, drawn, 1)).toMatchObject({
      atoms: 6n,
      to: Fixture.payee('binder'),
    })
  })
})
