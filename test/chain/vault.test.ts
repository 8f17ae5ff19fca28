/** @module The royalty vault on a real local chain, against trees drawn by the pure code. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { encodeFunctionData } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Hash from '../../src/kernel/Hash.ts'
import * as Hex from '../../src/kernel/Hex.ts'
import * as Account from '../../src/royalties/Account.ts'
import * as Accrual from '../../src/royalties/Accrual.ts'
import * as Epoch from '../../src/royalties/Epoch.ts'
import * as RoyaltyVault from '../../src/wallets/abi/RoyaltyVault.ts'
import * as Chain from '../../src/wallets/Chain.ts'
import * as LocalChain from '../../src/wallets/LocalChain.ts'
import * as Vault from '../../src/wallets/Vault.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'

type Port = Vault.Reader & Vault.Writer & { readonly address: Hex.Hex }

const root = join(import.meta.dirname, '..', '..')
const checkpoint = Hash.text('checkpoint')
let local: LocalChain.LocalChain
let operator: Port
let stranger: Port

beforeAll(async () => {
  local = await LocalChain.start()
  const chain = await Chain.open({ rpcUrl: local.rpcUrl, chainId: local.chainId })
  const port = (index: number): Port => {
    const sender = chain.sender(Wallet.fromPrivateKey(LocalChain.devKeys[index]!))
    return { chain, sender, address: sender.address }
  }
  operator = port(0)
  stranger = port(1)
})

afterAll(() => local?.stop())

/** A payee that nobody else uses. */
function payee(label: string): Hex.Hex {
  return Hex.encode(Hash.keccak256(label).subarray(12))
}

function treeOf(amounts: readonly (readonly [Account.Account, bigint])[], depth?: number) {
  const leaves = amounts.map(([account, cumulative], index) => {
    const { named, address } = Account.leaf(account)
    return { index, named, account: address, cumulative }
  })
  return { leaves, tree: Epoch.tree(leaves, depth ?? Epoch.depthFor(leaves.length)) }
}

type Drawn = ReturnType<typeof treeOf>

async function setUp(options: { windowSec?: number; scale?: bigint; fundAtoms?: bigint } = {}) {
  const { windowSec = 0, scale = 1n, fundAtoms = 0n } = options
  const token = await Vault.deployToken(operator)
  const place = { token, operator: operator.address, windowSec, scale }
  const { vault, till } = await Vault.deploy(operator, place)
  if (fundAtoms > 0n) await Vault.mint(operator, { token, to: till, atoms: fundAtoms })
  return { token, vault, till }
}

function publish(vault: Hex.Hex, { tree }: Drawn, port: Port = operator) {
  return Vault.publish(port, { vault, rootWord: tree.rootWord, checkpoint, depth: tree.depth })
}

function claim(vault: Hex.Hex, { leaves, tree }: Drawn, index: number) {
  const leafWord = Epoch.encodeLeaf(leaves[index]!)
  return Vault.claim(stranger, { vault, leafWord, proof: Epoch.proof(tree, index) })
}

function refusedWith(reason: RegExp | string) {
  const facts = expect.objectContaining({ reason: expect.stringMatching(reason) })
  return expect.objectContaining({ code: 'vault-refused', facts })
}

function balance(token: Hex.Hex, account: Hex.Hex) {
  return Vault.balance(operator, { token, account })
}

describe('publish and claim', () => {
  test('an epoch of the books is published, funded by the till, and claimed by all', async () => {
    const { token, vault, till } = await setUp({ fundAtoms: 1_000_000n })
    const books = Accrual.empty()
    const authors = Array.from({ length: 37 }, (_, index) => payee(`author ${index}`))
    const receipt = Hash.text('receipt')
    const postings = authors.map((account, index) => {
      const nano = BigInt(index + 1) * 1_234_567_891n
      return { account, nano, reason: 'influence' as const }
    })
    expect(Accrual.serve(books, { receipt, postings, disputeMs: 0 })).toBe('ok')
    expect(Accrual.fund(books, { receipt, fundedAtMs: 1 })).toBe('ok')
    const proposal = Epoch.propose(books, { nowMs: 1, scale: 1n })
    expect(proposal.depth).toBe(6)

    const { epoch, evidence } = await Vault.publish(operator, { vault, checkpoint, ...proposal })
    expect(epoch).toBe(1)
    expect(JSON.parse(JSON.stringify(evidence))).toEqual(evidence)
    expect(Epoch.publish(books, proposal)).toBe('ok')
    expect(await Vault.standing(operator, { vault })).toEqual({
      token,
      till,
      operator: operator.address,
      windowSec: 0,
      scale: 1n,
      rootWord: proposal.rootWord,
      depth: 6,
      epoch: 1,
      tillAtoms: 1_000_000n - proposal.totalAtoms,
      vaultAtoms: proposal.totalAtoms,
    })

    const tree = Epoch.tree(proposal.leaves, proposal.depth)
    for (const [index, account] of authors.entries()) {
      const done = await claim(vault, { leaves: [...proposal.leaves], tree }, index)
      const expected = proposal.leaves[index]!.cumulative
      expect(done).toMatchObject({ outcome: 'paid', atoms: expected, to: account })
      expect(await balance(token, account)).toBe(expected)
      expect(Epoch.claim(books, { account, cumulativeAtoms: expected })).toBe('ok')
    }
    expect(await balance(token, vault)).toBe(0n)
    const { claimableNano, claimedNano } = Accrual.totals(books)
    expect([claimableNano, claimedNano]).toEqual([0n, proposal.totalAtoms * 1_000_000_000n])
  })

  test('a second claim pays nothing; the next epoch pays the difference only', async () => {
    const { token, vault } = await setUp({ fundAtoms: 1000n })
    const [first, second] = [payee('first'), payee('second')]
    const before = treeOf([
      [first, 100n],
      [second, 7n],
    ])
    await publish(vault, before)
    expect(await claim(vault, before, 0)).toMatchObject({ outcome: 'paid', atoms: 100n })
    expect(await claim(vault, before, 0)).toMatchObject({ outcome: 'nothing-due', atoms: 0n })
    expect(await Vault.claimed(operator, { vault, index: 0 })).toBe(100n)

    const after = treeOf([
      [first, 130n],
      [second, 7n],
      [payee('third'), 1n],
    ])
    await publish(vault, after)
    await expect(claim(vault, before, 1)).rejects.toThrow(/WrongProof/)
    expect(await claim(vault, after, 0)).toMatchObject({ outcome: 'paid', atoms: 30n })
    expect(await claim(vault, after, 1)).toMatchObject({ outcome: 'paid', atoms: 7n })
    expect(await balance(token, first)).toBe(130n)
    expect(await Vault.claimed(operator, { vault, index: 1 })).toBe(7n)
  })

  test('amounts are in vault units of `scale` atoms', async () => {
    const { token, vault } = await setUp({ scale: 1000n, fundAtoms: 5999n })
    const drawn = treeOf([[payee('scaled'), 5n]])
    await publish(vault, drawn)
    expect(await claim(vault, drawn, 0)).toMatchObject({ atoms: 5000n })
    expect(await balance(token, payee('scaled'))).toBe(5000n)
  })

  test('a root that is not funded, falls, or is not the operator’s is refused', async () => {
    const { vault } = await setUp({ fundAtoms: 99n })
    const drawn = treeOf([[payee('unfunded'), 100n]])
    await expect(publish(vault, drawn)).rejects.toMatchObject({ code: 'vault-underfunded' })
    await expect(publish(vault, drawn, stranger)).rejects.toEqual(refusedWith('NotOperator'))
    await publish(vault, treeOf([[payee('unfunded'), 99n]], 3))
    await expect(publish(vault, treeOf([[payee('unfunded'), 98n]], 3))).rejects.toEqual(
      refusedWith(/TotalFell\(99, 98\)/),
    )
    await expect(publish(vault, treeOf([[payee('unfunded'), 99n]], 2))).rejects.toEqual(
      refusedWith('DepthRefused'),
    )
  })

  test('a wrong proof, index, depth, amount, account or flag is refused', async () => {
    const { vault } = await setUp({ fundAtoms: 1000n })
    const drawn = treeOf(Array.from({ length: 5 }, (_, at) => [payee(`p${at}`), BigInt(10 + at)]))
    await publish(vault, drawn)
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
      { leaf: { ...leaf, account: payee('thief') }, proof },
      { leaf: { ...leaf, named: true }, proof },
    ]
    for (const { leaf, proof } of wrong)
      await expect(
        Vault.claim(stranger, { vault, leafWord: Epoch.encodeLeaf(leaf), proof }),
      ).rejects.toEqual(refusedWith(/WrongProof|OutsideTree/))
    // An inner node cannot pass for a leaf.
    const inner = Hex.encode(drawn.tree.levels[1]![1]!)
    await expect(
      Vault.claim(stranger, { vault, leafWord: inner, proof: proof.slice(1) }),
    ).rejects.toEqual(refusedWith('WrongProof'))
    expect(await claim(vault, drawn, 3)).toMatchObject({ outcome: 'paid', atoms: 13n })
  })

  test('nothing can be claimed from a vault before its first root pays', async () => {
    const { token, vault } = await setUp({ windowSec: 600, fundAtoms: 1000n })
    const drawn = treeOf([
      [payee('early'), 900n],
      [payee('early too'), 1n],
    ])
    await publish(vault, drawn)
    const thief = { index: 5, named: false, account: payee('thief'), cumulative: 900n }
    const leafWord = Epoch.encodeLeaf(thief)
    const range = { vault, start: 5, leafWords: [leafWord], proof: [] }
    await expect(Vault.claimRange(stranger, range)).rejects.toEqual(refusedWith('OutsideTree'))
    await expect(Vault.claim(stranger, { vault, leafWord, proof: [] })).rejects.toThrow()
    await expect(claim(vault, drawn, 0)).rejects.toEqual(refusedWith('WrongProof'))
    expect(await balance(token, vault)).toBe(901n)
  })
})

describe('ranges', () => {
  test('an aligned run is paid in one transaction, unused leaves and unbound names skipped', async () => {
    const { token, vault } = await setUp({ fundAtoms: 1_000_000n })
    const drawn = treeOf([
      ...Array.from({ length: 300 }, (_, at) => [payee(`r${at}`), BigInt(at + 1)] as const),
      ['npm:zod', 50n] as const,
    ])
    await publish(vault, drawn)
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
      await expect(Vault.claimRange(stranger, run(start, count))).rejects.toEqual(
        refusedWith('RangeRefused'),
      )
    const swapped = run(0, 4)
    swapped.leafWords.reverse()
    await expect(Vault.claimRange(stranger, swapped)).rejects.toEqual(refusedWith('WrongProof'))

    expect(await claim(vault, drawn, 1)).toMatchObject({ atoms: 2n })
    const first = await Vault.claimRange(stranger, run(0, 256))
    expect(first.paid).toHaveLength(255)
    expect(first.skipped).toEqual([])
    expect(first.atoms).toBe((256n * 257n) / 2n - 2n)
    const last = await Vault.claimRange(stranger, run(256, 64))
    expect(last.paid).toHaveLength(44)
    for (const at of [0, 1, 255, 299])
      expect(await balance(token, payee(`r${at}`))).toBe(BigInt(at + 1))
    expect((await Vault.claimRange(stranger, run(0, 256))).atoms).toBe(0n)
    expect(await balance(token, vault)).toBe(50n)
  })
})

describe('names', () => {
  test('a named leaf is refused until bound by the operator, one window later', async () => {
    const { token, vault } = await setUp({ windowSec: 100, fundAtoms: 500n })
    const drawn = treeOf([['npm:zod', 500n]])
    const account = drawn.leaves[0]!.account
    await publish(vault, drawn)
    await local.mine({ aheadSec: 101 })
    await expect(claim(vault, drawn, 0)).rejects.toEqual(refusedWith('NotBound'))

    const to = payee('zod’s author')
    const binding = { vault, account, to, reason: 'package.json names this address' }
    await expect(Vault.bind(stranger, binding)).rejects.toEqual(refusedWith('NotOperator'))
    await expect(Vault.bind(operator, { ...binding, reason: '' })).rejects.toEqual(
      refusedWith('InvalidParameter'),
    )
    await Vault.bind(operator, binding)
    await expect(claim(vault, drawn, 0)).rejects.toEqual(refusedWith('NotBound'))
    expect(await Vault.bound(operator, { vault, account })).toBeUndefined()
    await local.mine({ aheadSec: 101 })
    expect(await Vault.bound(operator, { vault, account })).toBe(to)

    const other = { ...binding, to: payee('another'), reason: 'moved' }
    await Vault.bind(operator, other)
    expect(await claim(vault, drawn, 0)).toMatchObject({ outcome: 'paid', atoms: 500n, to })
    expect(await balance(token, to)).toBe(500n)
    await local.mine({ aheadSec: 101 })
    expect(await Vault.bound(operator, { vault, account })).toBe(other.to)
  })

  test('an address whose bytes are those of a bound name is still paid itself', async () => {
    const { vault } = await setUp({ fundAtoms: 10n })
    const { address } = Account.leaf('npm:left-pad')
    await Vault.bind(operator, { vault, account: address, to: payee('binder'), reason: 'test' })
    const drawn = treeOf([
      [address, 4n],
      ['npm:left-pad', 6n],
    ])
    await publish(vault, drawn)
    expect(await claim(vault, drawn, 0)).toMatchObject({ atoms: 4n, to: address })
    expect(await claim(vault, drawn, 1)).toMatchObject({ atoms: 6n, to: payee('binder') })
  })
})

describe('the challenge window', () => {
  const [alice, bob] = [payee('alice'), payee('bob')]
  const start = treeOf([
    [alice, 100n],
    [bob, 50n],
  ])

  async function active() {
    const place = await setUp({ windowSec: 100, fundAtoms: 1000n })
    await publish(place.vault, start)
    await expect(claim(place.vault, start, 0)).rejects.toEqual(refusedWith('WrongProof'))
    await local.mine({ aheadSec: 101 })
    return place
  }

  function challenge(vault: Hex.Hex, index: number, before: Drawn, after: Drawn) {
    const leaf = after.leaves[index]
    return Vault.challengeRegression(stranger, {
      vault,
      oldLeafWord: Epoch.encodeLeaf(before.leaves[index]!),
      oldProof: Epoch.proof(before.tree, index),
      newLeafWord: leaf === undefined ? Hex.word(0n) : Epoch.encodeLeaf(leaf),
      newProof: Epoch.proof(after.tree, index),
    })
  }

  test('a root pays after its window, without a transaction of its own', async () => {
    const { vault } = await active()
    expect(await claim(vault, start, 0)).toMatchObject({ outcome: 'paid', atoms: 100n })
    const next = treeOf([
      [alice, 120n],
      [bob, 50n],
    ])
    await publish(vault, next)
    const waiting = await Vault.standing(operator, { vault })
    expect(waiting.rootWord).toBe(start.tree.rootWord)
    expect(waiting.pending).toMatchObject({ rootWord: next.tree.rootWord, depth: 1 })
    expect(await claim(vault, start, 1)).toMatchObject({ outcome: 'paid', atoms: 50n })
    await local.mine({ aheadSec: 101 })
    expect((await Vault.standing(operator, { vault })).pending).toBeUndefined()
    expect(await claim(vault, next, 0)).toMatchObject({ outcome: 'paid', atoms: 20n })
  })

  test('a pending root cannot be overwritten in its window', async () => {
    const { vault } = await active()
    await publish(
      vault,
      treeOf([
        [alice, 110n],
        [bob, 50n],
      ]),
    )
    const other = treeOf([
      [alice, 110n],
      [bob, 60n],
    ])
    await expect(publish(vault, other)).rejects.toEqual(refusedWith('PendingRoot'))
    await local.mine({ aheadSec: 101 })
    expect((await publish(vault, other)).epoch).toBe(3)
  })

  test.each([
    [
      'an account was lowered',
      treeOf([
        [alice, 300n],
        [bob, 49n],
      ]),
      1,
    ],
    [
      'an owner was changed',
      treeOf([
        [alice, 300n],
        [payee('mallory'), 50n],
      ]),
      1,
    ],
    [
      'an owner was made a name',
      treeOf([
        [alice, 300n],
        ['npm:bob', 50n],
      ]),
      1,
    ],
    ['an account was dropped', treeOf([[alice, 300n]], 1), 1],
    [
      'the tree grew and lowered one',
      treeOf([
        [alice, 9n],
        [bob, 50n],
        [alice, 291n],
      ]),
      0,
    ],
  ] as const)('%s: whoever shows it cancels the root', async (_, next, index) => {
    const { token, vault, till } = await active()
    expect(await claim(vault, start, 1)).toMatchObject({ atoms: 50n })
    await publish(vault, next)
    const pulled = Epoch.total(next.tree.rootWord) - 150n
    expect(await balance(token, till)).toBe(850n - pulled)
    await challenge(vault, index, start, next)
    expect(await balance(token, till)).toBe(850n)
    expect(await balance(token, vault)).toBe(100n)
    const { pending, rootWord } = await Vault.standing(operator, { vault })
    expect([pending, rootWord]).toEqual([undefined, start.tree.rootWord])
    await local.mine({ aheadSec: 101 })
    await expect(claim(vault, next, 0)).rejects.toThrow()
    expect(await claim(vault, start, 0)).toMatchObject({ atoms: 100n })
  })

  test('an honest root cannot be cancelled, nor any root after its window', async () => {
    const { vault } = await active()
    const honest = treeOf([
      [alice, 100n],
      [bob, 51n],
      [payee('carol'), 3n],
    ])
    await publish(vault, honest)
    for (const index of [0, 1])
      await expect(challenge(vault, index, start, honest)).rejects.toEqual(
        refusedWith('NoRegression'),
      )
    const crossed = Vault.challengeRegression(stranger, {
      vault,
      oldLeafWord: Epoch.encodeLeaf(start.leaves[0]!),
      oldProof: Epoch.proof(start.tree, 0),
      newLeafWord: Epoch.encodeLeaf(honest.leaves[1]!),
      newProof: Epoch.proof(honest.tree, 1),
    })
    await expect(crossed).rejects.toEqual(refusedWith('WrongProof'))
    await local.mine({ aheadSec: 101 })
    const lowered = treeOf([
      [alice, 400n],
      [bob, 1n],
      [payee('carol'), 3n],
    ])
    await publish(vault, lowered)
    await local.mine({ aheadSec: 101 })
    await expect(challenge(vault, 1, honest, lowered)).rejects.toEqual(refusedWith('NoPendingRoot'))
  })
})

describe('hostile tokens', () => {
  const print = ['scripts/contracts.mjs', '--print', 'contracts/test/HostileDollar.sol']
  const hostile = JSON.parse(execFileSync(process.execPath, print, { cwd: root, encoding: 'utf8' }))

  async function setUpHostile() {
    const token = await operator.sender.deploy(hostile)
    const place = { token, operator: operator.address, windowSec: 0, scale: 1n }
    const { vault, till } = await Vault.deploy(operator, place)
    const tell = (functionName: string, ...args: unknown[]) =>
      operator.sender.execute({ address: token, abi: hostile.abi, functionName, args })
    await tell('mint', till, 1000n)
    return { token, vault, till, tell }
  }

  const people = Array.from({ length: 4 }, (_, at) => payee(`h${at}`))
  const drawn = treeOf(people.map((account, at) => [account, BigInt(10 + at)] as const))
  const range = { start: 0, leafWords: drawn.leaves.map(Epoch.encodeLeaf), proof: [] }

  test('a blocklisted recipient is skipped, the others paid, and it is paid when freed', async () => {
    const { token, vault, tell } = await setUpHostile()
    await publish(vault, drawn)
    await tell('setBlocked', people[1], true)
    const done = await Vault.claimRange(stranger, { vault, ...range })
    expect(done.atoms).toBe(10n + 12n + 13n)
    expect(done.skipped).toEqual([range.leafWords[1]])
    expect(await Vault.claimed(operator, { vault, index: 1 })).toBe(0n)
    expect(await claim(vault, drawn, 1)).toMatchObject({ outcome: 'skipped', atoms: 0n })
    await tell('setBlocked', people[1], false)
    expect(await claim(vault, drawn, 1)).toMatchObject({ outcome: 'paid', atoms: 11n })
    expect(await balance(token, vault)).toBe(0n)
  })

  test('a transfer that ran out of gas is no refusal', async () => {
    const { vault } = await setUpHostile()
    await publish(vault, drawn)
    const call = { address: vault, abi: RoyaltyVault.abi, functionName: 'claimRange' }
    const args = [0n, range.leafWords, range.proof]
    let paid = 0
    for (let gas = 40_000n; gas <= 240_000n; gas += 5_000n) {
      const before = await balances(vault)
      const done = await operator.sender.execute({ ...call, args, gas }).catch(() => undefined)
      const logs = done?.logs.filter(({ address }) => address === vault) ?? []
      // Each log of the vault is a payment, or the transaction changed nothing.
      expect(before - (await balances(vault))).toBe(
        done === undefined || logs.length === 0 ? 0n : 46n,
      )
      if (logs.length > 0) paid += 1
    }
    expect(paid).toBe(1)
  })

  function claimCall(index: number) {
    const args = [range.leafWords[index]!, Epoch.proof(drawn.tree, index)] as const
    return encodeFunctionData({ abi: RoyaltyVault.abi, functionName: 'claim', args })
  }

  async function balances(vault: Hex.Hex) {
    return (await Vault.standing(operator, { vault })).vaultAtoms
  }

  test('a token that delivers less than asked cannot fund a root', async () => {
    const { vault, tell } = await setUpHostile()
    await tell('setTax', 1n)
    const large = treeOf([[people[0]!, 500n]])
    await expect(publish(vault, large)).rejects.toMatchObject({ code: 'vault-underfunded' })
  })

  test('a token that calls back in the middle of a payment is paid once', async () => {
    const { token, vault, tell } = await setUpHostile()
    await publish(vault, drawn)
    await tell('setCallback', people[0], vault, claimCall(0))
    expect(await claim(vault, drawn, 0)).toMatchObject({ outcome: 'paid', atoms: 10n })
    expect(await balance(token, people[0]!)).toBe(10n)
  })

  test('a refusal does not undo what was claimed of a neighbour in between', async () => {
    const { token, vault, tell } = await setUpHostile()
    await publish(vault, drawn)
    await tell('setBlocked', people[1], true)
    await tell('setQuiet', true)
    await tell('setCallback', people[1], vault, claimCall(2))
    expect(await claim(vault, drawn, 1)).toMatchObject({ outcome: 'skipped', atoms: 12n })
    expect(await claim(vault, drawn, 2)).toMatchObject({ outcome: 'nothing-due' })
    await tell('setBlocked', people[1], false)
    expect(await claim(vault, drawn, 1)).toMatchObject({ outcome: 'paid', atoms: 11n })
    for (const [at, atoms] of [0n, 11n, 12n].entries())
      expect(await balance(token, people[at]!)).toBe(atoms)
  })
})
