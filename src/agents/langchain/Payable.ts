/**
 * @module Middleware that makes a LangChain agent payable: before each model call it fixes the purchase's
 * run and step in the agent's state, where every retry and every resumed checkpoint finds them again, and
 * stops the agent when a meter of the policy has nothing left. What was spent stands in the state.
 *
 * The same step again pays once, wherever the retry sits: a step whose answer was bought gets it again, a
 * step that nothing was paid for is attempted anew, another request under a paid step is refused.
 */
import { AIMessage, type BaseMessage } from '@langchain/core/messages'
import { RunnableBinding } from '@langchain/core/runnables'
import { createMiddleware } from 'langchain'
import { z } from 'zod'
import { InputError } from '../../kernel/Errors.ts'
import type { Row } from '../../policies/Budget.ts'
import type { Buyer } from '../Buyer.ts'
import type { Metadata } from './Answers.ts'
import { ChatRequite } from './ChatRequite.ts'

const decimal = z.string().regex(/^(0|[1-9]\d*)$/, 'expected atoms as a decimal string')

/** Why an agent was stopped before a model call. */
export const stopped = z.object({
  code: z.literal('budget-exhausted'),
  /** The sentence of the policy whose meter has nothing left. */
  rule: z.string(),
  meter: z.object({
    key: z.string(),
    unit: z.enum(['atoms', 'payments', 'device-ms']),
    /** Of a rolling window; else `period` says over which time. */
    windowMs: z.number().optional(),
    period: z.string().optional(),
    used: decimal,
    held: decimal,
    limit: decimal,
  }),
})

/** What the middleware keeps in the agent's state, under `requite`; a checkpoint carries it. */
export const state = z.object({
  requite: z
    .object({
      /** Names the run in the buyer's journal. */
      run: z.string(),
      /** The model call at hand. */
      step: z.number().int().min(0),
      /** Signed away so far, in atoms. */
      spentAtoms: decimal,
      /** Hashes of the receipts, oldest first. */
      receipts: z.array(z.string()),
      stopped: stopped.optional(),
    })
    .optional(),
})

/** What the middleware keeps in the agent's state. */
export type State = z.infer<typeof state>

/** Makes an agent's model calls payable by `buyer`. Models that are not `ChatRequite` are left alone. */
export function payable(buyer: Buyer) {
  return createMiddleware({
    name: 'payable',
    stateSchema: state,
    beforeModel: {
      canJumpTo: ['end'],
      hook: ({ requite }) => {
        const { stopped: _, ...before } = requite ?? first(buyer)
        const exhausted = buyer.status().find((row) => isExhausted(row))
        if (exhausted === undefined) return { requite: { ...before, step: before.step + 1 } }
        const { rule, meter } = exhausted
        const stopped = { code: 'budget-exhausted', rule, meter } as const
        return { requite: { ...before, stopped }, jumpTo: 'end' }
      },
    },
    wrapModelCall: (request, handler) => {
      const model = chatRequite(request.model)
      if (model === undefined) return handler(request)
      if (model.buyer !== buyer)
        throw new InputError(`expected a model of buyer ${buyer.name}, got ${model.buyer.name}'s`, {
          code: 'other-buyer',
          hint: 'open model and middleware with the same buyer',
        })
      const { run, step } = request.state.requite!
      const modelSettings = { ...request.modelSettings, requite: { run, step } }
      return handler({ ...request, modelSettings })
    },
    afterModel: ({ messages, requite }) => {
      const bought = metadata(messages.at(-1))
      // What a cache of LangChain's gives again was bought by another step, and counted there.
      if (requite === undefined || bought === undefined) return undefined
      if (bought.requite.run !== requite.run || bought.requite.step !== requite.step)
        return undefined
      const spentAtoms = BigInt(requite.spentAtoms) + BigInt(bought.requite.paidAtoms)
      const receipts = [...requite.receipts, bought.receipt]
      return { requite: { ...requite, spentAtoms: String(spentAtoms), receipts } }
    },
  })
}

function first(buyer: Buyer): NonNullable<State['requite']> {
  return { run: buyer.run(), step: -1, spentAtoms: '0', receipts: [] }
}

/** Who is paid is not known before a model call, so meters of single payees decide later. */
function isExhausted({ rule, meter }: Row): boolean {
  if (rule.endsWith(' per payee')) return false
  return BigInt(meter.used) + BigInt(meter.held) >= BigInt(meter.limit)
}

function chatRequite(model: unknown): ChatRequite | undefined {
  if (model instanceof ChatRequite) return model
  return RunnableBinding.isRunnableBinding(model) ? chatRequite(model.bound) : undefined
}

function metadata(message: BaseMessage | undefined): Metadata | undefined {
  if (!AIMessage.isInstance(message)) return undefined
  const { requite } = message.response_metadata as Partial<Metadata>
  return requite === undefined ? undefined : (message.response_metadata as Metadata)
}
