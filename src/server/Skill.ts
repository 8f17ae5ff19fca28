/**
 * @module Skills: what an agent sells besides a model's answers. A skill is an offer like any other, behind
 * the same door, quote, payment and receipt; its price is fixed, and what it bought for its answer stands
 * on the receipt it gives.
 */
import * as Tokenizer from '../attribution/spans/Tokenizer.ts'
import { InputError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import { nanoPerAtom } from '../kernel/Money.ts'
import type { Card } from '../market/Card.schema.ts'
import * as Engine from '../models/Engine.ts'
import type { Offer, Terms } from './Offer.ts'

/** What one call is: told while it is made, stopped when the caller is gone. */
export type Call = {
  /** The text of the last user message: written by a stranger. */
  readonly input: string
  /** Everything the caller sent. */
  readonly messages: readonly Engine.Message[]
  readonly signal?: AbortSignal | undefined
  /** Tells a part of the answer while the rest is being made; all parts are its beginning. */
  readonly say: (text: string) => void
}

/** What a call came to: the whole text, and hashes of the receipts of what was bought for it. */
export type Answer = string | { readonly text: string; readonly consumed?: readonly Hex[] }

/** What a skill is. */
export type Options = Partial<Omit<Terms, 'card'>> & {
  /** What buyers ask for as `model`. */
  readonly name: string
  /** What it is good for, in a sentence or two: agents find it by these words. */
  readonly description: string
  /** The price of a call, in atoms; at least 1. */
  readonly priceAtoms: bigint
  readonly maxTokensIn?: number
  readonly maxTokensOut?: number
  /** Does the work. What it throws is the seller's fault: nothing is charged. */
  readonly run: (call: Call) => Answer | Promise<Answer>
}

/** One call is one standard GPU-second of work: a name for its price, not a measurement. */
const stdUsPerCall = 1_000_000

/**
 * A skill as an offer of a node. Its whole price is execution unless `rates` say otherwise: a skill whose
 * answers quote the node's documents sets an influence rate, and their owners earn. Throws `InputError`.
 *
 * @example Skill.offer({ name: 'summary', description: 'One line', priceAtoms: 5_000n, run: ({ input }) => input })
 */
export function offer(options: Options): Offer {
  const { name, description, priceAtoms, run } = options
  const { maxTokensIn = 4_096, maxTokensOut = 4_096 } = options
  if (priceAtoms < 1n)
    throw new InputError(`expected a price of at least 1 atom, got ${priceAtoms}`)
  const card: Card = {
    ...{ v: 1, model: name, kind: 'skill', tokenizer: Tokenizer.version, datanet: 'none' },
    ...{ stdUsPerTokenIn: 0, stdUsPerTokenCached: 0, stdUsPerTokenOut: 0, stdUsPerCall },
    ...{ maxTokensIn, maxTokensOut, lineagePpb: '0' },
  }
  return {
    card,
    description,
    rates: options.rates ?? {
      executionNanoPerStdUs: String((priceAtoms * nanoPerAtom) / BigInt(stdUsPerCall)),
      ...{ influenceNanoPerStdUs: '0', premiumPpb: '0', qualityPpb: '0' },
      ...{ feePpb: '0', gasNano: '0' },
    },
    ...(options.floor === undefined ? {} : { floor: options.floor }),
    coveragePromisedPpb: options.coveragePromisedPpb ?? '0',
    disputeWindowMs: options.disputeWindowMs ?? 0,
    quoteTtlMs: options.quoteTtlMs ?? 30_000,
    device: options.device ?? { class: 'cpu', count: 1, tier: 'claimed' },
    engine: () => engine(card, run),
  }
}

function engine(card: Card, run: Options['run']): Engine.Engine {
  const countTokens = Tokenizer.count
  return {
    card,
    async answer(request, { onDelta } = {}) {
      const admitted = Engine.admit(request, { card, countTokens })
      if (admitted.kind === 'refused') return admitted
      const { question: input, tokensIn } = admitted
      const { messages, signal } = request
      const startedMs = performance.now()
      const say = (text: string) => onDelta?.({ text })
      const made = await run({ input, messages, signal, say })
      const { text, consumed = [] } = typeof made === 'string' ? { text: made } : made
      return {
        ...{ kind: 'answered', text, citations: [], consumed, finish: 'stop' },
        usage: { tokensIn, tokensOut: countTokens(text) },
        meter: {
          ...{ computeMs: performance.now() - startedMs, meter: 'engine', basis: 'wall' },
          device: 'cpu',
        },
      }
    },
  }
}
