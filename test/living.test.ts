/**
 * @module A home that stays up, as the closing lines of `start` suggest to use it: ask, lower the cap and
 * ask again, attribute, copycat, epoch, claim, verify; others that want its port or its folder; Ctrl-C.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Verification from '../src/cli/Verification.ts'
import * as Outside from './harness/Outside.ts'
import * as Shell from './harness/Shell.ts'
import * as Summary from './harness/Summary.ts'

let shell: Shell.Shell
let taken: Shell.Ended
let up: Shell.Running
let summary: Summary.Summary
let nodeUrl: string

beforeAll(async () => {
  shell = Shell.open(['zod', 'yaml', 'xstate'])
  const { port, close } = await Shell.occupy()
  taken = await shell.run(['start', '--json', '--port', port])
  await close()
  up = shell.start(['start', '--json', '--port', '0'], { timeoutMs: 170_000 })
  summary = JSON.parse((await up.says(/^\{"v":1.*\}$/m))[0])
  nodeUrl = (await up.says(/node at (http\S+),/))[1]!
}, 100_000)

afterAll(() => shell.close())

/** A command that prints JSON, and its exit code. */
async function run<T = Record<string, unknown>>(...args: string[]): Promise<T & { code: number }> {
  const ended = await shell.run([...args, '--json'])
  return { ...Shell.last<T>(ended), code: ended.code }
}

type Answer = Summary.Question & { state: string; receipt: string; message?: string; reasons: [] }
const ask = (question: string, ...flags: string[]) => run<Answer>('ask', question, ...flags)

test('a port that is taken ends a start with a clear error, and what it began goes on later', () => {
  expect(Shell.last(taken)).toMatchObject({ error: { code: 'port-taken' } })
  expect(JSON.stringify(Shell.last(taken))).toContain('--port 0')
  expect(taken.code).toBe(1)
  expect(Summary.shape.safeParse(summary).error?.issues ?? []).toEqual([])
  expect(summary.verify.failures).toBe(0)
})

describe('ask', () => {
  test('prints answer, price, verdict and a link to a page that opens', async () => {
    const ended = await shell.run(['ask', 'How do I define a zod object?', '--no-json'])
    expect(ended.code).toBe(0)
    for (const word of ['charged', 'paid', 'covered', 'earned', 'verdict', 'receipt'])
      expect(ended.stdout).toMatch(new RegExp(`^ +${word} `, 'm'))
    expect(ended.stdout).toContain('npm:zod')
    const page = await fetch(/http\S+\/r\/0x[0-9a-f]{64}/.exec(ended.stdout)![0])
    expect(page.status).toBe(200)
    expect(await page.text()).toContain('<mark')
  })

  test('prints JSON where nobody is reading at a terminal; its money adds up', async () => {
    const ended = await shell.run(['ask', 'How do I define a zod object?'])
    const row = Shell.last<Answer>(ended)
    const parts = [row.executionNano, row.influenceNano, row.premiumNano, row.feeNano, row.gasNano]
    const total = Summary.sum([...parts, row.roundingNano], (part) => part)
    expect(total).toBe(BigInt(row.chargedAtoms) * 1_000_000_000n)
    expect(row).toMatchObject({ v: 1, state: 'captured', verdict: 'allow' })
    expect(row.receipt).toMatch(/^0x[0-9a-f]{64}$/)
  })
})

test('a question longer than the model takes is refused before anything is paid', async () => {
  const refused = await ask('why '.repeat(700))
  expect(refused).toMatchObject({ code: 1, state: 'refused', tx: null, paidAtoms: '0' })
  expect(refused.message).toMatch(/512 tokens/)
})

describe('the policy is a file, and is read again when it changes', () => {
  const file = () => shell.path('policy.yaml')
  let original: string

  beforeAll(() => {
    original = readFileSync(file(), 'utf8')
  })
  afterAll(() => writeFileSync(file(), original))

  const change = (from: RegExp, to: string) => {
    expect(original).toMatch(from)
    writeFileSync(file(), original.replace(from, to))
  }

  test('a lower cap denies with exit code 3, and nothing is paid', async () => {
    change(/cap 0\.05 USDC per payment/, 'cap 0.0001 USDC per payment')
    const denied = await ask('How do I define a zod object?')
    expect(denied).toMatchObject({ code: 3, verdict: 'deny', state: 'refused', tx: null })
    expect(denied).toMatchObject({ paidAtoms: '0', answer: null, receipt: null })
    expect(denied.message).toBe('denied: cap 0.0001 USDC per payment')
    expect(denied.states.at(-1)).toBe('refused')
    const text = await shell.run(['ask', 'How do I define a zod object?', '--no-json'])
    expect(text.stdout).toContain('denied: cap 0.0001 USDC per payment')
    expect(text.code).toBe(3)
  })

  test('an amount that needs approval: exit code 4', async () => {
    change(/approve above 0\.04 USDC/, 'approve above 0.0001 USDC')
    expect(await ask('What is yaml?')).toMatchObject({ code: 4, verdict: 'review', tx: null })
  })

  test('a budget that is used up: exit code 5', async () => {
    change(/cap 2 USDC per 24h/, 'cap 0.002 USDC per 24h')
    expect(await ask('What is yaml?')).toMatchObject({ code: 5, verdict: 'deny', tx: null })
  })

  test('a sentence that nobody understands: the place, the nearest sentence, nothing paid', async () => {
    change(/cap 2 USDC per 24h/, 'cup 2 USDC per 24h')
    const wrong = await run<{ error: { code: string; title: string } }>('ask', 'What is yaml?')
    expect(wrong.code).toBe(1)
    expect(wrong.error.title).toMatch(/policy\.yaml:\d+:\d+/)
    expect(`${wrong.error.title}${JSON.stringify(wrong.error)}`).toContain('cap ')
    const doctor = await shell.run(['doctor', '--no-json'])
    expect(doctor.code).toBe(1)
    expect(doctor.stdout).toMatch(/✗ policy: .*policy\.yaml:\d+:\d+/)
  })

  test('as it was, it allows again', async () => {
    writeFileSync(file(), original)
    expect(await ask('What is yaml?')).toMatchObject({ code: 0, verdict: 'allow' })
  })
})

describe('epoch and claim', () => {
  type Epoch = { epoch: { epoch: number; root: string; totalAtoms: string; tx: string } | null }

  test('what was earned since is published and claimed, once', async () => {
    await ask('What is requite, and who is paid when its agents buy an answer?')
    const published = await run<Epoch>('epoch')
    expect(published.code).toBe(0)
    expect(published.epoch!.epoch).toBe(1)
    expect(BigInt(published.epoch!.totalAtoms)).toBeGreaterThan(BigInt(summary.epoch.totalAtoms))
    const claimed = await run<{ account: string; claim: { atoms: string } }>('claim')
    expect(claimed).toMatchObject({ code: 0, account: summary.claim.account })
    expect(BigInt(claimed.claim.atoms)).toBeGreaterThan(0n)
    const { rpcUrl } = JSON.parse(readFileSync(shell.path('.requite/chain/contracts.json'), 'utf8'))
    const chain = Outside.chain(rpcUrl)
    expect(await chain.balance(summary.token, summary.claim.account)).toBe(
      BigInt(summary.claim.atoms) + BigInt(claimed.claim.atoms),
    )
    expect((await chain.head(summary.vault)).root).toBe(published.epoch!.root)
    expect(await run('epoch')).toMatchObject({ code: 0, epoch: null })
    expect(await run('claim')).toMatchObject({ code: 0, claim: null })
  })
})

describe('attribute', () => {
  type Attributed = {
    coveragePpb: string
    shares: { document: string; owner: string; ppb: string }[]
    sources: { document: string; owner: string; start: number; end: number }[]
  }

  test('a registered document is its owner’s, from a file and from standard input alike', async () => {
    const file = 'node_modules/zod/README.md'
    const text = readFileSync(shell.path(file), 'utf8')
    const [named, piped] = await Promise.all([
      run<Attributed>('attribute', file),
      shell.run(['attribute', '-', '--json'], { input: text }),
    ])
    expect(named.code).toBe(0)
    expect(named.shares[0]).toMatchObject({ document: 'zod/README.md', owner: 'npm:zod' })
    expect(Summary.sum(named.shares, ({ ppb }) => ppb)).toBe(BigInt(named.coveragePpb))
    expect(BigInt(named.coveragePpb)).toBeGreaterThan(900_000_000n)
    const { sources, shares, coveragePpb } = Shell.last<Attributed>(piped)
    expect({ sources, shares, coveragePpb }).toEqual({
      sources: named.sources,
      shares: named.shares,
      coveragePpb: named.coveragePpb,
    })
  })

  test('words of two owners, stitched together, are told apart', async () => {
    const part = (name: string) => {
      const text = readFileSync(shell.path(`node_modules/${name}/README.md`), 'utf8')
      return text.slice(text.length / 3, text.length / 3 + 1_500)
    }
    const filler = '\n\nAnd then, quite unlike anything before, a heron ate my violin.\n\n'
    writeFileSync(shell.path('mixed.md'), `${part('yaml')}${filler}${part('xstate')}`)
    const { sources, shares, code } = await run<Attributed>('attribute', 'mixed.md')
    expect(code).toBe(0)
    expect(new Set(shares.map(({ owner }) => owner))).toEqual(new Set(['npm:yaml', 'npm:xstate']))
    const mixed = readFileSync(shell.path('mixed.md'), 'utf8')
    for (const { document, start, end } of sources) {
      const whole = readFileSync(shell.path('node_modules', document), 'utf8')
      const part = Outside.tokens(mixed.slice(start, end))
      expect(Outside.holds(Outside.tokens(whole), part)).toBe(true)
    }
    expect(sources.some(({ start, end }) => mixed.slice(start, end).includes('heron'))).toBe(false)
  })
})

describe('demo copycat', () => {
  test('ten copies registered later earn 0, and the author no less', async () => {
    type Demo = { shares: { account: string; beforePpb: string; afterPpb: string }[] }
    const { shares, code } = await run<Demo>('demo', 'copycat')
    const [author, ...copies] = shares
    expect(code).toBe(0)
    expect(copies.map(({ afterPpb }) => afterPpb)).toEqual(Array(10).fill('0'))
    expect(author!.afterPpb).toBe(author!.beforePpb)
    expect(BigInt(author!.afterPpb)).toBeGreaterThan(0n)
  })

  test('names documents to choose from when there is no such one', async () => {
    const wrong = await run<{ error: { hint: string } }>('demo', 'copycat', '--document', 'yam')
    expect(wrong).toMatchObject({ code: 1, error: { code: 'document-unknown' } })
    expect(wrong.error.hint).toContain('yaml/README.md')
  })
})

describe('others', () => {
  // Last of these: payments made at once apply no change of each other, so much of it is left.
  test('several at once are several purchases', async () => {
    const rows = await Promise.all(['yaml', 'zod', 'xstate'].map((name) => ask(`What is ${name}?`)))
    expect(rows.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(new Set(rows.map(({ tx }) => tx)).size).toBe(3)
    expect(new Set(rows.map(({ receipt }) => receipt)).size).toBe(3)
  })

  test('doctor sees it run', async () => {
    type Findings = { findings: { what: string; ok: boolean; found: string }[] }
    const { findings, code } = await run<Findings>('doctor')
    expect(findings.filter(({ ok }) => !ok)).toEqual([])
    const running = findings.filter(({ found }) => found === 'running').map(({ what }) => what)
    expect(running).toEqual(['node', 'agent'])
    expect(code).toBe(0)
  })

  test('verify recomputes it beside its writers', async () => {
    expect(await run('verify')).toMatchObject({ code: 0, failures: 0, manifest: 'live' })
  })

  test.each([[], ['--fresh']])(
    'a second start on the same folder is refused: %s',
    async (...flags) => {
      const refused = await run<{ error: { code: string } }>('start', '--port', '0', ...flags)
      expect(refused).toMatchObject({ code: 1, error: { code: 'already-running' } })
      expect(existsSync(shell.path('.requite.1'))).toBe(false)
      expect(await ask('What is yaml?')).toMatchObject({ code: 0 })
    },
  )

  test.each(['node', 'agent'])('a second %s on the same folder is refused', async (role) => {
    const refused = await run<{ error: { code: string; title: string } }>(role)
    expect(refused).toMatchObject({ code: 1, error: { code: 'journal-in-use' } })
    expect(refused.error.title).toMatch(/process \d+/)
  })

  test('whoever has no token controls nothing', async () => {
    const text = readFileSync(shell.path('.requite/node/control.json'), 'utf8')
    const { port } = JSON.parse(text) as { port: number }
    for (const authorization of ['', 'Bearer ', `Bearer ${'0'.repeat(64)}`]) {
      const headers = { authorization }
      const url = `http://127.0.0.1:${port}/epoch`
      const response = await fetch(url, { method: 'POST', headers, body: '{}' })
      expect(response.status).toBe(401)
    }
  })
})

describe('Ctrl-C', () => {
  test('closes books and chain, signs the manifest, leaves no process, exit 0', async () => {
    up.kill('SIGINT')
    const ended = await up.ended
    expect(ended.code).toBe(0)
    expect(ended.stdout.trimEnd().split('\n')).toHaveLength(1)
    expect(await shell.quiet()).toEqual([])
    expect(Verification.run(shell.home, 'research-desk', () => undefined)).toMatchObject({
      failures: [],
      erased: 0,
      manifest: 'verified',
    })
    for (const folder of ['node', 'agents/research-desk', 'chain'])
      expect(existsSync(shell.path('.requite', folder, 'control.json'))).toBe(false)
    await expect(fetch(nodeUrl)).rejects.toThrow()
  })

  test.each([
    [['ask', 'What is yaml?'], 'chain-unreachable'],
    [['epoch'], 'not-running'],
    [['claim'], 'seller-unreachable'],
  ] as const)('then %j says what to start', async (args, code) => {
    const ended = await run<{ error: { code: string; hint: string } }>(...args)
    expect(ended).toMatchObject({ code: 1, error: { code } })
    expect(ended.error.hint).toContain('npm start')
  })

  test('and attribute, copycat, doctor and verify still work from files', async () => {
    const lines = ['attribute README.md', 'demo copycat', 'doctor', 'verify']
    const ended = await Promise.all(lines.map((line) => run(...line.split(' '))))
    expect(ended.map(({ code }) => code)).toEqual([0, 0, 0, 0])
  })
})
