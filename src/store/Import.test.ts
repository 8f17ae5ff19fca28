import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { InputError } from '../kernel/Errors.ts'
import * as Import from './Import.ts'
import * as TextFile from './TextFile.ts'

const repositoryOwner = `0x${'ab'.repeat(20)}`
let root = ''

beforeEach(() => {
  root = mkdtempSync(join(realpathSync(tmpdir()), 'import-'))
})
afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})

function write(files: Record<string, string | Uint8Array>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
}

function installed(path: string, name: string, files: Record<string, string>): void {
  const base = `node_modules/${path}`
  write({ [`${base}/package.json`]: JSON.stringify({ name }) })
  for (const [file, text] of Object.entries(files)) write({ [`${base}/${file}`]: text })
}

function run(options: Partial<Import.DocumentationOptions> = {}): Import.Imported {
  return Import.importDocumentation({ root, repositoryOwner, ...options })
}

function listed({ documents }: Import.Imported): string[] {
  return documents.map((one) => `${one.owner} ${one.path}`)
}

function thrown(call: () => unknown): InputError {
  try {
    call()
  } catch (error) {
    if (error instanceof InputError) return error
    throw error
  }
  throw new Error('expected an InputError')
}

describe('the documentation of a project', () => {
  test('own documents first, then by package and path, each with its owner', () => {
    write({
      'package.json': '{"name":"mine"}',
      'README.md': 'own',
      'CONTRIBUTING.md': 'how',
      'NOTES.md': 'private',
      'docs/guide/a.md': 'guide',
      'docs/data.json': '{}',
      'src/README.md': 'inside',
    })
    installed('zod', 'zod', { 'README.md': 'zod', 'docs/b.mdx': 'b', 'docs/a.markdown': 'a' })
    installed('@x/core', '@x/core', { 'readme.md': 'x', 'dist/Guide.MD': 'deep' })
    installed('@x/core/node_modules/zod', 'zod', { 'README.md': 'older' })
    installed('plain', 'plain', { README: 'no extension', 'readme.js': 'code' })
    const imported = run()
    expect(listed(imported)).toEqual([
      `${repositoryOwner} CONTRIBUTING.md`,
      `${repositoryOwner} README.md`,
      `${repositoryOwner} docs/guide/a.md`,
      'npm:@x/core @x/core/dist/Guide.MD',
      'npm:@x/core @x/core/readme.md',
      'npm:plain plain/README',
      'npm:zod @x/core/node_modules/zod/README.md',
      'npm:zod zod/README.md',
      'npm:zod zod/docs/a.markdown',
      'npm:zod zod/docs/b.mdx',
    ])
    expect(imported.documents[0]).toMatchObject({ package: 'mine', text: 'how' })
    expect(imported.skipped).toEqual([])
    expect(run()).toEqual(imported)
  })

  test('changelogs, licences and test fixtures are no documentation; a package may be called test', () => {
    installed('a', 'a', {
      'README.md': 'a',
      'CHANGELOG.md': 'x',
      'History.md': 'x',
      'THIRD-PARTY-LICENSES.md': 'x',
      'test/fixture.md': 'x',
      'lib/__tests__/README.md': 'x',
      '.github/README.md': 'x',
    })
    installed('test', 'test', { 'README.md': 'a package' })
    installed('@scope/fixtures', '@scope/fixtures', { 'README.md': 'a package' })
    expect(listed(run())).toEqual([
      'npm:@scope/fixtures @scope/fixtures/README.md',
      'npm:a a/README.md',
      'npm:test test/README.md',
    ])
  })

  test('licence texts stand apart, one per distinct text', () => {
    write({ LICENSE: 'MIT' })
    installed('a', 'a', { 'README.md': 'a', LICENSE: 'MIT', 'NOTICE.txt': 'notice' })
    installed('b', 'b', { 'README.md': 'b', 'licence.md': 'MIT', 'LICENSE-APACHE': 'Apache' })
    installed('license-checker', 'license-checker', { 'license.js': 'code', COPYING: 'GPL' })
    const { commons } = run()
    expect(commons.map(({ path, text }) => [path, text])).toEqual([
      ['LICENSE', 'MIT'],
      ['a/NOTICE.txt', 'notice'],
      ['b/LICENSE-APACHE', 'Apache'],
      ['license-checker/COPYING', 'GPL'],
    ])
  })

  test('the nearest package.json with a name decides whose it is', () => {
    installed('a', 'a', { 'README.md': 'a', 'dist/README.md': 'still a' })
    write({
      'node_modules/a/dist/package.json': '{"type":"module"}',
      'node_modules/a/vendor/package.json': '{"name":"vendored"}',
      'node_modules/a/vendor/README.md': 'v',
      'node_modules/a/broken/package.json': '{',
      'node_modules/a/broken/README.md': 'b',
      'node_modules/nameless/README.md': 'n',
      'node_modules/spaced/package.json': '{"name":"a b"}',
      'node_modules/spaced/README.md': 's',
    })
    const imported = run()
    expect(listed(imported)).toEqual([
      'npm:a a/README.md',
      'npm:a a/broken/README.md',
      'npm:a a/dist/README.md',
      'npm:vendored a/vendor/README.md',
    ])
    expect(imported.skipped.map(({ path }) => path).sort()).toEqual([
      'a/broken/package.json',
      'nameless/README.md',
      'spaced/README.md',
    ])
  })

  test('links are followed inside the folder once, and never out of it', () => {
    write({ 'elsewhere/README.md': 'secret', 'elsewhere/package.json': '{"name":"elsewhere"}' })
    installed('.store/b/node_modules/b', 'b', { 'README.md': 'b' })
    installed('a', 'a', { 'README.md': 'a' })
    const at = (path: string) => join(root, 'node_modules', path)
    symlinkSync('.store/b/node_modules/b', at('b'))
    symlinkSync('.store/b/node_modules/b', at('c'))
    symlinkSync('../elsewhere', at('elsewhere'))
    symlinkSync('../../elsewhere/README.md', at('a/stolen.md'))
    symlinkSync('README.md', at('a/again.md'))
    symlinkSync('../.store/b/node_modules/b/README.md', at('a/claimed.md'))
    symlinkSync('.', at('a/loop'))
    symlinkSync('gone.md', at('a/dangling.md'))
    symlinkSync('self.md', at('a/self.md'))
    const imported = run()
    expect(listed(imported)).toEqual(['npm:a a/README.md', 'npm:b b/README.md'])
    expect(imported.skipped).toEqual([
      { path: 'a/dangling.md', because: 'cannot be read (ENOENT)' },
      { path: 'a/self.md', because: 'cannot be read (ELOOP)' },
      { path: 'a/stolen.md', because: 'a symbolic link that leads out of the folder' },
      { path: 'elsewhere', because: 'a symbolic link that leads out of the folder' },
    ])
  })

  test('chosen repository files are taken in the order given, none from outside', () => {
    write({ 'README.md': 'own', 'policy.md': 'p' })
    writeFileSync(`${root}.md`, 'outside')
    symlinkSync(`${root}.md`, join(root, 'link.md'))
    installed('a', 'a', { 'README.md': 'a' })
    const imported = run({ repositoryFiles: ['policy.md', 'README.md', 'gone.md', 'link.md'] })
    rmSync(`${root}.md`)
    expect(listed(imported).slice(0, 2)).toEqual([
      `${repositoryOwner} policy.md`,
      `${repositoryOwner} README.md`,
    ])
    expect(imported.skipped.map(({ path }) => path)).toEqual(['gone.md', 'link.md'])
    expect(() => run({ repositoryFiles: ['../a.md'] })).toThrow(/inside the repository/)
    expect(() => run({ repositoryFiles: ['/etc/hostname'] })).toThrow(/inside the repository/)
  })

  test('progress counts documents and bytes', () => {
    installed('a', 'a', { 'README.md': 'é' })
    installed('b', 'b', { 'README.md': 'bb' })
    const seen: Import.Progress[] = []
    run({ onProgress: (progress) => seen.push(progress) })
    expect(seen).toEqual([
      { documents: 1, bytes: 2 },
      { documents: 2, bytes: 4 },
    ])
  })

  test('a folder that is missing, a file or empty is named with what was expected', () => {
    const missing = thrown(() => run())
    expect(missing).toMatchObject({ code: 'folder-missing', hint: 'run `npm install` first' })
    expect(missing.message).toBe(
      `expected a folder with installed packages at ${root}/node_modules, but nothing is there`,
    )
    write({ node_modules: 'a file' })
    expect(thrown(() => run()).message).toContain('but a file is there')
    rmSync(join(root, 'node_modules'))
    mkdirSync(join(root, 'node_modules'))
    expect(thrown(() => run())).toMatchObject({ code: 'documents-none' })
    const gone = thrown(() => run({ root: join(root, 'gone') }))
    expect(gone.message).toContain('expected a folder with the repository')
  })
})

describe('an ordinary folder', () => {
  test('text and markdown by path; what cannot be taken is named with the reason', () => {
    write({
      'b.txt': 'b',
      'a/c.md': '\ufeffc',
      LICENSE: 'terms',
      '.hidden.md': 'x',
      'node_modules/x.md': 'x',
      'photo.png': new Uint8Array([137, 80]),
      'binary.md': new Uint8Array([65, 0, 66]),
      'latin1.txt': new Uint8Array([0xe9, 0x20, 0x61]),
      'empty.md': ' \n',
      'huge.txt': 'x'.repeat(TextFile.largestBytes + 1),
    })
    const imported = Import.importFolder(root, { owner: 'npm:me' })
    expect(listed(imported)).toEqual(['npm:me a/c.md', 'npm:me b.txt'])
    expect(imported.documents[0]?.text).toBe('\ufeffc')
    expect(imported.commons.map(({ text }) => text)).toEqual(['terms'])
    expect(Object.fromEntries(imported.skipped.map((one) => [one.path, one.because]))).toEqual({
      'binary.md': 'expected text, got a binary file (a NUL byte at 1)',
      'empty.md': 'expected text, got an empty file',
      'huge.txt': 'expected at most 2097152 bytes, got 2097153',
      'latin1.txt': 'expected text in UTF-8, got other bytes',
      'photo.png': 'expected text or markdown (.md, .markdown, .mdx, .txt, .rst)',
    })
  })

  test('nothing left is an error that says why', () => {
    expect(thrown(() => Import.importFolder(root, { owner: 'npm:me' })).message).toBe(
      `expected text or markdown in ${root}, found none`,
    )
    write({ 'a.md': new Uint8Array([0]) })
    const error = thrown(() => Import.importFolder(root, { owner: 'npm:me' }))
    expect(error.message).toContain('a.md expected text, got a binary file (a NUL byte at 0)')
    expect(error.facts).toMatchObject({ skipped: [{ path: 'a.md' }] })
    expect(() => Import.importFolder(join(root, 'gone'), { owner: 'npm:me' })).toThrow(
      /expected a folder with documents at .*gone, but nothing is there/,
    )
  })
})

test('this project: every installed package with a README has one, and each text is its file', () => {
  const repository = process.cwd()
  const imported = Import.importDocumentation({ root: repository, repositoryOwner })
  const { documents, commons, skipped } = imported
  expect(skipped).toEqual([])
  const packages = new Set(documents.map((one) => one.package))
  for (const name of ['zod', 'viem', 'hono', '@noble/hashes', '@x402/core', 'libsql'])
    expect(packages).toContain(name)
  expect(documents.length).toBeGreaterThan(150)
  expect(commons.length).toBeGreaterThan(50)
  const keys = documents
    .filter(({ owner }) => owner !== repositoryOwner)
    .map((one) => `${one.package}\u0000${one.path}`)
  expect(keys).toEqual([...keys].sort())
  expect(new Set(keys).size).toBe(keys.length)
  for (const { path, text, owner } of documents) {
    const file = join(repository, owner === repositoryOwner ? '' : 'node_modules', path)
    expect(existsSync(file)).toBe(true)
    expect(Buffer.from(text).equals(readFileSync(file))).toBe(true)
  }
})
