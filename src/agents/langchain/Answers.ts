/**
 * @module Answers as LangChain reads them: text and tool calls, whole or in chunks, with the usage that was
 * billed and the receipt that proves it.
 */
import { AIMessage, AIMessageChunk } from '@langchain/core/messages'
import { ChatGenerationChunk, type ChatResult } from '@langchain/core/outputs'
import type { Hex } from '../../kernel/Hex.ts'
import { name } from '../../kernel/Name.ts'
import type { Delta } from '../../models/Engine.ts'
import type { Outcome } from '../Buyer.ts'
import type { Source, State } from '../Purchase.ts'
import * as Messages from './Messages.ts'

/** Names a purchase: the same run and step are bought once. */
export type Step = { readonly run: string; readonly step: number }

/** What stands in `response_metadata.requite`: plain JSON, amounts as decimal strings of atoms. */
export type Bought = Step & {
  readonly outcome: 'captured'
  readonly purchase: Hex
  readonly states: readonly State[]
  readonly paidAtoms: string
  readonly chargedAtoms: string
  readonly changeAtoms: string
  readonly tx: Hex
  readonly sources: readonly Source[]
}

/** Fields of `response_metadata`. */
export type Metadata = {
  readonly model: string
  readonly model_name: string
  readonly model_provider: string
  readonly finish_reason: 'stop' | 'length' | 'tool_calls'
  /** Hash of the receipt: its page is `/r/<hash>` at the seller's. */
  readonly receipt: Hex
  readonly requite: Bought
}

/** A purchase that brought an answer. */
export type Answered = Outcome & Required<Pick<Outcome, 'delivered'>>

/** A whole answer. */
export function result(outcome: Answered, step: Step): ChatResult {
  const { output, toolCalls } = outcome.delivered.answered
  const { response_metadata, usage_metadata } = facts(outcome, step)
  const message = new AIMessage({
    content: output,
    ...Messages.calls(toolCalls),
    ...{ response_metadata, usage_metadata },
  })
  return generated({ text: message.text, message })
}

/** Chunks that were joined, as one answer. */
export function joined(whole: ChatGenerationChunk): ChatResult {
  return generated(whole)
}

function generated(generation: ChatResult['generations'][number]): ChatResult {
  const { input_tokens, output_tokens, total_tokens } = (generation.message as AIMessage)
    .usage_metadata!
  const tokenUsage = {
    promptTokens: input_tokens,
    completionTokens: output_tokens,
    totalTokens: total_tokens,
  }
  return { generations: [generation], llmOutput: { tokenUsage } }
}

/** A part of an answer. */
export function chunk({ text = '', toolCalls = [] }: Delta): ChatGenerationChunk {
  const tool_call_chunks = toolCalls.map(({ index, id, name: called, arguments: args }) => ({
    ...{ type: 'tool_call_chunk' as const, index },
    ...(id === undefined ? {} : { id }),
    ...(called === undefined ? {} : { name: called }),
    ...(args === undefined ? {} : { args }),
  }))
  const message = new AIMessageChunk({ content: text, tool_call_chunks })
  return new ChatGenerationChunk({ text, message })
}

/** The last part: no text, what it cost and proves. */
export function last(outcome: Answered, step: Step): ChatGenerationChunk {
  const message = new AIMessageChunk({ content: '', ...facts(outcome, step) })
  return new ChatGenerationChunk({ text: '', message })
}

function facts({ delivered, purchase, states, paidAtoms }: Answered, step: Step) {
  const { answered, receipt, receiptHash, evidence } = delivered
  const { tokens, money, model } = receipt
  const [input, output] = [tokens.in + tokens.cached, tokens.out]
  const response_metadata: Metadata = {
    ...{ model, model_name: model, model_provider: name },
    finish_reason: answered.finish,
    receipt: receiptHash,
    requite: {
      ...step,
      ...{ outcome: 'captured', purchase, states, paidAtoms: String(paidAtoms) },
      chargedAtoms: money.chargedAtoms,
      changeAtoms: money.changeAtoms,
      tx: evidence.tx,
      sources: answered.sources,
    },
  }
  const usage_metadata = {
    input_tokens: input,
    output_tokens: output,
    total_tokens: input + output,
    ...(tokens.cached > 0 ? { input_token_details: { cache_read: tokens.cached } } : {}),
  }
  return { response_metadata, usage_metadata }
}
