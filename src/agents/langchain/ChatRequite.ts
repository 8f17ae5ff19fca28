/**
 * @module A model that is paid for, wherever LangChain takes a chat model. Each call is bought by the
 * buyer, decided by its policy and recorded; the receipt travels in the message's `response_metadata`.
 */

import type { CallbackManagerForLLMRun } from '@langchain/core/callbacks/manager'
import { stampRetryable } from '@langchain/core/errors'
import type { BaseLanguageModelInput } from '@langchain/core/language_models/base'
import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BaseChatModelParams,
  type BindToolsInput,
  type LangSmithParams,
} from '@langchain/core/language_models/chat_models'
import { AIMessage, type AIMessageChunk, type BaseMessage } from '@langchain/core/messages'
import type { ChatResult } from '@langchain/core/outputs'
import type { Runnable } from '@langchain/core/runnables'
import { InputError } from '../../kernel/Errors.ts'
import type { Hex } from '../../kernel/Hex.ts'
import { name } from '../../kernel/Name.ts'
import type * as Agent from '../Agent.ts'
import type { Buyer, Outcome } from '../Buyer.ts'
import type { Source, State } from '../Purchase.ts'
import * as Refusal from '../Refusal.ts'

/** How the model is opened; as other OpenAI-compatible models of LangChain, with a buyer for a key. */
export type Fields = BaseChatModelParams & {
  readonly buyer: Buyer
  /** An OpenAI-compatible endpoint behind x402, e.g. `http://127.0.0.1:4020/v1`. */
  readonly baseURL: string
  readonly model: string
  /** Most tokens of an answer; the model's own limit unless given. */
  readonly maxTokens?: number
}

/** Names a purchase: the same run and step are bought once. */
export type Step = { readonly run: string; readonly step: number }

/** Options of one call. Without `requite` each call is a purchase of its own. */
export type CallOptions = BaseChatModelCallOptions & { readonly requite?: Step }

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
  readonly model_name: string
  readonly model_provider: string
  readonly finish_reason: 'stop'
  /** Hash of the receipt: its page is `/r/<hash>` at the seller's. */
  readonly receipt: Hex
  readonly requite: Bought
}

/** An attributed model as a LangChain chat model. */
export class ChatRequite extends BaseChatModel<CallOptions> implements Agent.Model {
  static override lc_name(): string {
    return 'ChatRequite'
  }
  override lc_namespace = [name, 'agents', 'langchain']
  readonly buyer: Buyer
  readonly baseUrl: string
  readonly model: string
  readonly maxTokens: number | undefined

  constructor(fields: Fields) {
    super(fields)
    this.buyer = fields.buyer
    this.baseUrl = fields.baseURL.replace(/\/+$/, '')
    this.model = fields.model
    this.maxTokens = fields.maxTokens
  }

  _llmType(): string {
    return name
  }

  override getLsParams(_options: this['ParsedCallOptions']): LangSmithParams {
    return {
      ls_provider: name,
      ls_model_name: this.model,
      ls_model_type: 'chat',
      ...(this.maxTokens === undefined ? {} : { ls_max_tokens: this.maxTokens }),
    }
  }

  override invocationParams(_options?: this['ParsedCallOptions']) {
    return { model: this.model, max_tokens: this.maxTokens }
  }

  /** No tools is what `createAgent` binds when it has none. Throws `tools-unsupported`. */
  override bindTools(
    tools: BindToolsInput[],
    options: Partial<CallOptions> = {},
  ): Runnable<BaseLanguageModelInput, AIMessageChunk, CallOptions> {
    if (tools.length > 0) throw Refusal.unsupported('tools', this.model)
    const { requite, response_format, signal } = options as Partial<CallOptions> & Extra
    if (response_format !== undefined) throw Refusal.unsupported('schema', this.model)
    return this.withConfig({
      ...(requite === undefined ? {} : { requite }),
      ...(signal === undefined ? {} : { signal }),
    } as Partial<CallOptions>)
  }

  /** Throws `schema-unsupported`. */
  override withStructuredOutput(): never {
    throw Refusal.unsupported('schema', this.model)
  }

  /** Buys one answer. Throws `PurchaseRefused` when there is none, `call-malformed`, the signal's reason. */
  async _generate(
    messages: BaseMessage[],
    options: this['ParsedCallOptions'],
    runManager?: CallbackManagerForLLMRun,
  ): Promise<ChatResult> {
    const { tools, response_format, stop, requite, signal } = options as CallOptions & Extra
    if (tools !== undefined && tools.length > 0) throw Refusal.unsupported('tools', this.model)
    if (response_format !== undefined) throw Refusal.unsupported('schema', this.model)
    if (stop !== undefined && stop.length > 0) throw Refusal.unsupported('stop', this.model)
    signal?.throwIfAborted()
    const { run, step } = requite ?? { run: runManager?.runId ?? this.buyer.run(), step: 0 }
    const outcome = await this.buyer.buy({
      baseUrl: this.baseUrl,
      model: this.model,
      body: {
        model: this.model,
        messages: messages.map(toOpenAI),
        ...(this.maxTokens === undefined ? {} : { max_tokens: this.maxTokens }),
      },
      ...{ run, step },
      ...(signal === undefined ? {} : { signal }),
    })
    const message = toMessage(outcome, { run, step })
    if (message !== undefined) return result(message)
    if (outcome.code === 'aborted') signal?.throwIfAborted()
    const refused = new Refusal.PurchaseRefused(outcome)
    throw stampRetryable(refused, refused.retry === 'safe')
  }
}

type Extra = {
  readonly tools?: readonly unknown[]
  readonly response_format?: unknown
  readonly signal?: AbortSignal
}

const roles: Readonly<Record<string, string>> = {
  human: 'user',
  ai: 'assistant',
  system: 'system',
  developer: 'developer',
  tool: 'tool',
}

/** A message as OpenAI's API writes it. Throws `message-unsupported`. */
function toOpenAI(message: BaseMessage) {
  const { type, content } = message
  const role = type === 'generic' ? (message as BaseMessage & { role?: string }).role : roles[type]
  if (role === undefined)
    throw new InputError(`expected a message of system, human or ai, got ${type}`, {
      code: 'message-unsupported',
    })
  const parts = typeof content === 'string' ? content : content.map(plainPart)
  return { role, content: parts }
}

/** A part without what LangChain keeps for itself: the same text is the same request. */
function plainPart(part: { type: string }): { type: string; text?: unknown } {
  return part.type === 'text' ? { type: 'text', text: (part as { text?: unknown }).text } : part
}

function toMessage(outcome: Outcome, step: Step): AIMessage | undefined {
  const { delivered, purchase, states, paidAtoms } = outcome
  if (delivered === undefined) return undefined
  const { answered, receipt, receiptHash, evidence } = delivered
  const { tokens, money, model } = receipt
  const [input, output] = [tokens.in + tokens.cached, tokens.out]
  const metadata: Metadata = {
    model_name: model,
    model_provider: name,
    finish_reason: 'stop',
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
  return new AIMessage({
    content: answered.output,
    response_metadata: metadata,
    usage_metadata: {
      input_tokens: input,
      output_tokens: output,
      total_tokens: input + output,
      ...(tokens.cached > 0 ? { input_token_details: { cache_read: tokens.cached } } : {}),
    },
  })
}

function result(message: AIMessage): ChatResult {
  const { input_tokens, output_tokens, total_tokens } = message.usage_metadata!
  return {
    generations: [{ text: message.text, message }],
    llmOutput: {
      tokenUsage: {
        promptTokens: input_tokens,
        completionTokens: output_tokens,
        totalTokens: total_tokens,
      },
    },
  }
}
