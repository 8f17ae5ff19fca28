/** The package as its users get it: packed, installed into an empty project, each door opened there. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stage } from '../scripts/stage.mjs'
import * as Doors from './doors/Doors.ts'
import { root } from './tidy/Source.ts'

const scratch = mkdtempSync(join(tmpdir(), 'requite-package-'))
const staged = join(scratch, 'staged')
const project = join(scratch, 'project')
let tarball = ''

/** Peers at the versions of this repository; a project has no overrides of ours, so pins are its own. */
const peers = [
  ...Object.keys(Doors.manifest.peerDependencies),
  '@langchain/langgraph',
  '@langchain/langgraph-checkpoint',
].map((name) => `${name}@${Doors.manifest.devDependencies[name]}`)

async function npm(folder: string, ...args: string[]): Promise<string> {
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  const { stdout } = await promisify(execFile)('npm', [...args, ...quiet], {
    cwd: folder,
    timeout: 150_000,
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout
}

beforeAll(async () => {
  stage(staged)
  mkdirSync(project)
  const [packed] = JSON.parse(await npm(scratch, 'pack', staged, '--json')) as {
    filename: string
  }[]
  tarball = join(scratch, packed!.filename)
  const manifest = { name: 'a-project', private: true, type: 'module' }
  writeFileSync(join(project, 'package.json'), JSON.stringify(manifest))
  await npm(project, 'install', tarball, ...peers)
}, 180_000)

afterAll(() => rmSync(scratch, { recursive: true, force: true }))

test('the tarball holds what runs and what is read, and nothing else', () => {
  const files = readdirSync(staged, { recursive: true }) as string[]
  for (const file of ['package.json', 'README.md', 'LICENSE', 'dist/index.js', 'dist/cli/main.js'])
    expect(files).toContain(file)
  expect(
    files.filter((file) => /\.(test|bench|test-d)\.|^(src|test|node_modules)\b/.test(file)),
  ).toEqual([])
  const text = readFileSync(join(staged, 'package.json'), 'utf8')
  expect(text).not.toMatch(/foundry|overrides|devDependencies|"source"/)
  expect(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))).toEqual(Doors.manifest)
})

test('publint finds nothing to say', async () => {
  const { messages } = await publint({ pkgDir: staged, strict: true, pack: false })
  expect(messages).toEqual([])
})

test('types are found through every door', async () => {
  const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js')
  const output = Doors.run(scratch, [attw, tarball, '--profile', 'esm-only', '--format', 'json'])
  const { analysis } = JSON.parse(output) as {
    analysis: { entrypoints: Record<string, unknown>; problems: unknown[] }
  }
  const entrypoints = Object.keys(analysis.entrypoints)
  expect(entrypoints.length).toBeGreaterThanOrEqual(Doors.doors.length)
})

describe('in an empty project', () => {
  test.each(Doors.doors)('%s opens', (door) => {
    const program = `console.log(Object.keys(await import('${door}')).length)`
    expect(Number(Doors.run(project, ['--input-type=module', '--eval', program]))).toBeGreaterThan(
      0,
    )
  })

  test('a program that uses the doors type-checks', () => {
    const lines = Doors.doors.map((door, index) => `import * as door${index} from '${door}'`)
    const all = Doors.doors.map((_, index) => `door${index}`).join(', ')
    const money =
      "import { Money } from 'requite/kernel'\nexport const parts: bigint[] = Money.split(3n, [1n, 1n])"
    writeFileSync(
      join(project, 'use.ts'),
      `${lines.join('\n')}\n${money}\nexport const all = [${all}]\n`,
    )
    const options = {
      compilerOptions: {
        module: 'nodenext',
        target: 'es2023',
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        types: [],
      },
      files: ['use.ts'],
    }
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(options))
    expect(Doors.run(project, [join(root, 'node_modules/typescript/bin/tsc')])).toBe('')
  })

  test('npx requite --help answers', async () => {
    const { stdout } = await promisify(execFile)('npx', ['--no-install', 'requite', '--help'], {
      cwd: project,
      timeout: 30_000,
    })
    expect(stdout).toContain('requite')
  })
})
