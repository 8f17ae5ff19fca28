/**
 * @module Every command with `--help` and with nonsense: what is misspelt is named with the nearest right
 * word and exit code 2, what cannot be read is named with what was expected there, and nothing ever shows
 * a stack.
 */
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import type { ArgsDef, CommandDef } from 'citty'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Shell from './harness/Shell.ts'
import { root } from './tidy/Source.ts'

const names = readdirSync(`${root}/src/cli/commands`)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.replace(/\.ts$/, ''))

let shell: Shell.Shell

beforeAll(async () => {
  shell = Shell.open(['yaml'])
  // A closed home to read from, below the folder in which nothing was started.
  mkdirSync(shell.path('started'))
  const ended = await shell.run(['start', '--once', '--json', '--port', '0', '--home', 'started'])
  expect(ended.code, ended.stderr).toBe(0)
}, 60_000)

afterAll(() => shell.close())

type Failed = { error: { code: string; title: string; hint?: string } }

/** Fails as it should: code 1, one line of JSON on stdout, no stack anywhere. */
async function failure(args: readonly string[], how: Shell.How = {}): Promise<Failed['error']> {
  const ended = await shell.run([...args, '--json'], { timeoutMs: 30_000, ...how })
  expect(ended.stderr).not.toMatch(/\n\s+at /)
  const { error } = Shell.last<Failed>(ended)
  expect(error.code).not.toBe('internal')
  expect(ended.code).toBe(1)
  return error
}

/** Is called wrongly: code 2, all on stderr, nothing on stdout. */
async function misuse(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await shell.run(args, { timeoutMs: 30_000 })
  expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' })
  expect(stderr).not.toMatch(/\n\s+at /)
  return stderr
}

async function definition(name: string): Promise<CommandDef> {
  return ((await import(`../src/cli/commands/${name}.ts`)) as { default: CommandDef }).default
}

describe('--help', () => {
  test('of the program names every command there is', async () => {
    for (const flag of ['--help', '-h']) {
      const { code, stdout, stderr } = await shell.run([flag])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      for (const name of names) expect(stdout).toMatch(new RegExp(`^ +${name} +\\S`, 'm'))
    }
    expect((await shell.run([])).stdout).toContain('COMMANDS')
  })

  test.each(names)('of %s names every flag and argument, with what it does', async (name) => {
    const { args = {}, subCommands } = (await definition(name)) as {
      args?: ArgsDef
      subCommands?: Record<string, { args: ArgsDef }>
    }
    const [sub, inner] = Object.entries(subCommands ?? {})[0] ?? []
    const words = sub === undefined ? [name] : [name, sub]
    const { code, stdout, stderr } = await shell.run([...words, '--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const flags = Object.entries(inner?.args ?? args)
    expect(flags.length).toBeGreaterThan(1)
    for (const [flag, { type, description = '' }] of flags) {
      expect(stdout).toContain(type === 'positional' ? flag.toUpperCase() : `--${flag}`)
      expect(description).not.toBe('')
      expect(stdout).toContain(description)
    }
  })

  test('--version is the version of the package', async () => {
    const { version } = (await import('../package.json', { with: { type: 'json' } })).default
    expect((await shell.run(['--version'])).stdout).toBe(`${version}\n`)
  })
})

describe('misspelt, missing, too much: exit code 2', () => {
  test.each([
    [['strat'], /no command strat; did you mean start\?/],
    [['frobnicate'], /no command frobnicate\n/],
    [['demo', 'copycats'], /no command copycats; did you mean copycat\?/],
    [['start', '--frseh'], /no flag --frseh; did you mean --fresh\?/],
    [['start', '--once=no'], /expected --once without a value/],
    [['start', '--no-home'], /no flag --no-home/],
    [['start', '--port'], /expected a value after --port/],
    [['start', '--question'], /expected a value after --question/],
    [['start', '--question='], /expected a question/],
    [['start', 'now'], /expected no argument, got 1/],
    [['ask'], /expected question: The question, in quotes/],
    [['ask', ''], /expected a question/],
    [['ask', ' \n '], /expected a question/],
    [['ask', 'x'.repeat(8_001)], /at most 8000 characters, got 8001/],
    [['ask', 'How', 'so?'], /only question \(quote a text with spaces\), got 2/],
    [['ask', '--', 'How', '--so?'], /only question \(quote a text with spaces\), got 2/],
    [['attribute'], /expected file: A text file/],
    [['attribute', 'a', 'b'], /only file .* got 2/],
    [['claim', '--key'], /expected a value after --key/],
  ])('%j', async (args, message) => {
    expect(await misuse(...args)).toMatch(message)
  })

  test('what is wrong is told first, then how it is called', async () => {
    for (const words of ['verify', 'demo copycat']) {
      const told = await misuse(...words.split(' '), '--nonsense')
      expect(told).toMatch(/^no flag --nonsense\n/)
      expect(told).toContain(`USAGE requite ${words}`)
    }
  })
})

describe('before anything was started', () => {
  test.each([
    ['ask', 'How?'],
    ['attribute', 'README.md'],
    ['claim'],
    ['demo', 'copycat'],
    ['epoch'],
    ['node'],
    ['agent'],
  ])('%s %s says to start', async (...args) => {
    const { code, hint } = await failure(args.filter((word) => word !== undefined))
    expect(code).toBe('not-started')
    expect(hint).toContain('npm start')
  })

  test('verify finds no folder, and doctor what there is to find', async () => {
    expect(await failure(['verify'])).toMatchObject({ code: 'folder-missing' })
    const { code, stdout } = await shell.run(['doctor', '--no-json'])
    expect(stdout).toContain('not made yet')
    expect(stdout).toContain('no mistakes')
    expect(code).toBe(0)
  })

  test.each(['start', 'verify', 'ask How?'])('%s in the place of a file', async (line) => {
    const error = await failure([...line.split(' '), '--home', 'README.md'])
    expect(error.title).toMatch(/expected a folder at .*README\.md, found a file/)
  })

  test('start without a policy starts nothing', async () => {
    const error = await failure(['start', '--policy', 'nowhere.yaml'])
    expect(error).toMatchObject({ code: 'policy-missing' })
    expect(error.title).toContain('nowhere.yaml')
    expect(readdirSync(shell.folder)).not.toContain('.requite')
  })
})

describe('configuration: source, place and what was expected', () => {
  const file = () => shell.path('requite.config.json')

  test.each([
    ['{"port": "x"}', /requite\.config\.json: port: .*expected number/],
    ['{"prot": 1}', /requite\.config\.json: top level: .*"prot"/],
    ['{"rates": {"feePpb": 5}}', /requite\.config\.json: rates\.\w+: .*expected string/],
    ['{"agent": "../up"}', /requite\.config\.json: agent: expected lower-case letters/],
    ['{"port": 1,}', /requite\.config\.json cannot be loaded: .*JSON/],
    ['', /requite\.config\.json cannot be loaded: .*JSON/],
    ['[]', /requite\.config\.json: expected an object of settings/],
  ])('%s', async (text, message) => {
    writeFileSync(file(), text)
    try {
      const error = await failure(['doctor'])
      expect(error).toMatchObject({ code: 'bad-config', title: expect.stringMatching(message) })
    } finally {
      rmSync(file())
    }
  })

  test.each([
    ['throw new Error("not today")', /requite\.config\.mjs cannot be loaded: not today/],
    ['export const port = 1', /requite\.config\.mjs: expected an object of settings/],
    ['export default { port: 65536 }', /requite\.config\.mjs: port: .*<=65535/],
  ])('%s', async (text, message) => {
    writeFileSync(shell.path('requite.config.mjs'), text)
    try {
      expect((await failure(['doctor'])).title).toMatch(message)
    } finally {
      rmSync(shell.path('requite.config.mjs'))
    }
  })

  test.each(['abc', '65536', '-1', ''])('--port %j', async (port) => {
    const error = await failure(['start', `--port=${port}`])
    expect(error).toMatchObject({ code: 'bad-config', title: expect.stringMatching(/^--port: /) })
  })

  test('the environment is blamed for what it says, and a flag is stronger', async () => {
    const env = { REQUITE_PORT: 'many', REQUITE_HOME: 'started' }
    expect((await failure(['verify'], { env })).title).toMatch(/^REQUITE_PORT: /)
    const ended = await shell.run(['verify', '--json'], { env: { REQUITE_HOME: 'started' } })
    expect(ended.code).toBe(0)
    const flag = await failure(['verify', '--home', 'elsewhere'], {
      env: { REQUITE_HOME: 'started' },
    })
    expect(flag.title).toContain('elsewhere')
  })

  test('a file that is sound is used, from the folder it lies in', async () => {
    writeFileSync(file(), '{"home": "started"}')
    try {
      expect((await shell.run(['verify', '--json'])).code).toBe(0)
    } finally {
      rmSync(file())
    }
  })
})

describe('a policy that nobody understands', () => {
  test.each([
    ['rules: [', /policy\.yaml:\d+:\d+/],
    ['policy: a\nasset: b\nrules: []\n', /bad-policy\.yaml:2:\d+/],
    ['policy: a\npolicy: b\n', /bad-policy\.yaml:2:\d+/],
    ['', /bad-policy\.yaml/],
  ])('%j', async (text, place) => {
    writeFileSync(shell.path('bad-policy.yaml'), text)
    const { code, stdout } = await shell.run(['doctor', '--policy', 'bad-policy.yaml', '--json'])
    type Finding = { what: string; ok: boolean; found: string }
    const { findings } = Shell.last<{ findings: Finding[] }>({ stdout, stderr: '', code, ms: 0 })
    const found = findings.find(({ what }) => what === 'policy')!
    expect(found.ok).toBe(false)
    expect(found.found).toMatch(place)
    expect(code).toBe(1)
  })
})

describe('attribute', () => {
  const attribute = (file: string) => ['attribute', file, '--home', 'started']

  test.each([
    ['nowhere.md', undefined, 'file-missing'],
    ['node_modules', undefined, 'file-missing'],
    ['binary.bin', new Uint8Array([0xff, 0xfe, 0, 0x80]), 'not-text'],
    ['huge.txt', new Uint8Array(16 * 1024 * 1024 + 1).fill(97), 'bad-input'],
  ])('%s', async (file, bytes, code) => {
    if (bytes !== undefined) writeFileSync(shell.path(file), bytes)
    const error = await failure(attribute(file))
    expect(error.code).toBe(code)
    expect(error.title).toMatch(/^expected .*text/)
  })

  test('the largest text that is taken is taken', async () => {
    const words = 'Lorem ipsum dolor sit amet. '
    const text = words.repeat((2 * 1024 * 1024) / words.length)
    writeFileSync(shell.path('large.txt'), text)
    const ended = await shell.run([...attribute('large.txt'), '--json'])
    expect(Shell.last(ended)).toMatchObject({ coveragePpb: '0', sources: [] })
  })

  test('nothing is nobody’s, from a file and from standard input', async () => {
    writeFileSync(shell.path('empty.txt'), '')
    for (const file of ['empty.txt', '-']) {
      const ended = await shell.run([...attribute(file), '--json'])
      expect(Shell.last(ended)).toMatchObject({ coveragePpb: '0', shares: [], sources: [] })
      expect(ended.code).toBe(0)
    }
    const binary = { input: new Uint8Array([0xc3, 0x28]) }
    expect(await failure(attribute('-'), binary)).toMatchObject({ code: 'not-text' })
  })

  test('colours stay away from pipes, and escapes in a text from the terminal', async () => {
    writeFileSync(shell.path('escape.txt'), 'red \u001b[31malert\u0007 and title \u001b]0;x\u0007')
    const { stdout, code } = await shell.run([...attribute('escape.txt'), '--no-json'])
    expect(code).toBe(0)
    expect([...stdout].filter((letter) => letter < ' ' && letter !== '\n')).toEqual([])
  })
})

describe('claim with a key file that is none', () => {
  const claim = (file: string) => failure(['claim', '--key', file, '--home', 'started'])

  test.each([
    ['nowhere.json', undefined],
    ['empty.json', '{}'],
    ['other.json', '{"version":3,"address":"x","crypto":{}}'],
    ['list.json', '[1,2,3]'],
  ])('%s', async (file, text) => {
    if (text !== undefined) writeFileSync(shell.path(file), text, { mode: 0o600 })
    const { title } = await claim(file)
    expect(title).toContain(file)
    expect(title).toMatch(/expected/)
  })

  test('a bare key is refused, and nothing of it repeated', async () => {
    const key = `0x${'4e1d'.repeat(16)}`
    writeFileSync(shell.path('bare.txt'), key, { mode: 0o600 })
    const ended = await shell.run(['claim', '--key', 'bare.txt', '--home', 'started'])
    expect(ended.code).toBe(1)
    expect(`${ended.stdout}${ended.stderr}`).toContain('bare.txt')
    expect(`${ended.stdout}${ended.stderr}`).not.toContain(key.slice(0, 6))
  })

  test('a key that others can read is refused with how to mend it', async () => {
    writeFileSync(shell.path('open.json'), '{}')
    chmodSync(shell.path('open.json'), 0o644)
    const { title, hint = '' } = await claim('open.json')
    expect(`${title} ${hint}`).toContain('open.json')
  })
})

describe('files of a home that are not what they were', () => {
  test('contracts.json is named with what was expected in it', async () => {
    const file = shell.path('started/chain/contracts.json')
    for (const [text, message] of [
      ['{', /contracts\.json as JSON/],
      ['{}', /contracts\.json: rpcUrl: /],
    ] as const) {
      writeFileSync(file, text)
      expect((await failure(['ask', 'How?', '--home', 'started'])).title).toMatch(message)
    }
  })
})
