import * as crypto from 'node:crypto'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { BaseError } from '../kernel/Errors.ts'
import type * as Hex from '../kernel/Hex.ts'
import * as Files from './Files.ts'

let folder: string
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'files-'))
})
afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true })
})

const at = (...names: string[]) => path.join(folder, ...names)
const write = (name: string, bytes: string) => {
  fs.mkdirSync(path.dirname(at(name)), { recursive: true })
  fs.writeFileSync(at(name), bytes)
}
const codeOf = (work: () => unknown) => {
  try {
    work()
  } catch (error) {
    return (error as BaseError).code
  }
  return 'nothing thrown'
}

describe('atomic writes', () => {
  test('the file is replaced whole, has the mode asked for, and nothing else is left', () => {
    const umask = process.umask(0o077)
    try {
      Files.writeAtomic(at('key.json'), 'one', { mode: 0o600 })
      Files.writeAtomic(at('key.json'), new Uint8Array([0x74, 0x77, 0x6f]), { mode: 0o600 })
      Files.writeAtomic(at('open.json'), 'anyone')
    } finally {
      process.umask(umask)
    }
    expect(fs.readFileSync(at('key.json'), 'utf8')).toBe('two')
    expect(fs.statSync(at('key.json')).mode & 0o777).toBe(0o600)
    expect(fs.statSync(at('open.json')).mode & 0o777).toBe(0o644)
    expect(fs.readdirSync(folder).sort()).toEqual(['key.json', 'open.json'])
  })

  test('a reader that holds the old file still reads the old file', () => {
    Files.writeAtomic(at('a'), 'old')
    const handle = fs.openSync(at('a'), 'r')
    Files.writeAtomic(at('a'), 'new')
    expect(fs.readFileSync(handle, 'utf8')).toBe('old')
    fs.closeSync(handle)
    expect(fs.readFileSync(at('a'), 'utf8')).toBe('new')
  })

  test('a write that cannot be leaves what was there, and no litter', () => {
    fs.mkdirSync(at('taken'))
    write('taken/inside', 'kept')
    expect(codeOf(() => Files.writeAtomic(at('taken'), 'x'))).toBe('file-unwritable')
    expect(codeOf(() => Files.writeAtomic(at('none', 'a'), 'x'))).toBe('folder-missing')
    expect(fs.readdirSync(folder)).toEqual(['taken'])
    expect(fs.readFileSync(at('taken', 'inside'), 'utf8')).toBe('kept')
  })
})

describe('documents', () => {
  test.each(['', 'Grüße, 世界 🌍\r\n', '\ufeffwith a byte-order mark', 'a\u0000b'])(
    'a text comes back by its hash: %j',
    (text) => {
      const hash = Files.putDocument(folder, text)
      expect(hash).toBe(`0x${crypto.createHash('sha256').update(text).digest('hex')}`)
      expect(fs.readdirSync(folder)).toEqual([`${hash.slice(2)}.txt`])
      expect(Files.getDocument(folder, hash)).toEqual({ kind: 'found', text })
      expect(Files.putDocument(folder, text)).toBe(hash)
    },
  )

  test('many at once, each once, in the order they came', () => {
    const hashes = Files.putDocuments(folder, ['a', 'b', 'a'])
    expect(hashes[0]).toBe(hashes[2])
    expect(hashes.map((hash) => Files.getDocument(folder, hash))).toEqual(
      ['a', 'b', 'a'].map((text) => ({ kind: 'found', text })),
    )
    expect(fs.readdirSync(folder)).toHaveLength(2)
  })

  test('what was erased is said to be; a folder in the wrong place is not taken for it', () => {
    const hash = Files.putDocument(folder, 'private')
    fs.rmSync(at(`${hash.slice(2)}.txt`))
    expect(Files.getDocument(folder, hash)).toEqual({ kind: 'erased' })
    expect(codeOf(() => Files.getDocument(at('none'), hash))).toBe('folder-missing')
    expect(codeOf(() => Files.putDocument(at('none'), 'x'))).toBe('folder-missing')
  })

  test('a flipped bit is found and the file named; storing the text again mends it', () => {
    const hash = Files.putDocument(folder, 'hello')
    fs.writeFileSync(at(`${hash.slice(2)}.txt`), 'hellp')
    expect(() => Files.getDocument(folder, hash)).toThrow(`${hash.slice(2)}.txt is damaged`)
    expect(codeOf(() => Files.getDocument(folder, hash))).toBe('document-damaged')
    Files.putDocument(folder, 'hello')
    expect(Files.getDocument(folder, hash)).toEqual({ kind: 'found', text: 'hello' })
  })

  test('bytes that are no text are refused even under their own hash', () => {
    const bytes = Uint8Array.of(0xff, 0xfe)
    const hash = crypto.createHash('sha256').update(bytes).digest('hex')
    fs.writeFileSync(at(`${hash}.txt`), bytes)
    expect(codeOf(() => Files.getDocument(folder, `0x${hash}`))).toBe('document-damaged')
  })

  test('neither a lone surrogate nor a path passes for a text or a hash', () => {
    expect(codeOf(() => Files.putDocuments(folder, ['fine', 'a\ud800']))).toBe('bad-input')
    expect(codeOf(() => Files.getDocument(folder, '0x../../etc/passwd' as Hex.Hex))).toBe(
      'bad-input',
    )
    expect(fs.readdirSync(folder)).toEqual([])
  })
})

describe('manifests', () => {
  const sha256 = (text: string): Hex.Hex =>
    `0x${crypto.createHash('sha256').update(text).digest('hex')}`

  beforeEach(() => {
    write('b/two', 'two')
    write('b.txt', 'dot')
    write('a', '')
    write('keys/secret', 'k')
    write('b/key.json', 'k')
  })
  const exclude = (name: string) => name === 'keys/' || name.endsWith('key.json')

  test('every file but the excluded, by path, with hash and length', () => {
    expect(Files.manifest(folder, { exclude })).toEqual([
      { path: 'a', sha256: sha256(''), bytes: 0 },
      { path: 'b.txt', sha256: sha256('dot'), bytes: 3 },
      { path: 'b/two', sha256: sha256('two'), bytes: 3 },
    ])
    expect(Files.manifest(folder).map((entry) => entry.path)).toEqual([
      'a',
      'b.txt',
      'b/key.json',
      'b/two',
      'keys/secret',
    ])
  })

  test('a file larger than one piece hashes as a whole', () => {
    const large = crypto.randomBytes(5).toString('hex').repeat(250_001)
    write('large', large)
    const entry = Files.manifest(folder).find(({ path }) => path === 'large')
    expect(entry).toEqual({ path: 'large', sha256: sha256(large), bytes: 2_500_010 })
  })

  test('what is as it was has no problems; excluded files may change', () => {
    const entries = Files.manifest(folder, { exclude })
    write('keys/secret', 'another')
    write('keys/more', 'more')
    expect(Files.checkManifest(folder, entries, { exclude })).toEqual([])
  })

  test('changed, missing, unexpected: each file is named', () => {
    const entries = Files.manifest(folder, { exclude })
    write('b/two', 'twO')
    fs.appendFileSync(at('a'), 'x')
    fs.rmSync(at('b.txt'))
    write('new', '')
    expect(Files.checkManifest(folder, entries, { exclude })).toEqual([
      { path: 'a', problem: 'changed' },
      { path: 'b.txt', problem: 'missing' },
      { path: 'b/two', problem: 'changed' },
      { path: 'new', problem: 'unexpected' },
    ])
  })

  test('a link is no file, even to the same bytes', () => {
    const entries = Files.manifest(folder, { exclude })
    fs.renameSync(at('b.txt'), at('keys', 'moved'))
    fs.symlinkSync(at('keys', 'moved'), at('b.txt'))
    expect(codeOf(() => Files.manifest(folder, { exclude }))).toBe('not-a-file')
    expect(Files.checkManifest(folder, entries, { exclude })).toEqual([
      { path: 'b.txt', problem: 'changed' },
    ])
  })

  test('a path that leads out of the folder is a word: nothing there is read', () => {
    const outside = `${folder}-outside`
    fs.writeFileSync(outside, 'two')
    const entry = { path: `../${path.basename(outside)}`, sha256: sha256('two'), bytes: 3 }
    const problems = Files.checkManifest(folder, [entry], { exclude: () => true })
    fs.rmSync(outside)
    expect(problems).toEqual([{ path: entry.path, problem: 'missing' }])
  })

  test('a path twice, and a folder that is not there, are refused', () => {
    const [entry] = Files.manifest(folder)
    expect(codeOf(() => Files.checkManifest(folder, [entry!, entry!]))).toBe('manifest-malformed')
    expect(codeOf(() => Files.manifest(at('none')))).toBe('folder-missing')
    expect(codeOf(() => Files.manifest(at('a')))).toBe('file-unreadable')
  })
})
