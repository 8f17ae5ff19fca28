/**
 * @module An agent: a name, a buyer, a model it asks. In this version a run is one model call, bought under
 * the buyer's policy; what the policy denies is an outcome with reasons, not an exception.
 */
import type { Hex } from '../kernel/Hex.ts'
import type * as Receipt from '../market/Receipt.ts'
import type { Reason } from '../policies/Decision.ts'
import type { Buyer, Outcome } from './Buyer.ts'
import * as Refusal from './Refusal.ts'

/** Where a model is sold; a `ChatRequite` is one too. */
export type Model = {
  /** An OpenAI-compatible endpoint behind x402, e.g. `http://127.0.0.1:4020/v1`. */
  readonly baseUrl: string
  readonly model: string
  /** Most tokens of an answer; the model's own limit unless given. */
  readonly maxTokens?: number | undefined
}

/** What an agent is made of. */
export type Options = {
  readonly name: string
  readonly buyer: Buyer
  readonly model: Model
  /** None yet: an agent makes one model call, and no model sold here calls tools. */
  readonly tools?: readonly unknown[]
}

/** One question: its answer, what it cost, and why it was or was not bought. */
export type Run = {
  /** Names the run in the journal. */
  readonly id: string
  /** Undefined when nothing was bought: `outcome` says why. */
  readonly answer: string | undefined
  /** Atoms that left for this run, change included. */
  readonly spentAtoms: bigint
  readonly receipts: readonly (Receipt.Signed & { readonly hash: Hex })[]
  /** What each rule of the policy said. */
  readonly decisions: readonly Reason[]
  readonly outcome: Outcome
}

/** Asks questions and pays for the answers. */
export type Agent = {
  readonly name: string
  readonly buyer: Buyer
  /** Asks once. `signal` cancels what is not signed yet. Throws what `Buyer.buy` throws. */
  ask(question: string, options?: { readonly signal?: AbortSignal }): Promise<Run>
}

/** Makes an agent. Throws `tools-unsupported`. */
export function create({ name, buyer, model, tools = [] }: Options): Agent {
  if (tools.length > 0) throw Refusal.unsupported('tools', model.model)
  return {
    name,
    buyer,
    async ask(question, { signal } = {}) {
      const id = buyer.run()
      const outcome = await buyer.buy({
        baseUrl: model.baseUrl,
        model: model.model,
        body: {
          model: model.model,
          messages: [{ role: 'user', content: question }],
          ...(model.maxTokens === undefined ? {} : { max_tokens: model.maxTokens }),
        },
        run: id,
        step: 0,
        ...(signal === undefined ? {} : { signal }),
      })
      const { delivered, paidAtoms: spentAtoms, reasons: decisions } = outcome
      return {
        ...{ id, spentAtoms, decisions, outcome },
        answer: delivered?.answered.output,
        receipts:
          delivered === undefined
            ? []
            : [{ ...delivered.answered.receipt, hash: delivered.receiptHash }],
      }
    },
  }
}
