/**
 * @module Freezes: kill switches. What is frozen may not pay, whatever the rules say, until it is thawed:
 * everything, one agent, one payee or one model. What was paid stays paid.
 */
import { InputError } from '../kernel/Errors.ts'
import * as Pattern from './Pattern.ts'
import type { Facts } from './Request.ts'
import * as Untrusted from './Untrusted.ts'

/** What can be frozen. */
export const kinds = ['everything', 'agent', 'payee', 'model'] as const

/** What a freeze stops: `everything`, or one name of a kind. */
export type Target =
  | { readonly kind: 'everything' }
  | { readonly kind: 'agent' | 'payee' | 'model'; readonly name: string }

/** Who stopped what, and why. */
export type Freeze = {
  readonly target: Target
  readonly by: string
  readonly because: string
  readonly atMs: number
}

const dimensions = { agent: 'agents', payee: 'payees', model: 'models' } as const

/** Reads `everything`, `agent 0x…`, `payee lab.example`, `model docs-reader`. Throws `InputError`. */
export function parse(text: string): Target {
  const [kind = '', name, ...more] = text.trim().split(/\s+/)
  if (kind === 'everything' && name === undefined) return { kind }
  const found = kinds.find((known) => known === kind)
  if (found === undefined || found === 'everything' || name === undefined || more.length > 0)
    throw new InputError(
      `expected everything, agent <name>, payee <name> or model <name>, got ${Untrusted.show(text)}`,
    )
  return target(found, name)
}

/** The words of a target; {@link parse} reads them back. One target, one key. */
export function key(target: Target): string {
  return target.kind === 'everything' ? 'everything' : `${target.kind} ${target.name}`
}

/** Reads an untrusted target. Throws `InputError`. */
export function fromJson(value: unknown): Target {
  const json = Untrusted.record(value, 'what is frozen', ['kind'], ['name'])
  const kind = Untrusted.oneOf(json.kind, 'kind', kinds)
  if (kind === 'everything') {
    if (json.name !== undefined) throw new InputError('expected everything without a name')
    return { kind }
  }
  if (typeof json.name !== 'string') throw new InputError(`expected the name of a ${kind}`)
  return target(kind, json.name)
}

function target(kind: 'agent' | 'payee' | 'model', text: string): Target {
  const name = Pattern.fact(dimensions[kind], text)
  // A pattern would look like a kill switch and stop nothing.
  if (name === undefined || name.includes('*'))
    throw new InputError(`expected the name of one ${kind}, got ${Untrusted.show(text)}`)
  return { kind, name }
}

/** The freeze that stops a request, if one does. */
export function find(
  freezes: ReadonlyMap<string, Freeze>,
  { agent, payee, model }: Facts,
): Freeze | undefined {
  if (freezes.size === 0) return undefined
  return (
    freezes.get('everything') ??
    freezes.get(`agent ${agent}`) ??
    freezes.get(`payee ${payee}`) ??
    freezes.get(`model ${model}`)
  )
}
