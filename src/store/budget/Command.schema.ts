/**
 * @module Commands to a shared budget, as they cross from one process to another: hostile input until it has
 * been read here. Amounts are decimal strings; what is unknown, too long or no text is refused by name.
 */
import { z } from 'zod'
import { InputError } from '../../kernel/Errors.ts'
import type { Hex } from '../../kernel/Hex.ts'
import * as Json from '../../kernel/Json.ts'
import * as Request from '../../policies/Request.ts'

/** Longer than any name that a policy takes. */
const longestText = 512

const text = z
  .string()
  .max(longestText)
  .refine((value) => value.isWellFormed(), 'expected well-formed text')
/** As many digits as 2²⁵⁶ has. A sign is read, so that the budget can refuse it in its own words. */
const integer = z
  .string()
  .regex(/^-?\d{1,78}$/, 'expected an integer as a decimal string')
  .transform(BigInt)
const id = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/, 'expected 32 bytes of hex')
  .transform((value) => value.toLowerCase() as Hex)

const key = z.string().regex(/^[a-z][A-Za-z]{0,31}$/, 'expected the name of a fact')
const value = z.union([text, z.number()])
/** Facts and what they are made of, whatever a policy knows of: {@link requestOf} refuses what it does not. */
const request = z
  .record(key, z.union([value, z.record(key, value)]))
  .refine((facts) => Object.keys(facts).length <= 64, 'expected at most 64 facts')
  .transform((facts, context) => {
    try {
      return requestOf(facts)
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      context.addIssue(error.message)
      return z.NEVER
    }
  })

const sliceName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'expected at most 64 letters, digits and . _ -')
/** On which slice; the whole budget when left out. */
const slice = sliceName.optional()

/** What may be asked of a budget. */
const command = z.discriminatedUnion('call', [
  z.strictObject({ call: z.literal('join'), slice, policy: z.unknown().optional() }),
  z.strictObject({ call: z.literal('adopt'), slice, policy: z.unknown() }),
  z.strictObject({ call: z.literal('slice'), slice, name: sliceName, policy: z.unknown() }),
  z.strictObject({ call: z.literal('authorize'), slice, request }),
  z.strictObject({ call: z.literal('explain'), slice, request }),
  z.strictObject({ call: z.literal('capture'), slice, id, atoms: integer }),
  z.strictObject({ call: z.literal('void'), slice, id }),
  z.strictObject({ call: z.literal('freeze'), target: text, by: text, because: text }),
  z.strictObject({ call: z.literal('thaw'), target: text, by: text }),
  z.strictObject({ call: z.literal('status'), slice }),
  z.strictObject({ call: z.literal('holds'), slice, fromLeaf: z.int().nonnegative() }),
])

/** A command that has been read. */
export type Command = z.infer<typeof command>

const frame = z.strictObject({ seq: z.int().nonnegative(), command: z.unknown().optional() })
const hello = z.strictObject({ v: z.literal(1), token: z.string().max(longestText).optional() })
const problem = z.object({
  code: z.string(),
  title: z.string(),
  hint: z.string().optional(),
  retry: z.enum(['safe', 'never', 'unknown']),
  facts: z.record(z.string(), z.unknown()).optional(),
})
const answer = z.object({
  v: z.literal(1).optional(),
  seq: z.int().nonnegative().optional(),
  result: z.unknown().optional(),
  problem: problem.optional(),
})
const loopback = z.object({ port: z.int().min(1).max(65_535), token: z.string() })
const row = z.object({
  rule: z.string(),
  meter: z.object({
    key: z.string(),
    unit: z.string(),
    windowMs: z.number(),
    used: z.string(),
    held: z.string(),
    limit: z.string(),
  }),
})
const frozen = z.object({
  target: z.string(),
  by: z.string(),
  because: z.string(),
  atMs: z.number(),
})
const status = z.object({
  policyDigest: z.string().transform((digest) => digest as Hex),
  rows: z.array(row),
  frozen: z.array(frozen),
})
const hold = z.object({
  id,
  slice,
  state: z.enum(['held', 'review']),
  agent: z.string(),
  payee: z.string(),
  asset: z.string(),
  atoms: integer,
  sinceMs: z.number(),
  leaf: z.number(),
})

/** What was authorised and neither captured nor voided; `atoms` of `asset`. */
export type Hold = z.infer<typeof hold>

/** A command from an untrusted place. Throws `InputError` that names the path. */
export function read(value: unknown): Command {
  return parse(command, value, 'a command')
}

/** A message and the number its answer goes by. Throws `InputError`. */
export function readFrame(value: unknown): z.infer<typeof frame> {
  return parse(frame, value, 'a message')
}

/** The first message of a connection. Throws `InputError`. */
export function readHello(value: unknown): z.infer<typeof hello> {
  return parse(hello, value, 'a hello')
}

/** Where a writer says it listens. Throws `InputError`. */
export function readLoopback(value: unknown): z.infer<typeof loopback> {
  return parse(loopback, value, 'port and token')
}

/** What a writer answers. Throws `InputError`. */
export function readAnswer(value: unknown): z.infer<typeof answer> {
  return parse(answer, value, 'an answer')
}

/** Where a budget stands, as its writer says. Throws `InputError`. */
export function readStatus(value: unknown): z.infer<typeof status> {
  return parse(status, value, 'a status')
}

/** A page of open holds. Throws `InputError`. */
export function readHolds(value: unknown): Hold[] {
  return parse(z.array(hold), value, 'holds')
}

/**
 * A request as JSON: normal forms, amounts as decimal strings. What is wrong with it is left out: the rule
 * that needs it denies.
 */
export function writeRequest(request: Request.Request): Json.Value {
  return Json.plain(Request.facts(request))
}

type Text = {
  readonly [name: string]: string | number | { readonly [name: string]: string | number }
}

/** Reads what {@link writeRequest} wrote. A fact that no policy knows is refused, not dropped. */
function requestOf(json: Text): Request.Request {
  const facts = Object.entries(json).map(([name, value]) => {
    if (typeof value !== 'object') return [name, scalar(name, value)]
    const parts = Object.entries(value).map(([part, each]) => [part, scalar(part, each)])
    return [name, Object.fromEntries(parts)]
  })
  const request = Request.from(Object.fromEntries(facts) as Request.Request)
  for (const name of Object.keys(json))
    if (!Object.hasOwn(request, name)) throw new InputError(`expected a known fact, got ${name}`)
  return request
}

/** Units stand last in a name: the text of such a fact is an integer. */
function scalar(name: string, value: string | number): string | number | bigint {
  if (typeof value === 'number' || !/(atoms|ppb|ms)$/i.test(name)) return value
  if (!/^(0|[1-9]\d{0,77})$/.test(value))
    throw new InputError(`expected ${name} as a decimal string, got ${JSON.stringify(value)}`)
  return BigInt(value)
}

function parse<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  what: string,
): z.infer<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const path = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`
  throw new InputError(`expected ${what}${path}: ${issue?.message ?? 'malformed'}`, {
    code: 'budget-message-malformed',
  })
}
