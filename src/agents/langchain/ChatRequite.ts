/**
 * @module A model that is paid for, wherever LangChain takes a chat model. Each call is bought by the
 * buyer, decided by its policy and recorded; the receipt travels in the message's `response_metadata`.
 *
 * `invoke` buys a whole answer, `stream` one that is told as it is made: they are two requests, so the same
 * run and step under the other is refused (`exists-with-different-request`), never paid twice. What
 * LangChain's cache gives again was bought before and costs nothing.
 */
import type { CallbackManagerForLLMRun } from '@langchain/core/callbacks/manager'
import { stampRetryable } from '@langchain/core/errors'
import type {
  BaseLanguageModelInput,
  StructuredOutputMethodOptions,
} from '@langchain/core/language_models/base'
import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BaseChatModelParams,
  type BindToolsInput,
  type LangSmithParams,
} from '@langchain/core/language_models/chat_models'
import {
  assembleStructuredOutputPipeline,
  createContentParser,
  createFunctionCallingParser,
} from '@langchain/core/language_models/structured_output'
import type { AIMessageChunk, BaseMessage } from '@langchain/core/messages'
import type { ChatGenerationChunk, ChatResult } from '@langchain/core/outputs'
import type { Runnable } from '@langchain/core/runnables'
import { name } from '../../kernel/Name.ts'
import type { Delta } from '../../models/Engine.ts'
import type * as Agent from '../Agent.ts'
import type { Buyer, Outcome } from '../Buyer.ts'
import * as Refusal from '../Refusal.ts'
import * as Answers from './Answers.ts'
import * as Messages from './Messages.ts'
import * as Queue from './Queue.ts'
import * as Tools from './Tools.ts'

export type { Bought, Metadata, Step } from './Answers.ts'

/** How the model is opened; as other OpenAI-compatible models of LangChain, with a buyer for a key. */
export type Fields = BaseChatModelParams & {
  readonly buyer: Pick<Buyer, 'name' | 'buy' | 'run'>
  /** An OpenAI-compatible endpoint behind x402, e.g. `http://127.0.0.1:4020/v1`. */
  readonly baseURL: string
  readonly model: string
  /** Most tokens of an answer; the model's own limit unless given. */
  readonly maxTokens?: number
  readonly temperature?: number
  /** Texts at which an answer ends. */
  readonly stop?: readonly string[]
  /** `invoke` is told as it is made too: callbacks hear each token, a signal ends it early. */
  readonly streaming?: boolean
}

/** Options of one call. Without `requite` each call is a purchase of its own. */
export type CallOptions = BaseChatModelCallOptions & {
  readonly requite?: Answers.Step
  readonly tools?: readonly BindToolsInput[]
  readonly parallel_tool_calls?: boolean
  /** As in OpenAI's API. */
  readonly response_format?: { readonly type: string; readonly [key: string]: unknown }
}

/** An attributed model as a LangChain chat model. */
export class ChatRequite extends BaseChatModel<CallOptions, AIMessageChunk> implements Agent.Model {
  static override lc_name(): string {
    return 'ChatRequite'
  }
  override lc_namespace = [name, 'agents', 'langchain']
  readonly buyer: Fields['buyer']
  readonly baseUrl: string
  readonly model: string
  readonly maxTokens: number | undefined
  readonly temperature: number | undefined
  readonly stop: readonly string[] | undefined
  readonly streaming: boolean

  constructor(fields: Fields) {
    super(fields)
    this.buyer = fields.buyer
    this.baseUrl = fields.baseURL.replace(/\/+$/, '')
    this.model = fields.model
    this.maxTokens = fields.maxTokens
    this.temperature = fields.temperature
    this.stop = fields.stop
    this.streaming = fields.streaming ?? false
    this.disableStreaming = fields.disableStreaming ?? false
  }

  _llmType(): string {
    return name
  }

  override get callKeys(): string[] {
    const own = ['tools', 'tool_choice', 'parallel_tool_calls', 'response_format', 'requite']
    return [...super.callKeys, ...own]
  }

  override getLsParams(options: this['ParsedCallOptions']): LangSmithParams {
    const { temperature, maxTokens } = this
    return {
      ls_provider: name,
      ls_model_name: this.model,
      ls_model_type: 'chat',
      ls_temperature: temperature,
      ls_max_tokens: maxTokens,
      ls_stop: options.stop ?? (this.stop && [...this.stop]),
    } as LangSmithParams
  }

  /** What is sent beside the messages. Throws `tool-malformed`. */
  override invocationParams(options?: this['ParsedCallOptions']) {
    const { tools, tool_choice, parallel_tool_calls, response_format } = (options ??
      {}) as Partial<CallOptions>
    const stop = options?.stop ?? this.stop
    const offered = tools === undefined ? [] : tools.map(Tools.toOpenAI)
    const params = {
      model: this.model,
      max_tokens: this.maxTokens,
      temperature: this.temperature,
      stop: stop?.length ? [...stop] : undefined,
      tools: offered.length > 0 ? offered : undefined,
      tool_choice: offered.length > 0 ? Tools.choice(tool_choice) : undefined,
      parallel_tool_calls: offered.length > 0 ? parallel_tool_calls : undefined,
      response_format,
    }
    return Object.fromEntries(
      Object.entries(params).filter(([, value]) => value !== undefined),
    ) as { readonly [key: string]: unknown }
  }

  override _identifyingParams(): Record<string, unknown> {
    return { base_url: this.baseUrl, ...this.invocationParams() }
  }

  /** Which step an answer is bought for decides nothing about it: LangChain's cache gives it again. */
  override _getSerializedCacheKeyParametersForCall(
    options: Partial<CallOptions> & { config?: never },
  ): string {
    const { requite: _, signal: __, ...asked } = options
    return super._getSerializedCacheKeyParametersForCall(asked as never)
  }

  /** Offers tools: LangChain's, or as OpenAI's API writes them. Throws `tool-malformed`. */
  override bindTools(
    tools: BindToolsInput[],
    options: Partial<CallOptions> & { readonly strict?: boolean } = {},
  ): Runnable<BaseLanguageModelInput, AIMessageChunk, CallOptions> {
    const { strict, ...rest } = options
    const offered = tools
      .map(Tools.toOpenAI)
      .map((tool) =>
        strict === undefined ? tool : { ...tool, function: { ...tool.function, strict } },
      )
    return this.withConfig({
      ...(offered.length === 0 ? {} : { tools: offered }),
      ...rest,
    } as Partial<CallOptions>)
  }

  /**
   * Answers that keep to a schema: by the call of one tool (`functionCalling`, unless told), or by
   * `jsonSchema` or `jsonMode` of models whose card says `schema`.
   */
  // biome-ignore lint/suspicious/noExplicitAny: LangChain's own signature, in six overloads.
  override withStructuredOutput: any = (
    outputSchema: Tools.Schema,
    config: StructuredOutputMethodOptions<boolean> = {},
  ) => {
    const { method = 'functionCalling', includeRaw = false, strict } = config
    const { name: called, description, schema } = Tools.named(outputSchema, config.name)
    const told = description === undefined ? {} : { description }
    const strictly = strict === undefined ? {} : { strict }
    const runName = includeRaw ? 'StructuredOutputRunnable' : 'StructuredOutput'
    if (method === 'functionCalling') {
      const tool = { name: called, ...told, parameters: schema, ...strictly }
      const llm = this.bindTools([{ type: 'function', function: tool }], { tool_choice: called })
      const parser = createFunctionCallingParser(outputSchema as never, called)
      return assembleStructuredOutputPipeline(llm, parser, includeRaw, runName)
    }
    const response_format =
      method === 'jsonMode'
        ? { type: 'json_object' }
        : { type: 'json_schema', json_schema: { name: called, ...told, schema, ...strictly } }
    const llm = this.withConfig({ response_format } as Partial<CallOptions>)
    const parser = createContentParser(outputSchema as never)
    return assembleStructuredOutputPipeline(llm, parser, includeRaw, runName)
  }

  /** Buys one answer. Throws `PurchaseRefused` when there is none, `call-malformed`, the signal's reason. */
  async _generate(
    messages: BaseMessage[],
    options: this['ParsedCallOptions'],
    runManager?: CallbackManagerForLLMRun,
  ): Promise<ChatResult> {
    if (this.streaming && !this.disableStreaming)
      return this.#streamed(messages, options, runManager)
    const step = this.#step(options, runManager)
    const outcome = await this.#buy(messages, options, { step })
    return Answers.result(this.#answered(outcome, options.signal), step)
  }

  /**
   * Buys one answer, and tells it as it is made: unverified until the last chunk, which carries the usage
   * and the receipt. Throws as `invoke` does; an answer that does not hold throws after its chunks.
   */
  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this['ParsedCallOptions'],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const step = this.#step(options, runManager)
    const leaving = new AbortController()
    const signals = [leaving.signal, options.signal].filter((each) => each !== undefined)
    const queue = Queue.open<Delta>()
    const buying = this.#buy(messages, options, {
      ...{ step, signal: AbortSignal.any(signals), onDelta: queue.push },
    }).finally(queue.end)
    // Who leaves early hears nothing of how it ended: the journal does.
    buying.catch(() => {})
    try {
      for await (const delta of queue.values) {
        const chunk = Answers.chunk(delta)
        yield chunk
        const { text } = chunk
        await runManager?.handleLLMNewToken(text, undefined, undefined, undefined, undefined, {
          chunk,
        })
      }
      const outcome = await buying
      yield Answers.last(this.#answered(outcome, options.signal), step)
    } finally {
      leaving.abort()
    }
  }

  async #streamed(
    messages: BaseMessage[],
    options: this['ParsedCallOptions'],
    runManager: CallbackManagerForLLMRun | undefined,
  ): Promise<ChatResult> {
    let whole: ChatGenerationChunk | undefined
    for await (const chunk of this._streamResponseChunks(messages, options, runManager))
      whole = whole === undefined ? chunk : whole.concat(chunk)
    return Answers.joined(whole!)
  }

  #step(options: this['ParsedCallOptions'], runManager?: CallbackManagerForLLMRun): Answers.Step {
    const { requite } = options as CallOptions
    return requite ?? { run: runManager?.runId ?? this.buyer.run(), step: 0 }
  }

  async #buy(
    messages: BaseMessage[],
    options: this['ParsedCallOptions'],
    { step, signal = options.signal, onDelta }: Buying,
  ): Promise<Outcome> {
    signal?.throwIfAborted()
    return this.buyer.buy({
      baseUrl: this.baseUrl,
      model: this.model,
      body: {
        ...this.invocationParams(options),
        model: this.model,
        messages: messages.map(Messages.toOpenAI),
        ...(onDelta === undefined ? {} : { stream: true }),
      },
      ...step,
      ...(signal === undefined ? {} : { signal }),
      ...(onDelta === undefined ? {} : { onDelta }),
    })
  }

  #answered(outcome: Outcome, signal: AbortSignal | undefined): Answers.Answered {
    signal?.throwIfAborted()
    if (outcome.delivered !== undefined) return outcome as Answers.Answered
    const unsupported = Refusal.unsupported(outcome)
    if (unsupported !== undefined) throw stampRetryable(unsupported, false)
    const refused = new Refusal.PurchaseRefused(outcome)
    throw stampRetryable(refused, refused.retry === 'safe')
  }
}

type Buying = {
  readonly step: Answers.Step
  readonly signal?: AbortSignal | undefined
  readonly onDelta?: (delta: Delta) => void
}
