/**
 * @module What an operator does, as typed, beside a running agent and without one: check and compare
 * files; answer what waits; stop everything, restart, let it go on; try a policy; change it while it runs.
 */
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Journal from '../src/store/Journal.ts'
import * as Commands from './docs/Commands.ts'
import * as Shell from './harness/Shell.ts'

let shell: Shell.Shell
let up: Shell.Running

let port: string

const start = async () => {
  const flags = ['--json', '--port', port, '--shadow', 'trial.yaml']
  up = shell.start(['start', ...flags], { timeoutMs: 170_000 })
  await up.says(/^\{"v":1.*\}$/m)
}

beforeAll(async () => {
  shell = Shell.open(['zod'])
  // What waits over a restart is bought where it was asked.
  port = await Shell.freePort()
})

afterAll(() => shell.close())

type Ran<T> = T & { readonly exit: number }

/** A command that prints JSON, and its exit code. */
async function run<T = Record<string, unknown>>(...args: string[]): Promise<Ran<T>> {
  const ended = await shell.run([...args, '--json'], { timeoutMs: 60_000 })
  expect(ended.stderr).not.toMatch(/\n\s+at /)
  return { ...Shell.last<T>(ended), exit: ended.code }
}

type Answer = {
  readonly purchase: string
  readonly verdict: string
  readonly paidAtoms: string
  readonly tx: string | null
  readonly message?: string
  readonly approve?: string
}
type Failed = { readonly error: { readonly code: string; readonly title: string } }
type Status = {
  readonly running: boolean
  readonly meters: readonly { rule: string; used: string; held: string; limit: string }[]
  readonly freezes: readonly { readonly target: { readonly kind: string } }[]
  readonly waiting: readonly { readonly purchase: string; readonly question: string }[]
  readonly trial?: { readonly decided: number; readonly differing: readonly unknown[] }
}

const policy = (...args: string[]) => run<Record<string, never> & Failed>('policy', ...args)
const ask = (question: string) => run<Answer & Failed>('ask', question)
const status = () => run<Status>('policy', 'status')
const file = () => shell.path('policy.yaml')

/** Changes the policy, and waits until the agent has said so. */
async function change(from: RegExp | string, to: string, says: RegExp): Promise<void> {
  const before = readFileSync(file(), 'utf8')
  const after = before.replace(from, to)
  expect(after).not.toBe(before)
  const told = up.stderr().length
  writeFileSync(file(), after)
  await expect.poll(() => up.stderr().slice(told), { timeout: 15_000 }).toMatch(says)
}

describe('files alone', () => {
  const text = (...rules: string[]) =>
    `policy: x\nasset: eip155:31337/erc20:0x5fbdb2315678afecb367f032d93f642f64180aa3\nrules:\n${rules.map((rule) => `  - ${rule}\n`).join('')}`

  test('check: what contradicts itself exits with 1, what is only odd with 0', async () => {
    writeFileSync(
      shell.path('odd.yaml'),
      text('allow payees *', 'cap 1 USDC per 24h', 'cap 2 USDC per 24h'),
    )
    writeFileSync(
      shell.path('never.yaml'),
      text('allow payees *', 'allow models a', 'deny models a'),
    )
    writeFileSync(shell.path('wrong.yaml'), text('cup 1 USDC per 24h'))
    type Checked = { readonly findings: readonly { readonly kind: string }[] } & Failed
    const check = (name: string) => run<Checked>('policy', 'check', name)
    const [sound, odd, never, wrong, none] = await Promise.all([
      ...[check('policy.yaml'), check('odd.yaml'), check('never.yaml')],
      ...[check('wrong.yaml'), check('no.yaml')],
    ] as const)
    expect(sound).toMatchObject({ exit: 0, findings: [] })
    const kinds = [odd, never].map(({ findings }) => findings[0]!.kind)
    expect([odd.exit, never.exit, kinds]).toEqual([0, 1, ['dead', 'contradiction']])
    expect(wrong).toMatchObject({ exit: 1, error: { code: 'bad-policy' } })
    expect(wrong.error.title).toContain('wrong.yaml:4:5')
    expect(none).toMatchObject({ exit: 1, error: { code: 'policy-missing' } })
  })

  test('check: an asset is known once it is configured', async () => {
    const id = `eip155:8453/erc20:0x${'ab'.repeat(20)}`
    const [config, other] = [shell.path('requite.config.json'), shell.path('other.yaml')]
    writeFileSync(other, `policy: y\nasset: ${id}\nrules: [cap 2 EURC per 24h]\n`)
    const unknown = await policy('check', 'other.yaml')
    expect(unknown).toMatchObject({ exit: 1, error: { code: 'unknown-asset' } })
    writeFileSync(config, JSON.stringify({ assets: [{ id, decimals: 6, symbol: 'EURC' }] }))
    expect(await policy('check', 'other.yaml')).toMatchObject({ exit: 0, policy: 'y' })
    rmSync(config)
  })

  test('diff, export and caveats: in words and as JSON', async () => {
    const lines = [
      ['diff', 'policy.yaml', 'odd.yaml'],
      ['export', '--cedar'],
      ['caveats', 'policy.yaml', '--from', '2026-03-29T00:00Z'],
    ]
    const [diff, cedar, caveats] = await Promise.all(lines.map((line) => policy(...line)))
    expect(diff).toMatchObject({ exit: 0, wider: { after: { verdict: 'allow' } } })
    expect(cedar).toMatchObject({ exit: 0, cedar: expect.stringContaining('permit (') })
    expect(caveats).toMatchObject({ exit: 0, left: expect.arrayContaining([]) })
    const text = await shell.run(['policy', 'diff', 'policy.yaml', 'odd.yaml', '--no-json'])
    expect(text.stdout).toMatch(/^- allow models docs-reader$/m)
    expect(text.stdout).toMatch(/^only the new allows: .* USDC to /m)
  })

  test('what is called wrongly says how it is called, with exit code 2', async () => {
    const wrong: readonly (readonly [string, RegExp])[] = [
      ['chek', /no command chek; did you mean check\?/],
      ['freeze everything', /expected --because: why it is frozen/],
      ['freeze model docs-* --because x', /expected the name of one model/],
      ['caveats --from today', /--from: expected a time/],
    ]
    const ended = wrong.map(([line]) => shell.run(['policy', ...line.split(' ')]))
    for (const [index, { code, stdout, stderr }] of (await Promise.all(ended)).entries()) {
      const [line, message] = wrong[index]!
      expect({ line, code, stdout }).toEqual({ line, code: 2, stdout: '' })
      expect(stderr).toMatch(message)
      expect(stderr).not.toMatch(/\n\s+at /)
    }
  })

  test('what needs a home says to start', async () => {
    const lines = ['status', 'simulate', 'approve 0x1']
    const ended = await Promise.all(lines.map((line) => policy(...line.split(' '))))
    expect(ended.map(({ exit, error }) => [exit, error.code])).toEqual(
      lines.map(() => [1, 'not-started']),
    )
  })
})

describe('beside a running agent', () => {
  beforeAll(async () => {
    const text = readFileSync(file(), 'utf8').replace(
      '0.05 USDC per payment',
      '0.001 USDC per payment',
    )
    writeFileSync(shell.path('trial.yaml'), text)
    await start()
  }, 100_000)

  const asked: string[] = []
  const original = /approve above 0\.04 USDC by ops/

  test('a changed policy is told in a line, and a review says what to type', async () => {
    await change(
      original,
      'approve above 0.0001 USDC by ops',
      /policy\.yaml is in force as changed/,
    )
    const text = await shell.run(['ask', 'What is zod?', '--no-json'])
    expect(text.code).toBe(4)
    const line = /npx requite (policy approve 0x[0-9a-f]+ --by ops --up-to "[\d.]+ USDC")/.exec(
      text.stdout,
    )!
    const { waiting, meters } = await status()
    expect(waiting).toHaveLength(1)
    expect(waiting[0]).toMatchObject({ question: 'What is zod?' })
    expect(waiting[0]!.purchase.startsWith(line[1]!.split(' ')[2]!)).toBe(true)
    expect(BigInt(meters[0]!.held)).toBeGreaterThan(0n)
    asked.push(line[1]!)
  })

  test('what is typed buys the answer, once, however many type it at once', async () => {
    const args = Commands.words(asked[0]!)
    const ended = await Promise.all([1, 2].map(() => run<Answer & Failed>(...args)))
    const bought = ended.filter(({ exit }) => exit === 0)
    expect(bought).toHaveLength(1)
    expect(bought[0]).toMatchObject({ verdict: 'allow', state: 'captured' })
    const others = ended.filter(({ exit }) => exit !== 0).map(({ error }) => error.code)
    expect(others).toEqual(['not-under-review'])
    const { waiting, meters } = await status()
    expect({ waiting, held: meters[0]!.held }).toEqual({ waiting: [], held: '0' })
  })

  test('nobody else may answer, a denial frees what was held, and a purchase is named by its beginning', async () => {
    const { purchase, exit } = await ask('How do I define a zod object?')
    expect(exit).toBe(4)
    const [mallory, unknown, denied] = [
      await policy('approve', purchase, '--by', 'mallory'),
      await policy('approve', `0x${'0'.repeat(63)}1`),
      await policy('deny', purchase.slice(0, 8), '--because', 'too dear'),
    ]
    expect(mallory).toMatchObject({ exit: 1, error: { code: 'bad-input' } })
    expect(unknown).toMatchObject({ exit: 1, error: { code: 'purchase-unknown' } })
    expect(denied).toMatchObject({ exit: 0, purchase, denied: { by: 'ops' } })
    expect((await status()).meters[0]!.held).toBe('0')
    expect(await policy('approve', purchase)).toMatchObject({ error: { code: 'not-under-review' } })
  })

  test('explain says what would be decided, by its exit code too, and writes nothing', async () => {
    const size = () => {
      const reader = Journal.reader(shell.path('.requite/agents/research-desk/journal.db'))
      const records = reader.size()
      reader.close()
      return records
    }
    const before = size()
    const lines = ['0.0001', '0.01', '3'].map((amount) => ['--amount', `${amount} USDC`])
    const said = await Promise.all(lines.map((flags) => policy('explain', ...flags)))
    expect(said.map(({ exit, verdict }) => [exit, verdict])).toEqual([
      ...[
        [0, 'allow'],
        [4, 'review'],
        [3, 'deny'],
      ],
    ])
    expect(size()).toBe(before)
  })

  test('the trial decided nothing, and status and simulate say where it differs', async () => {
    const { trial } = await status()
    expect(trial!.decided).toBeGreaterThan(4)
    expect(trial!.differing.length).toBeGreaterThan(0)
    type Simulated = { judged: number; differing: { recorded: string; verdict: string }[] }
    const simulated = await run<Simulated>('policy', 'simulate', 'trial.yaml')
    expect(simulated.judged).toBeGreaterThan(4)
    expect(simulated.differing).toContainEqual(
      expect.objectContaining({ recorded: 'allow', verdict: 'deny' }),
    )
  })

  test('a file that nobody understands is told in a line and stops spending; mended, it goes on', async () => {
    await change('cap 2 USDC', 'cup 2 USDC', /policy\.yaml:\d+:\d+: .*nothing is bought until/)
    const refused = await ask('What is zod?')
    expect(refused).toMatchObject({ exit: 1, error: { code: 'bad-policy' } })
    const blind = await run<Status & Failed>('policy', 'status')
    expect(blind).toMatchObject({ exit: 1, error: { code: 'bad-policy' }, freezes: [] })
    const frozen = await policy('freeze', 'everything', '--because', 'drill')
    expect([frozen.exit, (await policy('thaw', 'everything')).exit]).toEqual([0, 0])
    await change('cup 2 USDC', 'cap 2 USDC', /policy\.yaml is in force again/)
  })

  test('the control door refuses what is no call of an operator', async () => {
    const text = readFileSync(shell.path('.requite/agents/research-desk/control.json'), 'utf8')
    const { port, token } = JSON.parse(text) as { port: number; token: string }
    const call = async (name: string, body: unknown) => {
      const headers = { authorization: `Bearer ${token}` }
      const init = { method: 'POST', headers, body: JSON.stringify(body) }
      const response = await fetch(`http://127.0.0.1:${port}/${name}`, init)
      return ((await response.json()) as { problem: { code: string } }).problem.code
    }
    const purchase = `0x${'1'.repeat(64)}`
    const told = { by: 'ops', because: 'x' }
    for (const [name, body] of [
      ['approve', {}],
      ['approve', { purchase, by: 'ops', ceilingAtoms: 5 }],
      ['approve', { purchase, by: 'ops', ceilingAtoms: '-1' }],
      ['approve', { purchase: '0x1', by: 'ops' }],
      ['approve', { purchase, by: 'ops', policy: 'x' }],
      ['decline', { purchase, by: 'ops' }],
      ['freeze', { target: { kind: 'world' }, ...told }],
      ['freeze', { target: { kind: 'model' }, ...told }],
      ['freeze', { target: { kind: 'everything' }, by: '', because: 'x' }],
      ['thaw', { target: 'everything', by: 'ops' }],
      ['constructor', {}],
    ] as const)
      expect([name, await call(name, body)]).toEqual([name, 'bad-input'])
  })
})

describe('over a restart', () => {
  const ended = { exit: 0 }

  test('what is frozen stays frozen, with or without an agent, and what waits goes on waiting', async () => {
    expect(await ask('What is zod?')).toMatchObject({ exit: 4, verdict: 'review' })
    expect(await policy('freeze', 'everything', '--because', 'drill')).toMatchObject(ended)
    const frozen = { exit: 3, message: 'denied: frozen everything' }
    expect(await ask('What is zod?')).toMatchObject(frozen)
    up.kill('SIGINT')
    expect((await up.ended).code).toBe(0)

    const flags = ['--because', 'wrong answers', '--by', 'cfo']
    expect(await policy('freeze', 'model', 'docs-reader', ...flags)).toMatchObject({
      ...{ exit: 0, frozen: { target: { kind: 'model', name: 'docs-reader' }, by: 'cfo' } },
    })
    const { freezes, running, waiting } = await status()
    const kinds = freezes.map(({ target }) => target.kind)
    expect({ running, kinds }).toEqual({ running: false, kinds: ['everything', 'model'] })
    const { purchase } = waiting[0]!
    const away = await policy('approve', purchase)
    expect(away).toMatchObject({ exit: 1, error: { code: 'chain-unreachable' } })
    expect(await run('verify')).toMatchObject({ exit: 0, failures: 0, manifest: 'verified' })

    await start()
    expect(await ask('What is zod?')).toMatchObject(frozen)
    expect(await policy('thaw', 'everything')).toMatchObject(ended)
    expect(await policy('thaw', 'everything')).toMatchObject({ error: { code: 'not-frozen' } })
    expect(await ask('What is zod?')).toMatchObject({ exit: 3, verdict: 'deny' })
    expect(await policy('thaw', 'model', 'docs-reader')).toMatchObject(ended)
    expect(await run('policy', 'approve', purchase)).toMatchObject({ exit: 0, verdict: 'allow' })
  }, 120_000)

  test('all of it is in the books that verify recomputes, and no process is left', async () => {
    up.kill('SIGINT')
    expect((await up.ended).code).toBe(0)
    expect(await shell.quiet()).toEqual([])
    expect(await run('verify')).toMatchObject({ exit: 0, failures: 0, manifest: 'verified' })
    // A switch thrown in a closed home signs for its own record only.
    appendFileSync(shell.path('.requite/node/log/checkpoint'), 'x')
    expect(await policy('freeze', 'everything', '--because', 'drill')).toMatchObject(ended)
    expect(await run('verify')).toMatchObject({ exit: 1, manifest: 'failed' })
  }, 60_000)
})
