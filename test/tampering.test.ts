/**
 * @module One byte, one file, one record: whatever is altered in a closed home after the fact, `verify`
 * ends with code 1 and names the file. Every kind of file that a home holds is tried.
 */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Home from '../src/cli/Home.ts'
import * as Manifest from '../src/cli/Manifest.ts'
import * as Verification from '../src/cli/Verification.ts'
import * as Wallet from '../src/wallets/Wallet.ts'
import * as Shell from './harness/Shell.ts'

/** Kinds of file that a closed home holds in any case; `*` stands for a hash or a number. */
const expected = [
  'agents/research-desk/answers/*.json',
  'agents/research-desk/journal.db',
  'agents/research-desk/journal.db.lock',
  'agents/research-desk/requests/*.json',
  'chain/contracts.json',
  'chain/state.json',
  'manifest.json',
  'node/answers/*.json',
  'node/documents/*.txt',
  'node/epochs/*.jsonl',
  'node/journal.db',
  'node/journal.db.lock',
]
const keys = ['agents/research-desk/key.json', 'node/key.json', 'owner/key.json']

let shell: Shell.Shell
let files: string[]
/** All kinds found but keys, which no manifest names. */
let kinds: string[]

beforeAll(async () => {
  shell = Shell.open(['zod', 'yaml'])
  const { code, stderr } = await shell.run(['start', '--once', '--json', '--port', '0'])
  expect(code, stderr).toBe(0)
  files = readdirSync(shell.home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(shell.home.length + 1))
    .sort()
  kinds = [...new Set(files.map(kindOf))].filter((kind) => !keys.includes(kind))
}, 70_000)

afterAll(() => shell.close())

const kindOf = (file: string) => file.replace(/(?<=^|\/)([0-9a-f]{64}|\d+)(?=\.|\/|$)/g, '*')
const someOf = (kind: string) => files.find((file) => kindOf(file) === kind)!

/** A copy of the closed home, altered, and what verification says of it. */
function altered(alter: (home: string) => void): Verification.Result {
  const copy = shell.path('copy')
  rmSync(copy, { recursive: true, force: true })
  cpSync(shell.home, copy, { recursive: true })
  alter(copy)
  return Verification.run(copy, 'research-desk', quiet)
}

const filesIn = ({ failures }: Verification.Result) => failures.map(({ file }) => file)

function flip(file: string, at: (length: number) => number, bit = 1): void {
  const bytes = readFileSync(file)
  const place = at(bytes.length)
  bytes[place] = bytes[place]! ^ bit
  writeFileSync(file, bytes)
}

const quiet = () => undefined
const middle = (length: number) => length >> 1

test('a home holds at least what is expected, and its keys', () => {
  expect(kinds).toEqual(expect.arrayContaining(expected))
  expect(files).toEqual(expect.arrayContaining(keys))
})

describe('an honest home', () => {
  test('verifies by the command, and keeps every byte', async () => {
    const bytes = () => files.map((file) => readFileSync(shell.path('.requite', file)))
    const before = bytes()
    const ended = await shell.run(['verify', '--json'])
    const { records, ...rest } = Shell.last(ended)
    expect(rest).toMatchObject({ failures: 0, erased: 0, manifest: 'verified', problems: [] })
    expect(records).toBeGreaterThan(40)
    expect(ended.code).toBe(0)
    expect(bytes()).toEqual(before)
  })

  test('verifies wherever it is copied, and each of its folders by itself', () => {
    expect(altered(() => undefined)).toMatchObject({ failures: [], manifest: 'verified' })
    for (const folder of ['node', 'agents/research-desk'])
      expect(Verification.run(`${shell.home}/${folder}`, 'research-desk', quiet)).toMatchObject({
        failures: [],
        manifest: 'not asked for',
      })
  })

  test.each(['nowhere', 'node_modules'])('is not %s, and verification says so', (place) => {
    const look = () => Verification.run(shell.path(place), 'research-desk', quiet)
    expect(look).toThrow(/expected a home or the folder of a node or an agent/)
  })
})

describe('one byte', () => {
  test('in a file of any kind', () => {
    for (const kind of kinds) {
      const file = someOf(kind)
      const ends = /\.db$|manifest/.test(kind) ? [() => 0, (length: number) => length - 1] : []
      for (const at of [middle, ...ends]) {
        const { failures } = altered((home) => flip(`${home}/${file}`, at))
        const found = failures.find((failure) => failure.file === file)
        expect(found?.because, kind).toMatch(/./)
      }
    }
  }, 60_000)

  test.each(['agents/research-desk/journal.db', 'node/documents/*.txt'])(
    'in %s, told by the command with exit code 1',
    async (kind) => {
      const file = someOf(kind)
      altered((home) => flip(`${home}/${file}`, middle))
      const [json, text] = await Promise.all([
        shell.run(['verify', 'copy', '--json']),
        shell.run(['verify', 'copy', '--no-json']),
      ])
      const { failures, problems } = Shell.last<{ failures: number; problems: object[] }>(json)
      expect(failures).toBe(problems.length)
      expect(problems).toContainEqual(expect.objectContaining({ file }))
      expect(text.stdout).toContain(file)
      for (const { code, stderr } of [json, text]) {
        expect(code).toBe(1)
        expect(stderr).toBe('')
      }
    },
  )
})

describe('a file', () => {
  test('of any kind taken away', () => {
    for (const kind of kinds) {
      const file = someOf(kind)
      expect(filesIn(altered((home) => rmSync(`${home}/${file}`)))).toContain(file)
    }
  }, 60_000)

  test.each(['node/documents/stranger.txt', 'stranger', 'chain/.hidden', 'node/epochs/1.jsonl'])(
    '%s added',
    (file) => {
      expect(filesIn(altered((home) => writeFileSync(`${home}/${file}`, 'x')))).toContain(file)
    },
  )

  test('swapped with another of its kind', () => {
    const [one, other] = files.filter((file) => kindOf(file) === 'node/answers/*.json')
    const swap = (home: string) => {
      const text = readFileSync(`${home}/${one}`)
      cpSync(`${home}/${other}`, `${home}/${one}`)
      writeFileSync(`${home}/${other}`, text)
    }
    expect(filesIn(altered(swap))).toEqual(expect.arrayContaining([one, other]))
  })
})

describe('behind a manifest that was made to fit', () => {
  /** Signs what is there now with a key of the forger's own. */
  const forge = async (home: string) =>
    Manifest.write(Home.of({ home, agent: 'research-desk' }), Wallet.generate())

  const forged = async (alter: (home: string) => void) => {
    const copy = shell.path('copy')
    altered(alter)
    await forge(copy)
    return Verification.run(copy, 'research-desk', quiet)
  }

  test('the forger is not the node', async () => {
    const { failures } = await forged(() => undefined)
    expect(failures).toMatchObject([{ file: 'manifest.json' }])
  })

  const besides = ({ failures }: Verification.Result) =>
    failures.filter(({ check }) => check !== 'manifest')

  test.each([
    ['node/documents/*.txt', /[0-9a-f]{64}/],
    ['node/answers/*.json', /answer/],
    ['node/epochs/*.jsonl', /leaves|epoch/],
  ])('%s does not hold', async (kind, about) => {
    const file = someOf(kind)
    const found = besides(await forged((home) => flip(`${home}/${file}`, middle)))
    expect(found.some(({ check, because }) => about.test(`${check} ${because}`))).toBe(true)
  })

  test.each([
    ['node/journal.db', '"chargedAtoms":"'],
    ['node/journal.db', '"payAtoms":"'],
    ['node/journal.db', '"owner":"npm:'],
    ['agents/research-desk/journal.db', '"paidAtoms":"'],
    ['agents/research-desk/journal.db', '"verdict":"'],
  ])('a letter of %s after %s does not hold', async (file, mark) => {
    const write = (home: string) => {
      const bytes = readFileSync(`${home}/${file}`)
      // Everywhere: pages of a database keep scraps of earlier versions that nothing reads.
      for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1))
        bytes[at + mark.length]! ^= 1
      writeFileSync(`${home}/${file}`, bytes)
    }
    const found = besides(await forged(write))
    expect(found.map((failure) => failure.file)).toContain(file)
  })
})
