/**
 * @module The main job, as somebody runs it who has never seen this project: `start --once --json` in a
 * folder of its own with questions that are in no source file but this one; and everything it says checked
 * from outside: passages against the packages, money against the chain, the root by another program.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as LocalChain from '../src/wallets/LocalChain.ts'
import * as Outside from './harness/Outside.ts'
import * as Shell from './harness/Shell.ts'
import * as Summary from './harness/Summary.ts'

const asked = [
  'How does commander.js or citty parse arguments, and what is a Merkle proof?',
  'Which hashes does noble-hashes implement, and is it audited?',
  'Wie hoch ist der Olympus Mons auf dem Mars?',
]

let shell: Shell.Shell
let ended: Shell.Ended
let summary: Summary.Summary

beforeAll(async () => {
  shell = Shell.open('all')
  const questions = asked.flatMap((question, index) =>
    index === 0 ? [`--question=${question}`] : ['--question', question],
  )
  ended = await shell.run(['start', '--once', '--json', '--port', '0', ...questions], {
    timeoutMs: 90_000,
  })
  summary = Shell.last(ended)
}, 100_000)

afterAll(() => shell.close())

const nanoPerAtom = 1_000_000_000n

describe('what is printed', () => {
  test('one line of the promised shape, all noise on stderr, exit 0', () => {
    expect(ended.code).toBe(0)
    expect(ended.stdout.trimEnd().split('\n')).toHaveLength(1)
    expect(Summary.shape.safeParse(summary).error?.issues ?? []).toEqual([])
    expect(ended.stderr).toContain('starting a local chain')
  })

  test('the five questions and ours, each answered and paid for', () => {
    const { questions } = summary
    expect(questions).toHaveLength(5 + asked.length)
    expect(questions.slice(5).map(({ question }) => question)).toEqual(asked)
    expect(questions.slice(0, 5).some(({ question }) => /requite/i.test(question))).toBe(true)
    for (const { states, verdict } of questions) {
      expect(states[0]).toBe('discovering')
      expect(states.at(-1)).toBe('captured')
      expect(new Set(states).size).toBe(states.length)
      expect(verdict).toBe('allow')
    }
    expect(new Set(questions.map(({ tx }) => tx)).size).toBe(questions.length)
  })

  test('verification of both folders, without a failure', () => {
    expect(summary.verify).toMatchObject({ failures: 0, erased: 0 })
    // At least quoted, served and funded at the node, decided, paying and captured at the agent.
    expect(summary.verify.records).toBeGreaterThan(6 * summary.questions.length)
  })
})

describe('whose words', () => {
  const textOf = (document: string, owner: string) => {
    const file = owner.startsWith('npm:')
      ? shell.path('node_modules', document)
      : shell.path(document)
    return { file, tokens: Outside.tokens(readFileSync(file, 'utf8')) }
  }

  test('every run is, word for word, in the document it names', () => {
    let runs = 0
    for (const { answer, sources } of summary.questions)
      for (const { document, owner, start, end } of sources) {
        const part = Outside.tokens(answer.slice(start, end))
        expect(Outside.holds(textOf(document, owner).tokens, part)).toBe(true)
        runs += 1
      }
    expect(runs).toBeGreaterThan(5)
  })

  test('every owner is the package of the file, or the test owner of this repository', () => {
    const owners = new Set<string>()
    for (const { document, owner } of summary.questions.flatMap(({ sources }) => sources)) {
      owners.add(owner)
      if (owner.startsWith('npm:'))
        expect(owner).toBe(`npm:${Outside.packageOf(textOf(document, owner).file)}`)
      else expect(owner).toBe(summary.claim.account)
    }
    expect(owners).toContain(summary.claim.account)
    expect(owners.size).toBeGreaterThan(3)
  })

  test('runs are in order, disjoint and maximal, and their shares sum to the coverage', () => {
    for (const { answer, sources, coveragePpb } of summary.questions) {
      let last: Summary.Question['sources'][number] | undefined
      for (const source of sources) {
        const { document, owner, start, end } = source
        expect(start).toBeGreaterThanOrEqual(last?.end ?? 0)
        expect(end).toBeGreaterThan(start)
        const isNext = Outside.tokens(answer.slice(last?.end ?? 0, start)).length === 0
        if (isNext && last?.document === document && last.owner === owner) {
          const both = Outside.tokens(answer.slice(last.start, end))
          expect(Outside.holds(textOf(document, owner).tokens, both)).toBe(false)
        }
        last = source
      }
      expect(last?.end ?? 0).toBeLessThanOrEqual(answer.length)
      expect(Summary.sum(sources, ({ ppb }) => ppb)).toBe(BigInt(coveragePpb))
      expect(BigInt(coveragePpb)).toBeLessThanOrEqual(1_000_000_000n)
    }
  })

  test('what the documents do not know is said, covers nothing and costs no influence', () => {
    const mars = summary.questions.find(({ question }) => question === asked[2])!
    expect(mars).toMatchObject({ sources: [], coveragePpb: '0', influenceNano: '0' })
  })
})

describe('the money', () => {
  test('of every question: the parts are the price, what was paid is price and change', () => {
    for (const row of summary.questions) {
      const { executionNano, influenceNano, premiumNano, feeNano, gasNano, roundingNano } = row
      const parts = [executionNano, influenceNano, premiumNano, feeNano, gasNano, roundingNano]
      expect(Summary.sum(parts, (part) => part)).toBe(BigInt(row.chargedAtoms) * nanoPerAtom)
      expect(BigInt(roundingNano)).toBeLessThan(nanoPerAtom)
      expect(BigInt(row.paidAtoms) - BigInt(row.chargedAtoms)).toBe(BigInt(row.changeAtoms))
      expect(BigInt(row.work.stdUs)).toBeGreaterThan(0n)
    }
  })

  test('of all: charged is accrued and rounding; accrued is claimed, claimable and carry', () => {
    const { questions, accruedNano, claimedNano, claimableNano, carryNano, claim, epoch } = summary
    const charged = Summary.sum(questions, ({ chargedAtoms }) => chargedAtoms) * nanoPerAtom
    const rounding = Summary.sum(questions, ({ roundingNano }) => roundingNano)
    expect(charged).toBe(BigInt(accruedNano) + rounding)
    expect(BigInt(accruedNano)).toBe(
      Summary.sum([claimedNano, claimableNano, carryNano], (nano) => nano),
    )
    expect(BigInt(claim.atoms)).toBeGreaterThanOrEqual(1n)
    expect(BigInt(claimedNano)).toBe(BigInt(claim.atoms) * nanoPerAtom)
    expect(BigInt(epoch.totalAtoms) * nanoPerAtom).toBe(BigInt(claimedNano) + BigInt(claimableNano))
  })

  test('another program finds the same root, and the claimant has a leaf in it', () => {
    const leaves = Outside.leaves(shell.path(summary.epoch.leavesFile))
    const depth = Math.ceil(Math.log2(leaves.length))
    expect(Outside.root(leaves, depth)).toBe(summary.epoch.root)
    expect(leaves.map(({ index }) => index)).toEqual(leaves.map((_, index) => index))
    expect(Summary.sum(leaves, ({ cumulative }) => cumulative)).toBe(
      BigInt(summary.epoch.totalAtoms),
    )
    const own = leaves.filter(({ account }) => account === summary.claim.account)
    expect(own).toMatchObject([{ named: false, cumulative: summary.claim.atoms }])
    expect(leaves.some(({ named }) => named)).toBe(true)
  })
})

describe('the chain, loaded again from its dump', () => {
  let local: LocalChain.LocalChain
  let chain: ReturnType<typeof Outside.chain>

  beforeAll(async () => {
    local = await LocalChain.start({ stateFile: shell.path('.requite/chain/state.json') })
    chain = Outside.chain(local.rpcUrl)
  })
  afterAll(() => local.stop())

  test('every transaction named happened', async () => {
    const { questions, epoch, claim } = summary
    const named = [...questions.map(({ tx }) => tx), epoch.tx, claim.tx]
    for (const tx of named) expect(await chain.succeeded(tx), tx).toBe(true)
    expect(await chain.succeeded(`0x${'17'.repeat(32)}`)).toBe(false)
  })

  test('its transfers are what was reported: agent → till → vault → owner', async () => {
    const { questions, token, till, vault, epoch, claim } = summary
    const transfers = await chain.transfers(token)
    const between = (from: string, to: string) =>
      transfers.filter((each) => each.from === from && each.to === to).map(({ atoms }) => atoms)
    const agent = keyAddress('agents/research-desk')
    expect(between(agent, till)).toEqual(questions.map(({ paidAtoms }) => BigInt(paidAtoms)))
    expect(between(till, vault)).toEqual([BigInt(epoch.totalAtoms)])
    expect(between(vault, claim.account)).toEqual([BigInt(claim.atoms)])
    // Besides these only the test dollars that the agent was given.
    expect(transfers).toHaveLength(questions.length + 3)
    expect(await chain.balance(token, claim.account)).toBe(BigInt(claim.atoms))
    expect(await chain.balance(token, vault)).toBe(BigInt(epoch.totalAtoms) - BigInt(claim.atoms))
    const paid = Summary.sum(questions, ({ paidAtoms }) => paidAtoms)
    expect(await chain.balance(token, till)).toBe(paid - BigInt(epoch.totalAtoms))
  })

  test('the vault pays the root that was printed', async () => {
    const { root, depth } = await chain.head(summary.vault)
    expect(root).toBe(summary.epoch.root)
    const leaves = Outside.leaves(shell.path(summary.epoch.leavesFile))
    expect(Outside.root(leaves, depth)).toBe(root)
  })

  function keyAddress(folder: string): string {
    const text = readFileSync(shell.path('.requite', folder, 'key.json'), 'utf8')
    return `0x${(JSON.parse(text) as { address: string }).address}`
  }
})

describe('what is left behind', () => {
  test('no process', async () => {
    expect(await shell.quiet()).toEqual([])
  })

  test('both journals, a manifest, the chain’s state; keys for their owner only', () => {
    const files = ['node/journal.db', 'agents/research-desk/journal.db', 'manifest.json']
    for (const file of [...files, 'chain/state.json'])
      expect(statSync(shell.path('.requite', file)).size).toBeGreaterThan(0)
    for (const key of ['node', 'agents/research-desk', 'owner'])
      expect(statSync(shell.path('.requite', key, 'key.json')).mode & 0o077).toBe(0)
    for (const folder of ['node', 'agents/research-desk'])
      for (const rest of ['journal.db-wal', 'journal.db-journal', 'control.json'])
        expect(existsSync(shell.path('.requite', folder, rest))).toBe(false)
  })
})
