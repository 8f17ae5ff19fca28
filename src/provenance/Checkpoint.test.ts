import { createPublicKey, generateKeyPairSync, sign, verify as verifyBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import * as Hex from '../kernel/Hex.ts'
import * as Checkpoint from './Checkpoint.ts'
import * as Log from './Log.ts'
import * as Note from './Note.ts'
import * as Record from './Record.ts'
import * as Witness from './Witness.ts'

const spki = Buffer.from('302a300506032b6570032100', 'hex')
const verify: Note.Verify = ({ publicKey, message, signature }) => {
  const der = Buffer.concat([spki, publicKey])
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  return verifyBytes(null, message, key, signature)
}

function signer(name: string, type: Note.Key['type'] = Note.types.ed25519): Note.Signer {
  const pair = generateKeyPairSync('ed25519')
  const publicKey = new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' })).slice(
    -32,
  )
  return { name, type, publicKey, sign: (bytes) => sign(null, bytes, pair.privateKey) }
}

const address = `0x${'11'.repeat(20)}`
const origin = Checkpoint.originOf(address)
const owner = signer(origin)
const witness = signer('witness.example/w1', Note.types.cosignature)

/** A sound log; from record `from` on it says `other` things. */
function write(size: number, of: { from?: number; salt?: string } = {}): Log.Log {
  const log = Log.create()
  for (let leaf = 0; leaf < size; leaf++) {
    const previous = Log.previous(log)
    const salt = leaf >= (of.from ?? size) ? (of.salt ?? 'other') : ''
    const record = { v: 1, leaf, origin: address, atMs: leaf, previous, id: `id-${leaf}` } as const
    const event = { type: 'noted', salt } as Record.Event
    log.append(Record.hash(Record.encode({ ...record, causes: [], event })))
  }
  return log
}

const signed = (log: Log.View, size = log.size()) =>
  Checkpoint.sign(Checkpoint.of(log, { origin, size }), owner)

describe('the text of a checkpoint', () => {
  // The example of c2sp.org/tlog-checkpoint.
  const text = `example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
`
  const written = `${text}
— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
`

  test('is read and written as its specification shows', () => {
    const checkpoint = Checkpoint.decode(text)
    expect(checkpoint).toEqual({
      origin: 'example.com/behind-the-sofa',
      size: 20_852_163,
      root: '0x0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62',
    })
    expect(Checkpoint.encode(checkpoint)).toBe(text)
    const note = Note.decode(written)
    expect(note.text).toBe(text)
    expect(note.signatures.map(({ name, bytes }) => [name, bytes.length])).toEqual([
      ['example.com/behind-the-sofa', 64],
      ['witness.example.com/w1', 72],
    ])
    expect(Note.encode(note)).toBe(written)
    const more = `${text}more\n`
    expect(Checkpoint.decode(more).extensions).toEqual(['more'])
    expect(Checkpoint.encode(Checkpoint.decode(more))).toBe(more)
  })

  test.each([
    ['nothing', ''],
    ['no origin', text.replace('example.com/behind-the-sofa', '')],
    ['a size with a zero before', text.replace('208', '0208')],
    ['a size that is none', text.replace('208', '+208')],
    ['a size beyond counting', text.replace('20852163', '90071992547409921')],
    ['a root of 31 bytes', text.replace(/^Cs.*$/m, Buffer.alloc(31).toString('base64'))],
    ['a root in hex', text.replace(/^Cs.*$/m, '0a'.repeat(32))],
    ['no last newline', text.slice(0, -1)],
    ['an empty line', `${text}\nmore\n`],
  ])('%s is refused', (_, bad) => {
    expect(() => Checkpoint.decode(bad)).toThrow(
      expect.objectContaining({ code: 'checkpoint-malformed' }),
    )
  })
})

describe('a signed checkpoint', () => {
  const log = write(9)

  test('opens under the key of its log, and tells the head', () => {
    expect(Checkpoint.open(signed(log), { log: owner, verify })).toEqual({
      kind: 'verified',
      checkpoint: { origin, size: 9, root: Hex.encode(log.root()) },
      by: [{ key: owner }],
    })
  })

  test('of another log, of another key, or changed anywhere, does not', () => {
    const options = { log: owner, verify }
    const elsewhere = { ...Checkpoint.of(log, { origin }), origin: 'example.com/other' }
    expect(Checkpoint.open(Checkpoint.sign(elsewhere, owner), options)).toEqual({
      kind: 'failed',
      because: `expected the log ${origin}, got example.com/other`,
    })
    expect(Checkpoint.open(signed(log), { ...options, log: signer(origin) }).kind).toBe('failed')
    const written = signed(log)
    let changed = 0
    for (let at = 0; at < written.length; at++, changed++) {
      const other = String.fromCharCode(written.charCodeAt(at) ^ 1)
      const edited = written.slice(0, at) + other + written.slice(at + 1)
      expect(Checkpoint.open(edited, options).kind, JSON.stringify(edited)).toBe('failed')
    }
    expect(changed).toBeGreaterThan(150)
  })

  test('bears witnesses, as many as are asked for', () => {
    const add = Witness.open({ signer: witness, logs: [owner], verify, now: () => 5_500 }).add
    const answer = add({ old: 0, path: [], checkpoint: signed(log) })
    if (answer.status !== 200) throw new Error(answer.because)
    const cosigned = Checkpoint.cosign(signed(log), answer.line)
    const options = { log: owner, verify, witnesses: [witness], quorum: 1 }
    expect(Checkpoint.open(cosigned, options)).toMatchObject({
      kind: 'verified',
      by: [{ key: { name: origin } }, { key: { name: witness.name }, atSec: 5 }],
    })
    expect(Checkpoint.open(signed(log), options)).toEqual({
      kind: 'failed',
      because: 'expected 1 witnesses, got 0',
    })
    // Twice the same witness is one witness.
    const twice = Checkpoint.cosign(cosigned, answer.line)
    const two = [witness, signer('witness.example/w2', Note.types.cosignature)]
    expect(Checkpoint.open(twice, { ...options, witnesses: two, quorum: 2 }).kind).toBe('failed')
    // A witness does not stand in for the log.
    const line = Note.decode(cosigned).signatures[1]!
    const alone = Note.encode({ text: Note.decode(cosigned).text, signatures: [line] })
    expect(Checkpoint.open(alone, options).kind).toBe('failed')
  })
})

describe('a witness', () => {
  const log = write(40)
  const request = (old: number, size: number, of: Log.View = log): Witness.Request => ({
    old,
    path: Checkpoint.consistency(of, old, size).path,
    checkpoint: signed(of, size),
  })
  const open = () => Witness.open({ signer: witness, logs: [owner], verify, now: () => 7_000 })

  test('follows a log from any size to any later one', () => {
    const { add } = open()
    let old = 0
    for (const size of [1, 2, 3, 7, 8, 8, 21, 32, 40]) {
      expect(add(request(old, size))).toMatchObject({ status: 200, seen: { size } })
      old = size
    }
  })

  test('refuses as the specification says', () => {
    const { add } = open()
    expect(add(request(0, 10)).status).toBe(200)
    const other = write(40, { from: 4 })
    const stranger = signer('stranger.example')
    const text = Checkpoint.encode({ ...Checkpoint.of(log, { origin }), origin: stranger.name })
    const foreign = Note.encode({ text, signatures: [Note.sign(text, stranger)] })
    const unsigned = Checkpoint.sign(Checkpoint.of(log, { origin }), signer(origin))
    const cases: [string, Witness.Request, number][] = [
      ['no note', { ...request(10, 20), checkpoint: 'x' }, 400],
      ['an unknown log', { ...request(10, 20), checkpoint: foreign }, 404],
      ['another key', { ...request(10, 20), checkpoint: unsigned }, 403],
      ['an old size beyond the new one', { ...request(10, 20), old: 30 }, 400],
      ['another old size', request(9, 20), 409],
      ['a first size once more', request(0, 20), 409],
      ['a smaller size', request(5, 8), 409],
      ['another root of the same size', request(10, 10, other), 409],
      ['a log written anew', request(10, 20, other), 422],
      ['no proof', { ...request(10, 20), path: [] }, 422],
      ['a proof of too much', { ...request(10, 20), path: request(9, 20).path }, 422],
      ['a proof of no hashes', { ...request(10, 20), path: ['0x12'] }, 422],
    ]
    for (const [what, bad, status] of cases) {
      const answer = add(bad)
      expect([what, answer.status]).toEqual([what, status])
      if (answer.status === 409) expect(answer.size).toBe(10)
    }
    expect(add(request(10, 20))).toMatchObject({ status: 200 })
  })

  test('reads requests as they are sent', () => {
    const sent = request(10, 20)
    const body = Witness.encodeRequest(sent)
    expect(body).toMatch(/^old 10\n([A-Za-z0-9+/]{43}=\n)+\nrequite\/0x1/)
    expect(Witness.decodeRequest(body)).toEqual(sent)
    const first = request(0, 10)
    expect(Witness.decodeRequest(Witness.encodeRequest(first))).toEqual(first)
    const bad = ['', 'old 10', body.replace('old 10', 'old 010'), body.replace('=\n', '\n')]
    for (const one of [...bad, body.replace('old', 'new'), `${'old 1\n'}${'A\n'.repeat(64)}\n`])
      expect(() => Witness.decodeRequest(one)).toThrow(/expected an old size/)
  })
})

test('who holds the key, rewrites and signs anew is caught by any earlier checkpoint', () => {
  const size = 24
  const honest = write(size)
  const earlier = Array.from({ length: size }, (_, at) => signed(honest, at + 1))
  let caught = 0
  for (let from = 0; from < size; from++) {
    const forged = write(size, { from })
    const shown = Checkpoint.open(signed(forged), { log: owner, verify })
    if (shown.kind !== 'verified') throw new Error(shown.because)
    for (const written of earlier) {
      const held = Checkpoint.open(written, { log: owner, verify })
      if (held.kind !== 'verified') throw new Error(held.because)
      // The best the forger can show: a proof from its own tree, or one from the honest tree.
      const { path } = Checkpoint.consistency(forged, held.checkpoint.size)
      const honestly = Checkpoint.consistency(honest, held.checkpoint.size).path
      const covers = held.checkpoint.size > from
      expect(Checkpoint.follows(shown.checkpoint, held.checkpoint, path)).toBe(!covers)
      if (covers)
        expect(Checkpoint.follows(shown.checkpoint, held.checkpoint, honestly)).toBe(false)
      expect(Log.agrees(Checkpoint.held(held.checkpoint), forged)).toBe(!covers)
      caught += covers ? 1 : 0
    }
  }
  expect(caught).toBe((size * (size + 1)) / 2)
})
