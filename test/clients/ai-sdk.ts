/** @module The AI SDK in a process of its own, buying with a fetch that pays; prints what it got as JSON. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText, jsonSchema, streamText, tool } from 'ai'
import * as Paying from './Paying.ts'

const { baseUrl: baseURL, model, ...wallet } = JSON.parse(process.argv[2]!)
const { fetch } = Paying.open(wallet)
const sold = createOpenAICompatible({ name: 'requite', baseURL, fetch })(model)
const prompt = 'When does high water come?'
const inputSchema = jsonSchema<{ day: string }>({
  type: 'object',
  properties: { day: { type: 'string' } },
})
const tools = { almanac: tool({ description: 'Tides by day', inputSchema }) }
const asked = { model: sold, prompt, maxRetries: 0 }

const { text, usage } = await generateText(asked)
const pieces: string[] = []
for await (const piece of streamText(asked).textStream) pieces.push(piece)
const { toolCalls: called } = await generateText({ ...asked, tools })
const calledStreamed = await streamText({ ...asked, tools }).toolCalls
const failed = await generateText({ ...asked, prompt: 'Fail' }).catch((error) => error)
console.log(
  JSON.stringify({
    plain: { text, outputTokens: usage.outputTokens },
    streamed: { text: pieces.join('') },
    ...{ called, calledStreamed },
    failed: { statusCode: failed.statusCode },
  }),
)
