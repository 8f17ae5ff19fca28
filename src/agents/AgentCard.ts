/**
 * @module Agent cards as a buyer reads them: who sells at an address, and what (A2A,
 * `/.well-known/agent-card.json`). A card is a stranger's word and is signed by nobody: it says whom to ask
 * for a quote, and the quote is what counts.
 */
import { z } from 'zod'
import { InputError } from '../kernel/Errors.ts'
import * as Transport from './Transport.ts'

/** What a card says. */
export type AgentCard = {
  readonly name: string
  readonly description: string
  /** Where it is asked and paid: an endpoint for `hire` and `buy`. */
  readonly baseUrl: string
  /** What it sells: `id` is asked for as the model. */
  readonly skills: readonly { readonly id: string; readonly description: string }[]
}

const text = z.string().max(2_000)

const card = z.looseObject({
  name: text,
  description: text,
  url: z.url({ protocol: /^https?$/ }).max(500),
  skills: z
    .array(z.looseObject({ id: z.string().min(1).max(200), description: text }))
    .min(1)
    .max(1_000),
})

const limits = { mostMs: 10_000, stallMs: 10_000, maxBytes: 1024 * 1024 }

/**
 * The card of whoever answers at `url`, e.g. `https://desk.example`; any path of it will do. Throws
 * `seller-unreachable`, `InputError` (`card-malformed`) for what is no card of a seller.
 */
export async function read(url: string, signal?: AbortSignal): Promise<AgentCard> {
  const place = new URL('/.well-known/agent-card.json', url).href
  const reply = await Transport.send(place, signal === undefined ? {} : { signal }, limits)
  const parsed = card.safeParse(await Transport.json(reply))
  if (reply.status !== 200 || !parsed.success) {
    const why = parsed.error?.issues[0]
    const fault = why === undefined ? '' : `: ${why.path.join('.') || 'card'}: ${why.message}`
    throw new InputError(`expected an agent card at ${place}, got HTTP ${reply.status}${fault}`, {
      code: 'card-malformed',
    })
  }
  const { name, description, skills } = parsed.data
  return {
    ...{ name, description, baseUrl: parsed.data.url.replace(/\/+$/, '') },
    skills: skills.map(({ id, description }) => ({ id, description })),
  }
}
