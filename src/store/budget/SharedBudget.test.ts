/** One budget, many processes: here most of them are handles of one process, which ask each other all the same. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Hash from '../../kernel/Hash.ts'
import type * as Budget from '../../policies/Budget.ts'
import * as Policy from '../../policies/Policy.ts'
import * as Journal from '../Journal.ts'
import * as SharedBudget from './SharedBudget.ts'

const usdc = { id: `eip155:8453/erc20:0x${'83'.repeat(20)}`, decimals: 6, symbol: 'USDC' }
const payee = `0x${'aa'.repeat(20)}`
const dollar = 1_000_000n
const now = () => 1_700_000_000_000

let dir: string
let opened: SharedBudget.SharedBudget[]

beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'budget-'))
  opened = []
})
afterEach(async () => {
  for (const budget of opened) await budget.close()
  fs.rmSync(dir, { recursive: true })
})

function policy(cap: string, name = 'desk'): Policy.Policy {
  const rules = ['allow payees *', `cap ${cap} USDC per 24h`, 'approve above 50 USDC by ops']
  const lines = rules.map((rule) => `  - "${rule}"`).join('\n')
  return Policy.parse(`policy: ${name}\nasset: ${usdc.id}\nrules:\n${lines}\n`, {
    file: 'policy.yaml',
    assets: [usdc],
  })
}

function ask(at: number, atoms = dollar): Budget.Request {
  return {
    ...{ id: Hash.digest(`id ${at}`), digest: Hash.digest(`digest ${at}`), agent: 'desk', payee },
    ...{ asset: usdc.id, atoms, host: 'seller.example', model: 'docs-reader', coveragePpb: 5n },
  }
}

async function open(options: Partial<SharedBudget.Options> = {}): Promise<SharedBudget.Operator> {
  const budget = await SharedBudget.operate({ dir, policy: policy('100'), now, ...options })
  opened.push(budget)
  return budget
}

const verdicts = async (
  budget: Pick<SharedBudget.SharedBudget, 'authorize'>,
  from: number,
  count: number,
) => {
  const asked = Array.from({ length: count }, (_, at) => budget.authorize(ask(from + at)))
  return (await Promise.all(asked)).map(({ verdict }) => verdict)
}
const allowed = (found: readonly string[]) => found.filter((each) => each === 'allow').length
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing thrown',
    (error: { code?: string }) => error.code,
  )

describe('whoever asks, the answer is the same', () => {
  test('a writer and who asks it are told the same, word for word', async () => {
    const [writer, client] = [await open(), await open()]
    expect([writer.isWriter(), client.isWriter()]).toEqual([true, false])
    const both = [writer, client] as const
    for (const [at, budget] of both.entries()) {
      const decision = await budget.authorize(ask(at))
      expect(decision).toMatchObject({ status: 'decided', verdict: 'allow' })
      expect(decision.reasons).toHaveLength(3)
      expect(await both[1 - at]!.authorize(ask(at))).toEqual({ ...decision, status: 'exists' })
    }
    const sure = async (budget: SharedBudget.SharedBudget) => [
      await budget.explain(ask(9)),
      await budget.explain(ask(9, 500n * dollar)),
      await budget.explain({ ...ask(9), payee: 'not a payee' }),
      await budget.authorize({ ...ask(1), payee: `0x${'bb'.repeat(20)}` }),
      await budget.capture(ask(8).id, 1n),
      await budget.capture(ask(0).id, 2n * dollar),
      await budget.capture(ask(0).id, -1n),
      await budget.void(ask(8).id),
      await budget.status(),
      await budget.holds(),
    ]
    const answers = await sure(writer)
    expect(await sure(client)).toEqual(answers)
    expect(answers[4]).toMatchObject({ refusal: 'unknown-id' })
    expect(answers[6]).toMatchObject({ refusal: 'bad-amount' })
    expect(answers[8]).toMatchObject({ rows: [{ meter: { held: '2000000', used: '0' } }] })
    expect(answers[9]).toMatchObject([
      { id: ask(0).id, atoms: dollar, payee, state: 'held', leaf: 1 },
      { id: ask(1).id, atoms: dollar, payee, state: 'held', leaf: 2 },
    ])
  })

  test('a thousand at once, from both: the cap is kept, and a flush is shared', async () => {
    let flushes = 0
    const commit = (run: () => void) => {
      flushes += 1
      run()
    }
    const [writer, client] = [await open({ commit }), await open()]
    const found = await Promise.all([verdicts(writer, 0, 500), verdicts(client, 500, 500)])
    expect(found.map(allowed).reduce((one, two) => one + two)).toBe(100)
    expect(flushes).toBeLessThan(100)
    const holds = await client.holds()
    expect(holds).toHaveLength(100)
    await Promise.all(holds.map(({ id, atoms }) => client.capture(id, atoms)))
    expect(await writer.holds()).toEqual([])
    const [row] = (await client.status()).rows
    expect(row?.meter).toMatchObject({ used: '100000000', held: '0' })
  })

  test('more holds than one answer tells are told all', async () => {
    const writer = await open({ policy: policy('3000') })
    await verdicts(writer, 0, 2_345)
    const client = await open({ policy: policy('3000') })
    const holds = await client.holds()
    expect(new Set(holds.map(({ id }) => id)).size).toBe(2_345)
  })

  test('a review that nobody answered holds nothing in the end, and is listed no more', async () => {
    let nowMs = now()
    const budget = await open({ now: () => nowMs })
    await budget.authorize(ask(1, 60n * dollar))
    expect(await budget.holds()).toHaveLength(1)
    nowMs += 7 * 24 * 3_600_000
    expect(await budget.holds()).toEqual([])
    expect(await budget.authorize(ask(1, 60n * dollar))).toMatchObject({ verdict: 'deny' })
    expect(allowed(await verdicts(budget, 2, 101))).toBe(100)
  })

  test('a review holds, is listed, and is settled by an approval or a void', async () => {
    const client = (await open()) && (await open())
    expect(await client.authorize(ask(1, 60n * dollar))).toMatchObject({ verdict: 'review' })
    expect(await client.capture(ask(1).id, 1n)).toMatchObject({ refusal: 'not-approved' })
    expect(await client.holds()).toMatchObject([{ state: 'review', atoms: 60n * dollar }])
    const approval = { by: 'ops', payee, model: 'docs-reader', ceilingAtoms: 60n * dollar }
    const approved = await client.authorize({ ...ask(1, 60n * dollar), approval })
    expect(approved).toMatchObject({ status: 'decided', verdict: 'allow' })
    expect(await client.holds()).toMatchObject([{ state: 'held', leaf: 2 }])
    expect(await client.void(ask(1).id)).toBe('ok')
    expect(await client.void(ask(1).id)).toBe('exists')
    expect(await client.holds()).toEqual([])
  })
})

describe('one writer', () => {
  test('of twelve that open at once, one is', async () => {
    const budgets = await Promise.all(Array.from({ length: 12 }, () => open()))
    expect(budgets.filter((budget) => budget.isWriter())).toHaveLength(1)
    const found = await Promise.all(budgets.map((budget, at) => verdicts(budget, 20 * at, 20)))
    expect(found.map(allowed).reduce((one, two) => one + two)).toBe(100)
  })

  test('when it closes, who asks next takes its place, and all that was held and used stays', async () => {
    const [first, second, third] = [await open(), await open(), await open()]
    await verdicts(first, 0, 30)
    await second.capture(ask(0).id, dollar)
    await third.void(ask(1).id)
    const before = await third.holds()
    await first.close()
    const found = await Promise.all([verdicts(second, 100, 60), verdicts(third, 200, 60)])
    expect(found.map(allowed).reduce((one, two) => one + two)).toBe(71)
    expect([second, third].filter((budget) => budget.isWriter())).toHaveLength(1)
    expect((await third.holds()).slice(0, 28)).toEqual(before)
    expect(await second.authorize(ask(2))).toMatchObject({ status: 'exists', verdict: 'allow' })
    expect(await third.capture(ask(0).id, dollar)).toBe('exists')
    expect(await code(first.status())).toBe('budget-closed')
  })

  test('what a writer was asked before it closes is answered, by it or by the next', async () => {
    const [writer, client] = [await open(), await open()]
    const asked = [verdicts(writer, 0, 50), verdicts(client, 50, 100)]
    await writer.close()
    const found = await Promise.all(asked)
    expect(found.map(allowed).reduce((one, two) => one + two)).toBe(100)
  })

  test('a stopped writer loses its place to nobody, and goes on when it wakes', async () => {
    await (await open()).close()
    const child = await childWriter()
    try {
      child.kill('SIGSTOP')
      const waiting = SharedBudget.open({ dir, now, patienceMs: 400 })
      expect(await code(waiting)).toBe('budget-unreachable')
      expect(() => journal()).toThrow('in use')
      child.kill('SIGCONT')
      const client = await open()
      expect(client.isWriter()).toBe(false)
      expect(await client.authorize(ask(1))).toMatchObject({ verdict: 'allow' })
    } finally {
      await ended(child)
    }
  })

  test('even with its lock file stolen, a writer that wakes allows nothing more', async () => {
    await (await open({ policy: policy('2') })).close()
    const child = await childWriter()
    try {
      child.kill('SIGSTOP')
      fs.rmSync(path.join(dir, 'budget.db.lock'))
      fs.rmSync(path.join(dir, 'writer'), { recursive: true })
      const second = await open({ policy: policy('2') })
      expect(second.isWriter()).toBe(true)
      expect(await verdicts(second, 0, 3)).toEqual(['allow', 'allow', 'deny'])
      const said = once(child.stdout, 'data')
      child.kill('SIGCONT')
      child.stdin.write('\n')
      expect(String(await said)).toContain('budget-overtaken')
      expect(await second.holds()).toHaveLength(2)
    } finally {
      await ended(child)
    }
  })
})

describe('nothing is answered before it is on the disk', () => {
  test('an answer waits for its flush', async () => {
    const order: string[] = []
    const commit = (run: () => void) => {
      run()
      order.push('flushed')
    }
    const writer = await open({ commit })
    order.length = 0
    await writer.authorize(ask(1)).then(() => order.push('answered'))
    expect(order).toEqual(['flushed', 'answered'])
  })

  test('the second to ask under an id does not overtake the first to the disk', async () => {
    let isBroken = false
    const commit = (run: () => void) => {
      if (isBroken) throw new Error('the disk is gone')
      run()
    }
    const writer = await open({ commit })
    isBroken = true
    const both = [writer.authorize(ask(1)), writer.authorize(ask(1)), writer.explain(ask(1))]
    expect(await Promise.all(both.map(code))).toEqual(Array(3).fill('journal-poisoned'))
  })

  test('a writer that fails to flush stands down; who had asked it is answered by the next', async () => {
    let left = 2
    const commit = (run: () => void) => {
      left -= 1
      if (left < 0) throw new Error('the disk is gone')
      run()
    }
    const writer = await open({ commit })
    const client = await open({ patienceMs: 3_000 })
    await client.authorize(ask(1))
    expect(await client.authorize(ask(2))).toMatchObject({ status: 'decided', verdict: 'allow' })
    expect(client.isWriter()).toBe(true)
    expect(await code(writer.authorize(ask(3)))).toBe('journal-poisoned')
    expect(await client.holds()).toHaveLength(2)
  })

  test('an answer lost after its flush is found again: it exists, once', async () => {
    let left = 1
    const commit = (run: () => void) => {
      run()
      left -= 1
      if (left < 0) throw new Error('the process is gone')
    }
    const writer = await open({ commit })
    const client = await open()
    expect(await client.authorize(ask(1))).toMatchObject({ status: 'exists', verdict: 'allow' })
    expect([client.isWriter(), writer.isWriter()]).toEqual([true, false])
    expect(await client.holds()).toHaveLength(1)
  })
})

describe('policies', () => {
  test('another is adopted at once, for all: usage and holds stay, and count under its rules', async () => {
    const [operator, agent] = [await open(), await open()]
    await verdicts(agent, 0, 30)
    await agent.capture(ask(0).id, dollar)
    const digest = await operator.adopt(policy('31'))
    expect((await agent.status()).policyDigest).toBe(digest)
    expect(await verdicts(agent, 100, 3)).toEqual(['allow', 'deny', 'deny'])
    expect(await agent.capture(ask(1).id, dollar)).toBe('ok')
    await operator.close()
    expect(await verdicts(agent, 200, 1)).toEqual(['deny'])
    expect((await agent.status()).policyDigest).toBe(digest)
    expect(await agent.holds()).toHaveLength(29)
  })

  test('who opens it names the policy in force, or none; an agent has no handle for another', async () => {
    await open()
    const agent = await SharedBudget.open({ dir, now })
    opened.push(agent)
    expect(Object.keys(agent)).not.toContain('adopt')
    expect(await code(SharedBudget.open({ dir, policy: policy('1000'), now }))).toBe(
      'policy-differs',
    )
    expect(await verdicts(agent, 0, 1)).toEqual(['allow'])
  })

  test('there must be one', async () => {
    expect(await code(SharedBudget.open({ dir, now }))).toBe('budget-without-policy')
    expect(await verdicts(await open(), 0, 1)).toEqual(['allow'])
  })
})

describe('slices', () => {
  test('what a slice authorises is held on every level at once, and only within each of them', async () => {
    const [desk, other] = [await open(), await open()]
    const scout = await other.slice({ name: 'scout', policy: policy('30', 'scout') })
    const helper = await scout.slice({ name: 'helper', policy: policy('1000', 'helper') })
    expect(allowed(await verdicts(helper, 0, 50))).toBe(30)
    expect(await scout.holds()).toHaveLength(30)
    expect(allowed(await verdicts(desk, 100, 100))).toBe(70)
    expect(await helper.holds()).toHaveLength(30)
    expect(await desk.holds()).toHaveLength(100)
    expect(await helper.capture(ask(0).id, dollar)).toBe('ok')
    expect(await scout.capture(ask(0).id, dollar)).toBe('exists')
    expect(await desk.void(ask(1).id)).toBe('ok')
    expect(await helper.void(ask(1).id)).toBe('exists')
    for (const level of [helper, scout])
      expect((await level.status()).rows[0]?.meter).toMatchObject({
        used: '1000000',
        held: '28000000',
      })
    expect((await desk.status()).rows[0]?.meter).toMatchObject({
      used: '1000000',
      held: '98000000',
    })
  })

  test('a slice settles nothing that is not its own', async () => {
    const desk = await open()
    const scout = await desk.slice({ name: 'scout', policy: policy('30', 'scout') })
    const rival = await desk.slice({ name: 'rival', policy: policy('30', 'rival') })
    await verdicts(scout, 0, 1)
    expect(await rival.void(ask(0).id)).toMatchObject({ refusal: 'unknown-id' })
    expect(await rival.capture(ask(0).id, dollar)).toMatchObject({ refusal: 'unknown-id' })
    expect(await rival.authorize(ask(0))).toMatchObject({ verdict: 'deny' })
    expect(await rival.holds()).toEqual([])
    expect(await scout.holds()).toMatchObject([{ id: ask(0).id, slice: 'scout' }])
  })

  test('it is found again by its name after a change of writers, with what it used', async () => {
    const desk = await open()
    await verdicts(await desk.slice({ name: 'scout', policy: policy('30', 'scout') }), 0, 20)
    await desk.close()
    const scout = await SharedBudget.open({ dir, slice: 'scout', now })
    opened.push(scout)
    expect(allowed(await verdicts(scout, 100, 20))).toBe(10)
    const opening = (slice: string) => code(SharedBudget.open({ dir, slice, now }))
    expect(await opening('nobody')).toBe('slice-unknown')
    expect(await opening('../up')).toBe('budget-message-malformed')
    const again = (await open()).slice({ name: 'scout', policy: policy('90', 'scout') })
    expect(await code(again)).toBe('slice-differs')
  })

  test('another unit of account is refused', async () => {
    const desk = await open()
    const euros = { ...usdc, id: `eip155:8453/erc20:0x${'84'.repeat(20)}` }
    const other = Policy.fromJson({ ...JSON.parse(JSON.stringify(policy('1'))), asset: euros })
    expect(await code(desk.slice({ name: 'scout', policy: other }))).toBe('bad-input')
    expect(await code(desk.adopt(other))).toBe('bad-input')
  })
})

test('what is frozen pays nothing until it is thawed, for every process and the next writer', async () => {
  const [operator, agent] = [await open(), await open()]
  await verdicts(agent, 0, 1)
  const by = { by: 'ops', because: 'the seller was robbed' }
  expect(await operator.freeze(`payee ${payee}`, by)).toBe('ok')
  expect(await operator.freeze(`payee ${payee}`, by)).toBe('exists')
  expect(await agent.authorize(ask(1))).toMatchObject({ verdict: 'deny' })
  await operator.close()
  const denied = await agent.authorize(ask(2))
  expect(denied.decidedBy?.because).toContain('robbed')
  expect((await agent.status()).frozen).toEqual([{ target: `payee ${payee}`, ...by, atMs: now() }])
  expect(await agent.capture(ask(0).id, dollar)).toBe('ok')
  const next = await open()
  expect(await code(next.freeze('everybody', by))).toBe('bad-input')
  expect(await next.thaw(`payee ${payee}`, by)).toBe('ok')
  expect(await next.thaw(`payee ${payee}`, by)).toBe('exists')
  expect(await verdicts(agent, 3, 1)).toEqual(['allow'])
  expect((await agent.status()).frozen).toEqual([])
})

describe('the journal', () => {
  test('a torn tail is what was never acknowledged: the rest is folded', async () => {
    const writer = await open()
    await verdicts(writer, 0, 10)
    await verdicts(writer, 10, 10)
    const copies = [0, 1, 2].map((at) => `${dir}-copy-${at}`)
    const tear = [
      (wal: Buffer) => Buffer.concat([wal, Buffer.alloc(5_000, 7)]),
      (wal: Buffer) => wal.subarray(0, wal.length - 100),
      (wal: Buffer) => wal.subarray(0, wal.length - 12_345),
    ]
    try {
      const held = []
      for (const [at, copy] of copies.entries()) {
        fs.mkdirSync(copy)
        fs.copyFileSync(path.join(dir, 'budget.db'), path.join(copy, 'budget.db'))
        const wal = tear[at]!(fs.readFileSync(path.join(dir, 'budget.db-wal')))
        fs.writeFileSync(path.join(copy, 'budget.db-wal'), wal)
        const budget = await open({ dir: copy })
        const holds = await budget.holds()
        held.push(holds.length)
        // Whatever was lost, what is there is kept to the cap.
        expect(allowed(await verdicts(budget, 100, 120))).toBe(100 - holds.length)
        await budget.close()
      }
      expect(held).toEqual([20, 10, 10])
    } finally {
      for (const copy of copies) fs.rmSync(copy, { recursive: true, force: true })
    }
  })

  test('a record that does not follow is named, and nobody spends', async () => {
    const writer = await open()
    await verdicts(writer, 0, 2)
    await writer.close()
    const written = journal()
    const [text] = [...written.read(2)]
    const { event } = JSON.parse(text!.replaceAll(ask(1).id, ask(2).id)) as {
      event: Journal.Draft['event']
    }
    await written.append([
      { id: 'again', causes: [], event: { ...event, verdict: 'deny' } as never },
    ])
    written.close()
    const opening = SharedBudget.open({ dir, now, patienceMs: 2_000 })
    await expect(opening).rejects.toMatchObject({
      ...{ code: 'journal-inconsistent', facts: { leaf: 3 } },
    })
  })

  test('each record is small enough to be written tens of thousands of times', async () => {
    const writer = await open()
    await writer.authorize(ask(1))
    await writer.capture(ask(1).id, dollar)
    await writer.close()
    const written = journal()
    const [, decided, captured] = [...written.read()]
    written.close()
    expect(decided!.length).toBeLessThan(900)
    expect(captured!.length).toBeLessThan(400)
  })
})

function journal(): Journal.Journal {
  const origin = Hash.digest('requite/budget').slice(0, 42)
  return Journal.open({ file: path.join(dir, 'budget.db'), origin, now })
}

/** A process that writes the budget, and asks for one dollar for each line it is given. */
async function childWriter() {
  const program = `
    import * as SharedBudget from ${JSON.stringify(new URL('./SharedBudget.ts', import.meta.url).href)}
    const budget = await SharedBudget.open({ dir: process.argv[1], now: () => ${now()} })
    console.log(budget.isWriter())
    process.stdin.on('data', () => {
      budget.authorize(JSON.parse(process.argv[2], (key, value) => key === 'atoms' ? BigInt(value) : value))
        .then((decision) => console.log(decision.verdict), (error) => console.log(error.code))
    })
    process.stdin.on('end', () => process.exit())`
  const { coveragePpb: _, ...request } = ask(77)
  const child = spawn(
    process.execPath,
    [
      ...['--conditions=source', '--import=tsx', '--input-type=module', '--eval', program],
      ...[dir, JSON.stringify({ ...request, atoms: '1000000' })],
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const [line] = await once(child.stdout, 'data')
  expect(String(line).trim()).toBe('true')
  return child
}

async function ended(child: Awaited<ReturnType<typeof childWriter>>): Promise<void> {
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}
