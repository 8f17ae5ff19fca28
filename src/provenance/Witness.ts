/**
 * @module Witness: cosigns a log's checkpoint only if it goes on from the last one it cosigned
 * (c2sp.org/tlog-witness). It remembers one size and one root a log, and so catches whoever shows
 * different logs to different people. Answers are those of the HTTP interface, without the HTTP.
 */
import { InputError } from '../kernel/Errors.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Base64 from './Base64.ts'
import * as Checkpoint from './Checkpoint.ts'
import * as Note from './Note.ts'

/** What a log asks. */
export type Request = {
  /** Size of the checkpoint that was cosigned last. */
  readonly old: number
  /** Proof from there to the new checkpoint. */
  readonly path: readonly Hex.Hex[]
  /** Signed note. */
  readonly checkpoint: string
}

/** What was cosigned last of a log. */
export type Seen = Pick<Checkpoint.Checkpoint, 'size' | 'root'>

/** The answer: a status of HTTP and the body that goes with it. */
export type Answer =
  | {
      readonly status: 200
      readonly origin: string
      /** What to remember, durably, before the line is given out. */
      readonly seen: Seen
      /** Signature line without its newline. */
      readonly line: string
    }
  | { readonly status: 400 | 403 | 404 | 422; readonly because: string }
  /** `size`: what was cosigned last. */
  | { readonly status: 409; readonly because: string; readonly size: number }

/** Who witnesses. */
export type Options = {
  /** Key of type cosignature. */
  readonly signer: Note.Signer
  /** Keys of the logs that are watched; a log's origin is its key's name. */
  readonly logs: readonly Note.Key[]
  readonly verify: Note.Verify
}

/**
 * Judges a request against what was `seen` last of the log (nothing: size 0). Changes nothing: whoever
 * calls remembers `seen` before giving `line` out, with no other request to the log between.
 */
export function judge(
  request: Request,
  options: Options & {
    readonly seen: (origin: string) => Seen | undefined
    readonly atSec: number
  },
): Answer {
  const { signer, logs, verify, seen: last, atSec } = options
  let note: Note.Note
  let checkpoint: Checkpoint.Checkpoint
  try {
    note = Note.decode(request.checkpoint)
    checkpoint = Checkpoint.decode(note.text)
  } catch (error) {
    if (error instanceof InputError) return { status: 400, because: error.message }
    throw error
  }
  const { origin, size, root } = checkpoint
  const log = logs.find(({ name }) => name === origin)
  if (log === undefined) return { status: 404, because: `no log ${origin} is watched here` }
  const verdict = Note.verify(note, { keys: [log], verify })
  if (verdict.kind === 'failed') return { status: 403, because: verdict.because }
  if (!(request.old <= size))
    return { status: 400, because: `expected an old size of at most ${size}, got ${request.old}` }
  const seen = last(origin)
  const before = seen?.size ?? 0
  if (request.old !== before)
    return { status: 409, size: before, because: `size ${before} was cosigned last` }
  if (seen !== undefined && before === size && seen.root !== root)
    return { status: 409, size: before, because: `another root of ${size} records was cosigned` }
  const earlier = { origin, size: before, root: seen?.root ?? emptyRoot }
  if (!Checkpoint.follows(checkpoint, earlier, request.path))
    return { status: 422, because: `no proof that ${size} records go on from ${before}` }
  const { name, keyId, bytes } = Note.sign(note.text, signer, atSec)
  const written = Note.encode({ text: note.text, signatures: [{ name, keyId, bytes }] })
  const line = written.slice(note.text.length + 1, -1)
  return { status: 200, origin, seen: { size, root }, line }
}

/** A witness in this process, which forgets all when it ends. `now`: milliseconds since 1970. */
export function open(
  options: Options & { readonly now: () => number; readonly seen?: Map<string, Seen> },
): { readonly add: (request: Request) => Answer } {
  const { now, seen = new Map<string, Seen>() } = options
  return {
    add(request) {
      const atSec = Math.floor(now() / 1000)
      const answer = judge(request, { ...options, seen: (origin) => seen.get(origin), atSec })
      if (answer.status === 200) seen.set(answer.origin, answer.seen)
      return answer
    },
  }
}

/** A request as it is sent. */
export function encodeRequest({ old, path, checkpoint }: Request): string {
  const lines = [`old ${old}`, ...path.map((hash) => Base64.encode(Hex.decode(hash)))]
  return `${lines.join('\n')}\n\n${checkpoint}`
}

const maxPathLength = 63

/** Reads a request. Throws `InputError` (`witness-request-malformed`). */
export function decodeRequest(body: string): Request {
  const end = body.indexOf('\n\n')
  const [first = '', ...lines] = body.slice(0, Math.max(0, end)).split('\n')
  const old = /^old (0|[1-9]\d{0,15})$/.exec(first)
  const path = lines.map((line) => Base64.decode(line))
  if (old === null || path.length > maxPathLength || path.some((hash) => hash?.length !== 32))
    throw new InputError('expected an old size, a proof in base64 and a checkpoint', {
      code: 'witness-request-malformed',
    })
  return {
    old: Number(old[1]),
    path: path.map((hash) => Hex.encode(hash!)),
    checkpoint: body.slice(end + 2),
  }
}

/** Root of no records. */
const emptyRoot = '0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
