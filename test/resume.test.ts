/**
 * @module A home over its life: started again and again, interrupted, killed, begun anew. Books go on where
 * they ended or it is said exactly what to do; nothing hangs, and no process is left behind.
 */
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Verification from '../src/cli/Verification.ts'
import * as Journal from '../src/store/Journal.ts'
import * as Outside from './harness/Outside.ts'
import * as Shell from './harness/Shell.ts'
import * as Summary from './harness/Summary.ts'

// The same port each time: where a purchase was left open, its seller is found again.
const port = await Shell.freePort()
const stay = ['start', '--json', '--port', port]
const once = [...stay, '--once']
const packages = ['zod', 'yaml']

let shell: Shell.Shell
let first: Summary.Summary

beforeAll(async () => {
  shell = Shell.open(packages)
  first = Shell.last(await shell.run(once))
}, 90_000)

afterAll(() => shell.close())

const folders = ['node', 'agents/research-desk']

function records(): string[][] {
  return folders.map((folder) => {
    const reader = Journal.reader(shell.path('.requite', folder, 'journal.db'))
    const texts = [...reader.read()]
    reader.close()
    return texts
  })
}

const verify = (home = '.requite') =>
  Verification.run(shell.path(home), 'research-desk', () => undefined)

const sound = { failures: [], erased: 0, manifest: 'verified' }

const count = (folder: string) => readdirSync(shell.path('.requite', folder)).length
const answers = () => count('node/answers')
const desk = 'agents/research-desk'

/** Waits, not for ever, until the work is where a test wants it. */
async function until(isThere: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 30_000; !isThere(); await sleep(5))
    if (Date.now() > deadline) throw new Error(`expected within 30 s that ${isThere}`)
}

describe('the second time', () => {
  let before: string[][]
  let second: Summary.Summary

  beforeAll(async () => {
    before = records()
    const ended = await shell.run([...once, '--question', 'How do I parse a YAML string?'])
    expect(ended.code, ended.stderr).toBe(0)
    second = Shell.last(ended)
  }, 90_000)

  test('the books go on: nothing of what stood in them has changed', () => {
    for (const [index, texts] of records().entries()) {
      const known = before[index]!
      expect(known.length).toBeGreaterThan(10)
      expect(texts.slice(0, known.length)).toEqual(known)
      expect(texts.length).toBeGreaterThan(known.length)
    }
  })

  test('money goes on: totals are of both runs, and every atom is placed', () => {
    expect(Summary.shape.safeParse(second).error?.issues ?? []).toEqual([])
    expect(second.vault).toBe(first.vault)
    const charged = Summary.sum(
      [...first.questions, ...second.questions],
      (row) => row.chargedAtoms,
    )
    const rounding = Summary.sum(
      [...first.questions, ...second.questions],
      (row) => row.roundingNano,
    )
    expect(BigInt(second.accruedNano) + rounding).toBe(charged * 1_000_000_000n)
    const claimed = BigInt(first.claim.atoms) + BigInt(second.claim.atoms)
    expect(BigInt(second.claimedNano)).toBe(claimed * 1_000_000_000n)
    expect(BigInt(second.epoch.totalAtoms)).toBeGreaterThan(BigInt(first.epoch.totalAtoms))
  })

  test('the change of the first run was applied in the second', () => {
    const change = Summary.sum(first.questions, ({ changeAtoms }) => changeAtoms)
    expect(change).toBeGreaterThan(0n)
    const [now, then] = [second.questions[0]!, first.questions[0]!]
    expect(BigInt(now.paidAtoms)).toBeLessThan(BigInt(then.paidAtoms))
  })

  test('the root grows by accounts, and no account moves', () => {
    const [old, all] = [first, second].map(({ epoch }) =>
      Outside.leaves(shell.path(epoch.leavesFile)),
    ) as [Outside.Leaf[], Outside.Leaf[]]
    expect(first.epoch.leavesFile).not.toBe(second.epoch.leavesFile)
    for (const [index, { account, cumulative }] of old.entries()) {
      expect(all[index]!.account).toBe(account)
      expect(BigInt(all[index]!.cumulative)).toBeGreaterThanOrEqual(BigInt(cumulative))
    }
    const depth = Math.ceil(Math.log2(all.length))
    expect(Outside.root(all, depth)).toBe(second.epoch.root)
  })

  test('verifies', () => {
    expect(verify()).toMatchObject({ ...sound, records: records().flat().length })
  })
})

describe('ended in the midst of it', () => {
  test('by Ctrl-C and then SIGTERM: it closes, says so, and verifies', async () => {
    const known = answers()
    const running = shell.start(stay)
    await until(() => answers() > known)
    running.kill('SIGINT')
    running.kill('SIGTERM')
    const ended = await running.ended
    expect(Shell.last(ended)).toMatchObject({ error: { code: 'interrupted', retry: 'safe' } })
    expect(ended.code).toBe(1)
    expect(await shell.quiet()).toEqual([])
    expect(verify()).toMatchObject(sound)
  }, 60_000)

  const childFailed = async (running: Shell.Running) => {
    const ended = await running.ended
    expect(Shell.last(ended)).toMatchObject({ error: { code: 'child-failed', retry: 'safe' } })
    expect(ended.code).toBe(1)
    expect(await shell.quiet()).toEqual([])
    // Twice: to look at a home does not alter it.
    expect(verify()).toMatchObject(sound)
    expect(verify()).toMatchObject(sound)
  }

  test('because its node was killed: the rest closes', async () => {
    const known = answers()
    const running = shell.start(stay)
    const [, pid] = await running.says(/node .*, process (\d+)/)
    await until(() => answers() > known)
    process.kill(Number(pid), 'SIGKILL')
    await childFailed(running)
  }, 60_000)

  test('because its agent was killed while a payment was under way', async () => {
    const known = answers()
    const running = shell.start(stay)
    const [, pid] = await running.says(/agent .*, process (\d+)/)
    await until(() => answers() > known)
    const chain = shell.processes().filter(({ what }) => /bin\/anvil --host/.test(what))
    const signal = (name: NodeJS.Signals) => {
      for (const { pid } of chain) process.kill(pid, name)
    }
    signal('SIGSTOP')
    try {
      await until(() => count(`${desk}/requests`) > count(`${desk}/answers`))
      await sleep(200)
      expect(count(`${desk}/requests`)).toBe(count(`${desk}/answers`) + 1)
      process.kill(Number(pid), 'SIGKILL')
    } finally {
      signal('SIGCONT')
    }
    await childFailed(running)
  }, 60_000)

  test('and what was begun is finished at the next start: paid for once, and delivered', async () => {
    const ended = await shell.run(once)
    expect(ended.code, ended.stderr).toBe(0)
    expect(ended.stderr).toMatch(/purchase 0x[0-9a-f]{8}… was left open and is now captured/)
    expect(count(`${desk}/requests`)).toBe(count(`${desk}/answers`))
    expect(verify()).toMatchObject(sound)
  }, 60_000)
})

describe('killed', () => {
  let before: string[][]
  let told: string

  test('before anything was recorded: a start begins as if nothing had been', async () => {
    const other = Shell.open([])
    try {
      const running = other.start(stay)
      await running.says(/deploying/)
      running.kill('SIGKILL')
      await running.ended
      expect(await other.quiet()).toEqual([])
      writeFileSync(other.path('bad.yaml'), 'policy: bad')
      const ended = await other.run([...once, '--policy', 'bad.yaml'])
      // Told by the agent: chain and node are up by then.
      expect(ended.stderr).toMatch(/node at http/)
      expect(JSON.stringify(Shell.last(ended))).toMatch(/bad\.yaml:\d+:\d+/)
      expect(ended.code).toBe(1)
      expect(await other.quiet()).toEqual([])
    } finally {
      await other.close()
    }
  }, 60_000)

  test('in the midst of it: nothing survives', async () => {
    before = records()
    const known = answers()
    const running = shell.start(stay)
    // The second answer is made after the first was paid.
    await until(() => answers() > known + 1)
    running.kill('SIGKILL')
    await running.ended
    expect(await shell.quiet()).toEqual([])
    expect(existsSync(shell.path('.requite/manifest.json'))).toBe(false)
  }, 60_000)

  test('its chain is lost: a start says so and what to do; every record is kept', async () => {
    const ended = await shell.run(once, { timeoutMs: 30_000 })
    const { error } = Shell.last<{ error: { code: string; hint: string } }>(ended)
    expect(error.code).toBe('chain-lost')
    expect(error.hint).toContain('npm start -- --fresh')
    expect(ended.code).toBe(1)
    expect(await shell.quiet()).toEqual([])
    for (const [index, texts] of records().entries()) {
      expect(texts.length).toBeGreaterThan(before[index]!.length)
      expect(texts.slice(0, before[index]!.length)).toEqual(before[index])
    }
    expect(verify()).toMatchObject(sound)
  }, 60_000)

  test('--fresh begins anew and keeps the old folder, which still verifies', async () => {
    const ended = await shell.run(['start', '--once', '--port', port, '--fresh'])
    expect(ended.code, ended.stderr).toBe(0)
    expect(ended.stdout).toContain('epoch 0 published')
    const homes = readdirSync(shell.folder).filter((name) => name.startsWith('.requite'))
    expect(homes).toEqual(['.requite', '.requite.1'])
    for (const home of homes) expect(verify(home)).toMatchObject(sound)
    expect(records()[0]!.length).toBeLessThan(before[0]!.length)
    told = ended.stdout
  }, 60_000)

  test('what it prints for people: every question with answer, money, verdict and link', () => {
    const sections = told.split(/^\? /m).slice(1)
    expect(sections).toHaveLength(5)
    for (const section of sections) {
      for (const word of ['charged', 'work', 'paid', 'covered', 'earned', 'verdict', 'receipt'])
        expect(section).toMatch(new RegExp(`^  ${word} `, 'm'))
      expect(section).toMatch(/charged +\S+ USDC = execution \S+ \+ influence \S+ \+ fee \S+/)
      expect(section).toMatch(/ stdUs .* computeMs/)
      expect(section).toMatch(/http:\/\/127\.0\.0\.1:\d+\/r\/0x[0-9a-f]{64}/)
      expect(section).toContain('✓ cap 0.05 USDC per payment')
    }
  })

  test('and after them the totals, what the windows are, and lines worth typing', () => {
    expect(told).toContain('dispute and challenge windows are 0')
    expect(told).toMatch(/claimed by the test owner of this repository's documents: \S+ USDC to 0x/)
    expect(told).toMatch(
      /accrued \S+ USDC = claimed \S+ USDC \+ claimable \S+ USDC \+ carry \S+ USDC/,
    )
    expect(told).toMatch(/verified: \d+ records of both folders/)
    for (const line of ['ask "', 'attribute README.md', 'demo copycat', 'verify'])
      expect(told).toContain(`npx requite ${line}`)
    expect(told).toContain('cap 0.0001 USDC per payment')
    expect([...told].filter((letter) => letter < ' ' && letter !== '\n')).toEqual([])
  })
})
