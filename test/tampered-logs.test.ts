/**
 * Twenty thousand logs tampered with, seven ways, by somebody with all the time and, where it says so, the
 * key: each is found, and each finding names the record, by what an honest party keeps.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import * as Hash from '../src/kernel/Hash.ts'
import * as Checkpoint from '../src/provenance/Checkpoint.ts'
import * as Log from '../src/provenance/Log.ts'
import * as Record from '../src/provenance/Record.ts'
import * as NoteKey from '../src/wallets/NoteKey.ts'

const address = `0x${'11'.repeat(20)}`
const owner = NoteKey.fromSeed(Hash.sha256('owner'), { name: Checkpoint.originOf(address) })
const size = 14
const tamperings = 20_000

/** Small numbers that follow from a seed: a failure is found again by its number. */
function dice(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1
  return (below) => {
    state = Math.imul(state ^ (state >>> 15), 1 | state) >>> 0
    state = (state + 0x6d2b79f5) >>> 0
    return ((state ^ (state >>> 13)) >>> 0) % below
  }
}

/** Texts that are linked as a log must be, from what each record is to say. */
function link(events: readonly { id: string; note: string }[], before: readonly string[] = []) {
  const log = Log.create()
  for (const text of before) log.append(Record.hash(text))
  const texts = events.map(({ id, note }) => {
    const leaf = log.size()
    const previous = Log.previous(log)
    const event = { type: 'noted', note } as Record.Event
    const record = { v: 1, leaf, origin: address, atMs: 1_000 + leaf, previous, id } as const
    const text = Record.encode({ ...record, causes: [], event })
    log.append(Record.hash(text))
    return text
  })
  return [...before, ...texts]
}

type Log20 = {
  readonly texts: readonly string[]
  readonly events: readonly { id: string; note: string }[]
  /** What somebody else holds: a signed checkpoint and the hashes it covers. */
  readonly held: Log.Held
}

const logs: Log20[] = []
beforeAll(() => {
  for (let number = 0; number < 20; number++) {
    const events = Array.from({ length: size }, (_, leaf) => {
      return { id: `${number}/${leaf}`, note: `note ${number * size + leaf}` }
    })
    const texts = link(events)
    const check = Log.check(texts)
    if (check.kind !== 'verified') throw new Error(check.because)
    const { log } = check
    const note = Checkpoint.sign(Checkpoint.of(log, { origin: owner.name }), owner)
    const opened = Checkpoint.open(note, { log: owner, verify: NoteKey.verify })
    if (opened.kind !== 'verified') throw new Error(opened.because)
    logs.push({
      texts,
      events,
      held: { ...Checkpoint.held(opened.checkpoint), leafHash: log.leafHash },
    })
  }
})

type Tampered = { readonly texts: readonly string[]; readonly leaf: number }
type Way = (log: Log20, pick: (below: number) => number) => Tampered

/** Each way, and the first record that is not as it was. */
const ways: { readonly [name: string]: Way } = {
  flip({ texts }, pick) {
    const leaf = pick(size)
    const text = texts[leaf]!
    const at = pick(text.length)
    const bit = 1 << pick(6)
    const flipped = String.fromCharCode(text.charCodeAt(at) ^ bit)
    return { texts: texts.with(leaf, text.slice(0, at) + flipped + text.slice(at + 1)), leaf }
  },
  swap({ texts }, pick) {
    const leaf = pick(size - 1)
    const other = leaf + 1 + pick(size - leaf - 1)
    return { texts: texts.with(leaf, texts[other]!).with(other, texts[leaf]!), leaf }
  },
  drop({ texts }, pick) {
    const leaf = pick(size)
    return { texts: texts.toSpliced(leaf, 1), leaf }
  },
  insert({ texts, events }, pick) {
    const leaf = pick(size)
    const [made] = link([{ id: 'made up', note: events[leaf]!.note }], texts.slice(0, leaf)).slice(
      -1,
    )
    return { texts: texts.toSpliced(leaf, 0, made!), leaf }
  },
  truncate({ texts }, pick) {
    const leaf = pick(size)
    return { texts: texts.slice(0, leaf), leaf }
  },
  /** The same beginning, another end: linked as it must be. */
  fork({ texts, events }, pick) {
    const leaf = pick(size)
    const other = events.slice(leaf).map(({ id, note }) => ({ id, note: `${note}, or so` }))
    return { texts: link(other, texts.slice(0, leaf)), leaf }
  },
  /** One word changed, all after it linked anew, and more appended: then signed with the log's key. */
  resign({ texts, events }, pick) {
    const leaf = pick(size)
    const changed = events.slice(leaf).map(({ id, note }, at) => {
      return { id, note: at === 0 ? `${note}!` : note }
    })
    const more = Array.from({ length: pick(5) }, (_, at) => ({ id: `more ${at}`, note: 'more' }))
    return { texts: link([...changed, ...more], texts.slice(0, leaf)), leaf }
  },
}

/** Taken alone, without anything held: the hashes give away all but what is linked anew. */
const silent = new Set(['truncate', 'fork', 'resign'])

describe('20,000 tamperings', () => {
  const names = Object.keys(ways)
  const each = Math.ceil(tamperings / names.length)

  test.each(names)('%s: every one is found and the record named', (name) => {
    let [found, alone, near] = [0, 0, 0]
    for (let number = 0; number < each; number++) {
      const pick = dice(number)
      const log = logs[pick(logs.length)]!
      const { texts, leaf } = ways[name]!(log, pick)
      const told = `${name} ${number}`
      // Who holds the checkpoint and its tiles: the record itself.
      const check = Log.check(texts, { held: [log.held] })
      expect(check.kind === 'failed' ? check.leaf : 'not found', told).toBe(leaf)
      found += 1
      // Who holds the checkpoint alone: found all the same, no earlier than it was done.
      if (number % 4 !== 0) continue
      const { size, root } = log.held
      const byRoot = Log.check(texts, { held: [{ size, root }] })
      expect(byRoot.kind, told).toBe('failed')
      near += byRoot.kind === 'failed' && Math.abs(byRoot.leaf - leaf) <= 1 ? 1 : 0
      const nothingHeld = Log.check(texts)
      if (silent.has(name)) expect(nothingHeld.kind, told).toBe('verified')
      else alone += nothingHeld.kind === 'failed' ? 1 : 0
    }
    expect(found).toBe(each)
    // A word in the last record binds nobody yet: only there do the links alone see nothing.
    if (!silent.has(name)) expect(alone).toBeGreaterThan((each / 4) * 0.85)
    if (!silent.has(name)) expect(near).toBeGreaterThan((each / 4) * 0.9)
  })

  test('are twenty thousand, and each log is sound before', () => {
    expect(each * names.length).toBeGreaterThanOrEqual(tamperings)
    for (const { texts, held } of logs)
      expect(Log.check(texts, { held: [held] })).toMatchObject({ kind: 'verified' })
  })

  test('a log signed anew convinces whoever holds nothing, and nobody who holds a checkpoint', () => {
    let refused = 0
    for (let number = 0; number < 200; number++) {
      const pick = dice(number)
      const log = logs[pick(logs.length)]!
      const check = Log.check(ways.resign!(log, pick).texts)
      if (check.kind !== 'verified') throw new Error(check.because)
      const signed = Checkpoint.sign(Checkpoint.of(check.log, { origin: owner.name }), owner)
      const shown = Checkpoint.open(signed, { log: owner, verify: NoteKey.verify })
      if (shown.kind !== 'verified') throw new Error(shown.because)
      const { root } = Checkpoint.of(check.log, { origin: owner.name, size })
      const earlier = { origin: owner.name, size: log.held.size, root: hex(log.held.root) }
      expect(root).not.toBe(earlier.root)
      const { path } = Checkpoint.consistency(check.log, size)
      expect(Checkpoint.follows(shown.checkpoint, earlier, path)).toBe(false)
      refused += 1
    }
    expect(refused).toBe(200)
  })
})

function hex(bytes: Uint8Array): `0x${string}` {
  return `0x${Buffer.from(bytes).toString('hex')}`
}
