/**
 * Verification that goes on from earlier ones: interrupted and resumed, of new records alone, and never
 * taken in: by a past that was rewritten with the log's own key, or by a memory that somebody made up.
 */
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
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import * as Verification from '../src/cli/Verification.ts'
import * as Verified from '../src/cli/Verified.ts'
import * as Closed from './harness/Closed.ts'
import * as Forger from './harness/Forger.ts'
import type * as Pair from './harness/Pair.ts'
import * as Story from './harness/Story.ts'

let short: Pair.Pair
let whole: Pair.Pair
beforeAll(async () => {
  short = await Story.tell({ short: true })
  whole = await Story.tell()
})

let folder: string
let root: string
let nowMs: number
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'verify-'))
  root = join(folder, 'home')
  nowMs = Date.UTC(2026, 10, 20)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const size = ({ seller, buyer }: Pair.Pair) => seller.texts.length + buyer.texts.length
const key = () => join(folder, 'elsewhere', 'verify.key')
const again = (options: Partial<Verification.Options> = {}, target = root) =>
  Verification.resume(target, Closed.agent, { key: key(), now: () => nowMs, ...options })
const stateText = () => readFileSync(Verified.fileOf(root), 'utf8')
const found = ({ failures }: Verification.Result) =>
  failures.map(({ file, check }) => `${file}: ${check}`)

test('the first story is the beginning of the second, word for word', () => {
  for (const who of ['seller', 'buyer'] as const) {
    const { texts } = short[who]
    expect(whole[who].texts.slice(0, texts.length)).toEqual(texts)
    expect(whole[who].texts.length).toBeGreaterThan(texts.length)
  }
})

describe('verified before', () => {
  test('a home is judged in full once, and its new records alone after that', async () => {
    await Closed.write(root, short)
    const first = await again()
    expect(first).toMatchObject({ records: size(short), judged: size(short), failures: [] })
    expect(first).toMatchObject({ manifest: 'verified', notes: [] })
    expect(await again()).toMatchObject({ records: size(short), judged: 0, failures: [] })

    await Closed.write(root, whole)
    const later = await again()
    expect(later.failures).toEqual([])
    expect(later).toMatchObject({ records: size(whole), judged: size(whole) - size(short) })
    // All are linked and replayed; the signatures of the first are not asked about again.
    expect(later.checks['chain-of-hashes']).toEqual({ verified: size(whole) })
    expect(later.checks.replay).toEqual({ verified: size(whole) })
    const full = await again({ all: true })
    expect(full.judged).toBe(size(whole))
    for (const check of ['quote', 'receipt', 'payment', 'attribution'])
      expect(later.checks[check]!.verified).toBeLessThan(full.checks[check]!.verified!)
    expect(await again()).toMatchObject({ judged: 0, failures: [] })
  })

  test('judges again all that lies beside the log', async () => {
    await Closed.write(root, whole)
    const before = await again()
    const after = await again()
    for (const check of ['document', 'answer', 'causes', 'counterpart'])
      expect(after.checks[check], check).toEqual(before.checks[check])
    expect(after.checks.epoch!.verified).toBe(whole.leaves.size)
    const answers = join(root, 'node', 'answers')
    const file = join(answers, readdirSync(answers)[0]!)
    writeFileSync(file, readFileSync(file, 'utf8').replace('"output":"', '"output":"Not '))
    const [epoch] = whole.leaves.keys()
    writeFileSync(join(root, 'node', 'epochs', `${epoch}.jsonl`), 'x\n', { flag: 'a' })
    const result = await again()
    expect(result.judged).toBe(0)
    expect(found(result)).toEqual(
      expect.arrayContaining(['node/journal.db: answer', 'node/journal.db: epoch']),
    )
  })

  test('finds what was tampered with in the new records', async () => {
    await Closed.write(root, short)
    await again()
    const { texts } = whole.buyer
    const leaf = texts.findLastIndex((text) => text.includes('"type":"paying"'))
    expect(leaf).toBeGreaterThan(short.buyer.texts.length)
    const [change] = Forger.changes(texts).filter(
      (one) => one.leaf === leaf && String(one.path.at(-1)) === 'signature',
    )
    await Closed.write(root, whole, { buyer: Forger.forge(texts, change!) })
    const result = await again()
    expect(result.judged).toBe(size(whole) - size(short))
    expect(found(result)).toContain(`agents/${Closed.agent}/journal.db: payment`)
    // What failed is judged again the next time, and found again.
    expect((await again()).failures).toEqual(result.failures)
    await Closed.write(root, whole)
    expect((await again()).failures).toEqual([])
  })

  test('finds a flipped letter in a record that was verified long ago', async () => {
    await Closed.write(root, whole)
    await again()
    const file = join(root, 'node', 'journal.db')
    const bytes = readFileSync(file)
    const mark = '"chargedAtoms":"'
    for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1))
      bytes[at + mark.length]! ^= 1
    writeFileSync(file, bytes)
    expect(found(await again())).toEqual(
      expect.arrayContaining([
        'node/journal.db: verified before',
        'node/journal.db: chain-of-hashes',
      ]),
    )
  })

  test('works on the folder of one party alone, with a memory of its own', async () => {
    const home = await Closed.write(root, whole)
    await again()
    const alone = await again({}, home.node)
    expect(alone).toMatchObject({ judged: whole.seller.texts.length, failures: [] })
    expect(await again({}, home.node)).toMatchObject({ judged: 0, manifest: 'not asked for' })
    // Neither memory is a file too many in the home.
    expect(await again({ all: true })).toMatchObject({ manifest: 'verified', failures: [] })
  })
})

describe('interrupted', () => {
  /** Stops once so many records are judged. */
  const stopAt = (record: number): Partial<Verification.Options> => {
    const stop = new AbortController()
    const onStep = ({ what, done }: Verification.Step) => {
      if (what === 'judging' && done === record) stop.abort()
    }
    return { onStep, signal: stop.signal }
  }

  test('goes on where it stopped, however often it is stopped', async () => {
    await Closed.write(root, whole)
    const stops = [10, 25, whole.seller.texts.length + 7]
    let before = 0
    for (const stop of stops) {
      const failed = await again(stopAt(stop)).catch((error) => error)
      expect(failed).toMatchObject({ code: 'interrupted', retry: 'safe' })
      expect(failed.message).toBe(`interrupted while judging record ${stop} of ${size(whole)}`)
      expect(failed.hint).toMatch(/goes on from there/)
      expect(stop).toBeGreaterThan(before)
      before = stop
    }
    const rest = await again()
    expect(rest).toMatchObject({ records: size(whole), judged: size(whole) - before, failures: [] })
    expect(await again()).toMatchObject({ judged: 0 })
  })

  test('while it reads, or with --all, it remembers nothing that it did not judge', async () => {
    await Closed.write(root, whole)
    const stop = new AbortController()
    stop.abort()
    await expect(again({ signal: stop.signal })).rejects.toMatchObject({
      message: expect.stringContaining('interrupted while reading record 1 of'),
    })
    await expect(again({ all: true, ...stopAt(20) })).rejects.toMatchObject({
      code: 'interrupted',
      hint: expect.stringContaining('start again'),
    })
    expect(existsSync(Verified.fileOf(root))).toBe(false)
    expect(await again()).toMatchObject({ judged: size(whole) })
  })

  test('past a failure, it judges from the failure on', async () => {
    const { texts } = whole.seller
    const leaf = texts.findIndex((text) => text.includes('"type":"served"'))
    const [change] = Forger.changes(texts).filter(
      (one) => one.leaf === leaf && String(one.path.at(-1)) === 'signature',
    )
    await Closed.write(root, whole, { seller: Forger.forge(texts, change!) })
    await expect(again(stopAt(leaf + 5))).rejects.toMatchObject({ code: 'interrupted' })
    const rest = await again()
    expect(rest.judged).toBe(size(whole) - leaf)
    expect(rest.failures[0]).toMatchObject({ file: 'node/journal.db' })
    expect(rest.failures.map(({ because }) => because).join()).toContain(`leaf ${leaf} (served)`)
  })
})

describe('a past that was rewritten', () => {
  /** The buyer's last record a millisecond later, all links made to fit: nothing else speaks of it. */
  const later = () => {
    const records = whole.buyer.texts.map((text) => JSON.parse(text))
    records.at(-1)!.atMs += 1
    return Forger.relink(records)
  }

  test('convinces whoever verified nothing before', async () => {
    await Closed.write(root, whole, { buyer: later() })
    expect(await again()).toMatchObject({ failures: [], manifest: 'verified' })
  })

  test.each([{}, { all: true }])('is caught by what was verified before, %o', async (options) => {
    await Closed.write(root, short)
    await again()
    await Closed.write(root, whole)
    await again()
    const kept = stateText()
    await Closed.write(root, whole, { buyer: later() })
    const { failures } = await again(options)
    expect(failures).toHaveLength(1)
    expect(failures[0]).toMatchObject({
      file: `agents/${Closed.agent}/journal.db`,
      check: 'verified before',
    })
    expect(failures[0]!.because).toMatch(/verified at 2026-11-20T00:00:00\.000Z/)
    expect(failures[0]!.because).toMatch(
      new RegExp(`rewritten at or after record ${short.buyer.texts.length}$`),
    )
    // It goes on being caught: what was verified is not forgotten for it.
    expect(stateText()).toBe(kept)
    expect((await again(options)).failures).toEqual(failures)
  })

  test('shortened, or put in another’s place, it is caught too', async () => {
    await Closed.write(root, whole)
    await again()
    await Closed.write(root, short)
    const shorter = await again()
    expect(found(shorter)).toEqual([
      'node/journal.db: verified before',
      `agents/${Closed.agent}/journal.db: verified before`,
    ])
    expect(shorter.failures[0]!.because).toBe(
      `expected the ${whole.seller.texts.length} records that were verified at 2026-11-20T00:00:00.000Z, got ${short.seller.texts.length}`,
    )
    await Closed.write(root, whole, { buyer: whole.seller.texts })
    const { failures } = await again()
    expect(failures.map(({ because }) => because)).toContainEqual(
      `expected the log of ${whole.buyer.wallet.address} that was verified before, got ${whole.seller.wallet.address}’s`,
    )
  })
})

describe('a memory that was made up', () => {
  beforeEach(async () => {
    await Closed.write(root, short)
    await again()
    await Closed.write(root, whole)
  })

  const lies: [string, (text: string) => string][] = [
    ['claims more than was judged', (text) => text.replace(/"judged":\d+/g, '"judged":9999')],
    ['has a letter flipped', (text) => text.replace('"root":"0x', '"root":"0xf')],
    ['lost its end', (text) => text.slice(0, 100)],
    ['is no JSON at all', () => 'all is well\n'],
    ['bears another seal', (text) => text.replace(/"seal":"0x.{8}/, '"seal":"0x00000000')],
  ]
  test.each(lies)('%s: it is named, and all is judged again', async (_, lie) => {
    const told = lie(stateText())
    expect(told).not.toBe(stateText())
    writeFileSync(Verified.fileOf(root), told)
    const result = await again()
    expect(result).toMatchObject({ judged: size(whole), failures: [] })
    expect(result.notes).toHaveLength(1)
    expect(result.notes[0]).toContain(`${Verified.fileOf(root)} is not used, all is judged again`)
    // And a true one is written in its place.
    expect(await again()).toMatchObject({ judged: 0, notes: [] })
  })

  test('by whoever handed over the folder: sealed with a key that is not this user’s', async () => {
    const theirs = { key: join(folder, 'theirs', 'verify.key') }
    rmSync(Verified.fileOf(root))
    expect(await again(theirs)).toMatchObject({ judged: size(whole) })
    const result = await again()
    expect(result.judged).toBe(size(whole))
    expect(result.notes[0]).toMatch(/somebody else sealed it/)
    rmSync(key())
    expect((await again()).notes[0]).toMatch(/the key that sealed it is gone/)
  })

  test('by other code: all is judged again, and what was verified binds all the same', async () => {
    const read = Verified.read(root, key())
    if (read.kind !== 'found') throw new Error('expected what was written')
    const code = `0x${'00'.repeat(32)}`
    const logs = Object.entries(read.logs).map(([path, known]) => [path, { ...known, code }])
    expect(Verified.write(root, key(), Object.fromEntries(logs))).toBeUndefined()
    expect(await again()).toMatchObject({ judged: size(whole), failures: [], notes: [] })
    expect(await again()).toMatchObject({ judged: 0 })
    expect(Verified.write(root, key(), Object.fromEntries(logs))).toBeUndefined()
    const texts = Forger.relink(
      whole.buyer.texts.map((text, leaf) => {
        const record = JSON.parse(text)
        return leaf === 0 ? { ...record, atMs: record.atMs - 1 } : record
      }),
    )
    await Closed.write(root, whole, { buyer: texts })
    expect(found(await again())).toContain(`agents/${Closed.agent}/journal.db: verified before`)
  })
})

test('where nothing can be remembered, verification says so and verifies', async () => {
  await Closed.write(root, whole)
  mkdirSync(Verified.fileOf(root))
  const result = await again()
  expect(result).toMatchObject({ judged: size(whole), failures: [] })
  expect(result.notes).toHaveLength(2)
  expect(result.notes[1]).toMatch(/what was verified is not remembered: cannot write/)
})
