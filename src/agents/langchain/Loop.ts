/**
 * @module A LangChain loop as the work of an agent: `createAgent` over a model and tools, its purchases
 * under the run's name, so that going through it again finds what was bought and pays nothing twice. What
 * a tool brought is a step of the run: it is not called again for the same tool call.
 */
import { ToolMessage } from '@langchain/core/messages'
import { createAgent, createMiddleware } from 'langchain'
import type * as AgentWork from '../AgentWork.ts'
import { ChatRequite } from './ChatRequite.ts'
import { payable } from './Payable.ts'

/** What `createAgent` of LangChain takes. */
type Parameters_ = Parameters<typeof createAgent>[0]

/** What the loop is made of. */
export type Options = {
  /** A chat model, or where one is sold. */
  readonly model: AgentWork.Model | object
  readonly tools: readonly unknown[]
  readonly systemPrompt?: string
}

/** Work that asks the model, lets it call tools, and ends with its last words. */
export function loop({ model, tools, systemPrompt }: Options): AgentWork.Work {
  return async (task, { buyer, run, signal, step }) => {
    const agent = createAgent({
      model: (isModel(model)
        ? new ChatRequite({ ...model, buyer, baseURL: model.baseUrl })
        : model) as NonNullable<Parameters_['model']>,
      tools: [...tools] as NonNullable<Parameters_['tools']>,
      ...(systemPrompt === undefined ? {} : { systemPrompt }),
      middleware: [payable(buyer), remembering(step)],
    })
    const requite = { run, step: 0, spentAtoms: '0', receipts: [] }
    const messages = [{ role: 'user' as const, content: task }]
    const { messages: said } = await agent.invoke({ messages, requite }, { signal })
    return said.at(-1)?.text
  }
}

/** Each tool call is a step of the run, under the id that the model gave it. */
function remembering(step: AgentWork.Tools['step']) {
  return createMiddleware({
    name: 'remembering',
    wrapToolCall: async (request, handler) => {
      const { id, name } = request.toolCall
      if (id === undefined) return handler(request)
      const { content, status } = await step(`tool ${id}`, async () => {
        const result = await handler(request)
        if (!ToolMessage.isInstance(result)) throw new Error(`${name} ended the loop by a command`)
        return { content: result.content, status: result.status }
      })
      return new ToolMessage({
        ...{ content, name, tool_call_id: id },
        ...(status === undefined ? {} : { status }),
      })
    },
  })
}

function isModel(model: object): model is AgentWork.Model {
  return 'baseUrl' in model && 'model' in model && !('invoke' in model)
}
