/**
 * Projects that `requite create` begins, as their users get them: the package packed, one install from the
 * tarball for all of them, each run, tested and type-checked by its own scripts.
 */
import { execFile } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureBuilt } from '../scripts/setup.mjs'
import { stage } from '../scripts/stage.mjs'
import * as Doors from './doors/Doors.ts'
import { root } from './tidy/Source.ts'

const names = ['research-desk', 'trading-desk', 'model-provider']
const scratch = mkdtempSync(join(tmpdir(), 'requite-create-'))
const program = join(root, 'dist', 'cli', 'main.js')
let tarball = ''
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

type Manifest = Readonly<Record<Part, Readonly<Record<string, string>>>>
type Part = (typeof parts)[number]
const parts = ['dependencies', 'devDependencies', 'optionalDependencies', 'overrides'] as const

/** Runs a program in a folder; its standard output. Rejects, with what it said, unless it ends well. */
async function run(folder: string, file: string, args: readonly string[], timeout = 60_000) {
  const { PATH, HOME } = process.env
  const env = { PATH, HOME, TMPDIR: scratch, NO_COLOR: '1' }
  const options = { cwd: folder, timeout, env, maxBuffer: 16 * 1024 * 1024 }
  const { stdout } = await promisify(execFile)(file, [...args], options)
  return stdout
}

const create = (...args: string[]) => run(scratch, process.execPath, [program, 'create', ...args])
const manifestOf = (name: string) =>
  JSON.parse(readFileSync(join(scratch, name, 'package.json'), 'utf8')) as Manifest

beforeAll(async () => {
  ensureBuilt()
  const staged = join(scratch, 'staged')
  stage(staged)
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  const packed = await run(scratch, 'npm', ['pack', staged, '--json', ...quiet])
  tarball = join(scratch, (JSON.parse(packed) as [{ filename: string }])[0].filename)
  rmSync(staged, { recursive: true })
  for (const name of names) await create(name, name, '--requite', tarball)
  // One install serves all: what each asks for, together, in the folder above them.
  const all = names.map(manifestOf)
  const merged = parts.map((part) => [part, Object.assign({}, ...all.map((one) => one[part]))])
  const manifest = { name: 'projects', private: true, ...Object.fromEntries(merged) }
  writeFileSync(join(scratch, 'package.json'), JSON.stringify(manifest))
  await run(scratch, 'npm', ['install', ...quiet], 150_000)
}, 180_000)

describe.each(names)('%s', (name) => {
  const folder = join(scratch, name)

  test('runs: what moved adds up, and every journal verifies', async () => {
    const stdout = await run(folder, 'npm', ['start', '--silent', '--', '--json'])
    const report = JSON.parse(stdout.trimEnd().split('\n').at(-1)!)
    expect(report).toMatchObject({ conserved: true, verify: { failures: 0, erased: 0 } })
    expect(Number(report.paidAtoms)).toBeGreaterThan(0)
  }, 60_000)

  test('passes its own test', async () => {
    expect(await run(folder, 'npm', ['test', '--silent'])).toMatch(/Tests\s+1 passed \(1\)/)
  }, 60_000)

  test('type-checks', async () => {
    expect(await run(folder, 'npm', ['run', '--silent', 'types'])).toBe('')
  }, 60_000)

  test('imports what its own manifest names, and nothing of the repository', () => {
    const { dependencies, devDependencies } = manifestOf(name)
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    const sources = files.filter((file) => file.endsWith('.ts'))
    expect(sources.length).toBeGreaterThan(3)
    for (const file of sources) {
      const text = readFileSync(join(folder, file), 'utf8')
      for (const [, from] of text.matchAll(/(?:from |require\()'([^']+)'/g)) {
        if (from!.startsWith('node:')) continue
        if (from!.startsWith('.')) expect(existsSync(join(folder, file, '..', from!))).toBe(true)
        else {
          const [, asked] = /^((?:@[^/]+\/)?[^/]+)/.exec(from!)!
          expect({ ...dependencies, ...devDependencies }).toHaveProperty([asked!])
        }
      }
    }
  })

  test('its README says what each file is', () => {
    const text = readFileSync(join(folder, 'README.md'), 'utf8')
    const made = ['package.json', 'README.md', 'tsconfig.json', '.gitignore', '.npmrc']
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    const own = files.filter((file) => file.includes('.') && !made.includes(file))
    for (const file of own.filter((each) => each !== 'main.test.ts' && !/^node_mod/.test(each)))
      expect(text).toMatch(new RegExp(`\\| \`${file}\` \\| [^|\\n]{10,}\\|`))
  })

  test('takes the versions that this repository is tested with', () => {
    const { requite, ...dependencies } = manifestOf(name).dependencies
    expect(requite).toBe(`file:${tarball}`)
    const exact = { ...dependencies, ...manifestOf(name).devDependencies }
    for (const [dependency, version] of Object.entries(exact))
      expect(Doors.manifest.devDependencies[dependency]).toBe(version)
  })
})

test('an installed package lists the same templates', async () => {
  const listed = await run(scratch, 'npx', ['--no-install', 'requite', 'create', '--json'])
  const { templates } = JSON.parse(listed) as { templates: { name: string }[] }
  expect(templates.map(({ name }) => name)).toEqual(names)
  expect(await create('--help')).toMatch(/\[TEMPLATE\].*\[FOLDER\]/)
})

test('the package comes from where it is: its checkout, or the registry once it is published', async () => {
  await create(names[2]!, 'of-a-checkout')
  expect(manifestOf('of-a-checkout').dependencies.requite).toBe(`file:${root.replace(/\/$/, '')}`)
  // Copied, not linked: else a project and this package would each have a LangChain of their own.
  const npmrc = readFileSync(join(scratch, 'of-a-checkout', '.npmrc'), 'utf8')
  expect(npmrc).toBe('install-links=true\n')
  const installed = ['--no-install', 'requite', 'create', names[2]!, 'of-a-version']
  await run(scratch, 'npx', installed)
  expect(manifestOf('of-a-version').dependencies.requite).toBe(Doors.manifest.version)
  expect(existsSync(join(scratch, 'of-a-version', '.npmrc'))).toBe(false)
})

test('what is there is never overwritten; what is misspelt is named', async () => {
  const before = readFileSync(join(scratch, names[0]!, 'main.ts'), 'utf8')
  const failed = { code: 1, stdout: expect.stringContaining('folder-not-empty') }
  await expect(create(names[0]!, names[0]!, '--json')).rejects.toMatchObject(failed)
  expect(readFileSync(join(scratch, names[0]!, 'main.ts'), 'utf8')).toBe(before)
  mkdirSync(join(scratch, 'taken'))
  writeFileSync(join(scratch, 'taken', 'notes.txt'), 'mine')
  await expect(create(names[2]!, 'taken', '--json')).rejects.toMatchObject(failed)
  expect(readdirSync(join(scratch, 'taken'))).toEqual(['notes.txt'])
  const file = create(names[2]!, 'taken/notes.txt', '--json')
  const isFile = { code: 1, stdout: expect.stringContaining('not-a-folder') }
  await expect(file).rejects.toMatchObject(isFile)
  const misspelt = create('researchdesk', 'new', '--json')
  await expect(misspelt).rejects.toMatchObject({
    code: 2,
    stdout: expect.stringContaining('npx requite create research-desk'),
  })
  await expect(create(names[0]!, '--json')).rejects.toMatchObject({ code: 2 })
  expect(existsSync(join(scratch, 'new'))).toBe(false)
})
