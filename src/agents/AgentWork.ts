/**
 * @module Work: what a run of an agent does, as its author writes it. It may be gone through again from its
 * beginning after a crash, an approval or a pause: purchases and steps are found again, never made twice.
 */
import type { Buyer, Call, Outcome } from './Buyer.ts'

/** Where a model is sold; a `ChatRequite` is one too. */
export type Model = {
  /** An OpenAI-compatible endpoint behind x402, e.g. `http://127.0.0.1:4020/v1`. */
  readonly baseUrl: string
  readonly model: string
  /** Most tokens of an answer; the model's own limit unless given. */
  readonly maxTokens?: number | undefined
}

/** What work is done with. */
export type Tools = {
  readonly buyer: Buyer
  /** Names the run: whatever is bought under it and the same step is bought once. */
  readonly run: string
  /** Aborted when the run is paused or stopped: what is not signed yet is not bought. */
  readonly signal: AbortSignal
  /**
   * Does something once and remembers what it brought, as JSON. Dying in the middle of it, it is done
   * again. Throws `InputError` for a name used twice in a run.
   */
  step<T>(name: string, effect: () => Promise<T>): Promise<T>
  /** Waits, also over a restart. One at a time. */
  sleep(ms: number): Promise<void>
  /**
   * Buys as `Buyer.buy` does, under this run; steps count by themselves unless given. Throws
   * `PurchaseRefused` for what brought no answer: where somebody has to approve it, the run waits.
   */
  buy(call: Omit<Call, 'run' | 'step' | 'signal'> & { readonly step?: number }): Promise<Outcome>
}

/** What came of it: an answer, or the purchase that was all of it. */
export type Result =
  | string
  | undefined
  | { readonly answer?: string | undefined; readonly outcome?: Outcome | undefined }

/** The work of a run. */
export type Work = (task: string, tools: Tools) => Promise<Result>

/** Asks a model once. */
export function asking({ baseUrl, model, maxTokens }: Model): Work {
  return async (question, { buyer, run, signal }) => {
    const outcome = await buyer.buy({
      ...{ baseUrl, model, run, signal },
      body: {
        model,
        messages: [{ role: 'user', content: question }],
        ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
      },
      step: 0,
    })
    return { answer: outcome.delivered?.answered.output, outcome }
  }
}
