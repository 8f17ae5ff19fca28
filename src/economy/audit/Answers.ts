/**
 * @module Answers against their receipts: the texts are the ones committed to, their tokens and bytes are
 * those billed, and the attribution recomputes from the documents and the memory of earlier answers.
 */
import * as Evidence from '../../attribution/spans/Evidence.ts'
import * as Outputs from '../../attribution/spans/Outputs.ts'
import * as Tokenizer from '../../attribution/spans/Tokenizer.ts'
import * as Hash from '../../kernel/Hash.ts'
import type { Hex } from '../../kernel/Hex.ts'
import * as Json from '../../kernel/Json.ts'
import * as Receipt from '../../market/Receipt.ts'
import type * as Event from '../Event.ts'
import * as Library from './Library.ts'
import { attempt, type Fault, type Tally } from './Tally.ts'
import type { Answer, World } from './World.ts'

/** A receipt, and what a seller's record remembers of its answer. */
export type Given = {
  readonly receipt: Receipt.Receipt
  readonly subject: string
  /** Of a seller's record: the windows remembered and the salt they are hashed under. */
  readonly remembered?: { readonly windows: string; readonly salt: Hex }
}

/** An answer as it was found, judged. */
export type Judged =
  | { readonly kind: 'found'; readonly output: string }
  | { readonly kind: 'erased' | 'altered' }

/** Judges the texts behind a receipt. */
export function judge(world: World, tally: Tally, given: Given): Judged {
  const { receipt, subject } = given
  const finding = { name: 'answer', subject } as const
  const found = world.answer(Receipt.hash(receipt))
  if (found.kind === 'erased') {
    tally.note({ ...finding, outcome: 'erased' })
    return { kind: 'erased' }
  }
  const because =
    found.kind === 'altered' ? found.because : attempt(() => commitmentFault(found.answer, receipt))
  if (found.kind === 'altered' || because !== undefined) {
    tally.note({ ...finding, outcome: 'failed', because: because ?? 'it was altered' })
    return { kind: 'altered' }
  }
  tally.judge(finding.name, subject, () => countFault(found.answer, given))
  return { kind: 'found', output: found.answer.output }
}

/** What attribution is recomputed from. */
export type Attributed = {
  readonly subject: string
  readonly event: Event.Of<'served'>
  readonly answer: Judged
  readonly library: Library.Library
  /** The node's memory of its answers before this one. */
  readonly outputs: Outputs.Outputs
}

/** Recomputes whose words an answer is made of. What needs a withdrawn text is erased, never failed. */
export function attribute(tally: Tally, given: Attributed): void {
  const { subject, event, answer, library, outputs } = given
  const finding = { name: 'attribution', subject } as const
  const { indexRoot } = event.receipt.influence
  let version: Library.Version | undefined
  const because = attempt(() => {
    version = Library.version(library, indexRoot)
    if (version === undefined) return `datanet version ${indexRoot} was never revealed here`
    if (answer.kind !== 'found') return `the answer was ${answer.kind}`
    const { segments } = version
    const stated = event.evidence as unknown as Evidence.Evidence
    const judged = Evidence.recompute(answer.output, { segments, outputs, indexRoot }, stated)
    return judged.ok ? undefined : `not the recomputed evidence: ${judged.because}`
  })
  // Without a withdrawn document nobody can say what the cover was with it.
  const { erased, altered } = version ?? { erased: 0, altered: 0 }
  const isOpen = erased > 0 && altered === 0
  if (because === undefined) tally.note({ ...finding, outcome: 'verified' })
  else if (answer.kind === 'erased' || (isOpen && answer.kind === 'found'))
    tally.note({ ...finding, outcome: 'erased', because })
  else tally.note({ ...finding, outcome: 'failed', because })
}

function commitmentFault(answer: Answer, receipt: Receipt.Receipt): Fault {
  if (Hash.commitment(answer.prompt, answer.promptSalt) !== receipt.promptCommitment)
    return 'not the prompt that the receipt commits to'
  if (Hash.commitment(answer.output, answer.outputSalt) !== receipt.outputCommitment)
    return 'not the answer that the receipt commits to'
  return undefined
}

function countFault({ prompt, output }: Answer, { receipt, remembered }: Given): Fault {
  const { tokens, bytes } = receipt
  const tokensOut = Tokenizer.count(output)
  if (tokensOut !== tokens.out)
    return `receipt counts ${tokens.out} tokens out, recounted ${tokensOut}`
  const tokensIn = promptTexts(prompt).reduce((sum, text) => sum + Tokenizer.count(text), 0)
  if (tokensIn !== tokens.in + tokens.cached)
    return `receipt counts ${tokens.in + tokens.cached} tokens in, recounted ${tokensIn}`
  const [bytesIn, bytesOut] = [Hash.bytes(prompt).length, Hash.bytes(output).length]
  if (bytesIn !== bytes.in || bytesOut !== bytes.out)
    return `receipt counts ${bytes.in} bytes in and ${bytes.out} out, recounted ${bytesIn} and ${bytesOut}`
  if (remembered === undefined) return undefined
  if (Outputs.windows(output, remembered.salt) !== remembered.windows)
    return 'what the log remembers of the answer is not its windows'
  return undefined
}

type Turn = {
  readonly content?: string | readonly { readonly type?: string; readonly text?: unknown }[] | null
  readonly tool_calls?: readonly unknown[] | null
}
type Prompt = {
  readonly messages: readonly Turn[]
  readonly tools?: readonly unknown[]
  readonly response_format?: unknown
}

/**
 * The texts billed of a prompt: of each message its text, parts of one message being one text, then the
 * tools it called; then the tools offered and the response's format.
 */
function promptTexts(prompt: string): string[] {
  const parsed = Json.parse(prompt, 'a prompt') as Prompt | readonly Turn[]
  const {
    messages,
    tools,
    response_format: format,
  } = 'messages' in parsed
    ? parsed
    : { messages: parsed, tools: undefined, response_format: undefined }
  const texts = messages.flatMap(({ content, tool_calls: calls }) => [
    typeof content === 'string' ? content : lines(content ?? []),
    ...((calls ?? []).length === 0 ? [] : [Json.encode(calls)]),
  ])
  for (const beside of [tools, format]) if (beside !== undefined) texts.push(Json.encode(beside))
  return texts
}

function lines(parts: readonly { readonly type?: string; readonly text?: unknown }[]): string {
  return parts.flatMap(({ text }) => (typeof text === 'string' ? [text] : [])).join('\n')
}
