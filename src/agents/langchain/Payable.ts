/**
 * @module Middleware that makes a LangChain agent payable: for each model call it fixes the purchase's run
 * and step before anything is tried, where every retry and every resumed checkpoint finds them again, and
 * ends the run when a meter of the policy has nothing left. What was spent stands in the agent's state,
 * written with the model's answer: no step of the graph is added for it.
 *
 * The same step again pays once, wherever the retry sits: a step whose answer was bought gets it again, a
 * step that nothing was paid for is attempted anew, another request under a paid step is refused.
 *
 * Before a tool that spends (`paid`) runs, its declared cost is held against the meters, and where the
 * policy wants somebody's approval the run is interrupted: before the tool, never inside it, so that
 * resuming pays nothing twice. Other tools are left alone: they have no way to spend.
 */
import { AIMessage, type BaseMessage, ToolMessage } from '@langchain/core/messages'
import { RunnableBinding } from '@langchain/core/runnables'
import { Command } from '@langchain/langgraph'
import { createMiddleware } from 'langchain'
import * as PurchaseTerms from '../../economy/PurchaseTerms.ts'
import { InputError } from '../../kernel/Errors.ts'
import * as Hash from '../../kernel/Hash.ts'
import type { Row } from '../../policies/Budget.ts'
import type { Buyer } from '../Buyer.ts'
import type { Metadata } from './Answers.ts'
import { ChatRequite } from './ChatRequite.ts'
import * as Paid from './Paid.ts'
import * as State from './State.ts'

/** What the middleware needs of a buyer; a slice is one too. */
export type Payer = Paid.Payer &
  Pick<Buyer, 'name' | 'address' | 'status' | 'explain' | 'run' | 'journal' | 'asset'>

type Called = NonNullable<AIMessage['tool_calls']>[number]

/** A call of a tool that spends. */
type Paying = { readonly id: string; readonly declared: Paid.Declaration }

/**
 * Makes an agent's model and tool calls payable by `buyer`. Models that are not `ChatRequite` are left
 * alone. Tools that spend are made before it: `paid(buyer, …)`, then `payable(buyer)`.
 */
export function payable(buyer: Payer) {
  const isPaying = Paid.gate(buyer)
  return createMiddleware({
    name: 'payable',
    stateSchema: State.state,
    wrapModelCall: async (request, handler) => {
      const { state, messages } = request
      const model = chatRequite(request.model)
      // Nothing can be spent here, and nothing was.
      if (model === undefined && !isPaying && state.requite === undefined) return handler(request)
      const { stopped: _, approved: __, ...before } = booked(buyer, messages, standingOf(request))
      const exhausted = buyer.status().find((row) => isShort(row, 0n))
      if (exhausted !== undefined) {
        const step = Math.max(before.step, 0)
        return update({ ...before, step, stopped: stoppedBy(exhausted) })
      }
      expectOwn(buyer, model)
      const at = { ...before, step: before.step + 1 }
      const requite = { run: at.run, step: at.step }
      const modelSettings = { ...request.modelSettings, requite }
      const made = await handler(model === undefined ? request : { ...request, modelSettings })
      if (AIMessage.isInstance(made)) return update(bought(at, made))
      // Of an agent with a response format: the answer, and what it was read as.
      const read = made as {
        readonly messages: BaseMessage[]
        readonly structuredResponse: unknown
      }
      const answer = read.messages.find((message) => AIMessage.isInstance(message))
      return update(bought(at, answer), { ...read })
    },
    ...(isPaying ? beforeTools(buyer) : {}),
  })
}

function update(requite: State.Standing, beside: Record<string, unknown> = {}): Command {
  return new Command({ update: { ...beside, requite } })
}

type Request = {
  readonly state: State.State
  readonly messages: readonly BaseMessage[]
  readonly runtime: { readonly configurable?: { readonly thread_id?: unknown } | undefined }
}

/**
 * Where the run stands. One that begins is named by its thread and the message it answers, which stand in
 * the checkpoint before anything is bought: after a crash it has the same name.
 */
function standingOf({ state, messages, runtime }: Request): State.Standing {
  if (state.requite !== undefined) return state.requite
  const thread = String(runtime.configurable?.thread_id ?? '')
  const asked = messages.at(-1)?.id ?? crypto.randomUUID()
  const run = `chat/${Hash.digest({ thread, asked }).slice(2, 18)}`
  return { run, step: -1, spentAtoms: '0', receipts: [] }
}

function expectOwn(buyer: Payer, model: ChatRequite | undefined): void {
  if (model === undefined || model.buyer === buyer) return
  throw new InputError(`expected a model of buyer ${buyer.name}, got ${model.buyer.name}'s`, {
    code: 'other-buyer',
    hint: 'open model and middleware with the same buyer',
  })
}

/** The gate before tools that spend, and the count of what they spent: for agents that have such tools. */
function beforeTools(buyer: Payer) {
  return {
    afterModel: {
      canJumpTo: ['end' as const, 'model' as const],
      hook: ({ messages, requite }: Reached, runtime: unknown) => {
        const last = messages.at(-1)
        const paying = payingCalls(buyer, last)
        if (requite === undefined || paying.length === 0) return undefined
        const mostAtoms = paying.reduce((sum, { declared }) => sum + declared.mostAtoms, 0n)
        const exhausted = buyer.status().find((row) => isShort(row, mostAtoms))
        if (exhausted !== undefined) {
          const stopped = stoppedBy(exhausted)
          const told = calls(last).map((call) => answered(call, stopped.code))
          return { requite: { ...requite, stopped }, messages: told, jumpTo: 'end' as const }
        }
        const reviewed = paying.flatMap((each) => review(buyer, requite, each) ?? [])
        if (reviewed.length === 0) return undefined
        return decide(requite, { called: calls(last), reviewed }, runtime as Interruptible)
      },
    },
    afterAgent: ({ messages, requite }: Reached) => {
      if (requite === undefined) return undefined
      const after = booked(buyer, messages, requite)
      return after === requite ? undefined : { requite: after }
    },
  }
}

/** What a hook is given of the state. */
type Reached = State.State & { readonly messages: readonly BaseMessage[] }

type Interruptible = { readonly interrupt: (value: unknown) => unknown }

/** A call that waits for somebody: what stands in the interrupt. */
export type Review = {
  readonly id: string
  readonly tool: string
  /** The most it may cost, in atoms as a decimal string. */
  readonly mostAtoms: string
  readonly because: string
}

/** Asks whoever runs the agent; throws LangGraph's interrupt until they have answered. */
function decide(
  requite: State.Standing,
  {
    called,
    reviewed,
  }: { readonly called: readonly Called[]; readonly reviewed: readonly Review[] },
  { interrupt }: Interruptible,
) {
  const answers = State.answers.parse(interrupt({ type: 'requite/approval', reviews: reviewed }))
  const approved: NonNullable<State.Standing['approved']> = {}
  const declined: ToolMessage[] = []
  for (const { id, mostAtoms } of reviewed) {
    const answer = answers[id]
    if (answer?.approve === true)
      approved[id] = { by: answer.by, ceilingAtoms: answer.ceilingAtoms ?? mostAtoms }
    else {
      const call = called.find((each) => each.id === id)!
      const because = answer === undefined ? 'nobody answered' : `${answer.by}: ${answer.because}`
      declined.push(answered(call, `declined: ${because}`))
    }
  }
  const isNoneLeft = declined.length === called.length
  return {
    requite: { ...requite, approved },
    messages: declined,
    ...(isNoneLeft ? { jumpTo: 'model' as const } : {}),
  }
}

/** Why a paying call needs somebody; undefined when the policy says nothing of that. */
function review(
  buyer: Payer,
  standing: State.Standing,
  { id, declared }: Paying,
): Review | undefined {
  const { name: tool, mostAtoms, category = 'resource', payee } = declared
  const digest = Hash.digest({ run: Paid.runOf(standing, id), before: 'approval' })
  const { reasons } = buyer.explain({
    ...{ id: digest, digest, agent: buyer.address, asset: buyer.asset.id, atoms: mostAtoms },
    ...{ tool, category },
    ...(payee === undefined ? {} : { payee }),
  } as Parameters<Payer['explain']>[0])
  const asking = reasons.find(({ outcome }) => outcome === 'review')
  if (asking === undefined) return undefined
  return { id, tool, mostAtoms: String(mostAtoms), because: asking.because }
}

function stoppedBy({ rule, meter }: Row): NonNullable<State.Standing['stopped']> {
  return { code: 'budget-exhausted', rule, meter }
}

/** Who is paid is not known before a call, so meters of single payees decide later. */
function isShort({ rule, meter }: Row, neededAtoms: bigint): boolean {
  if (rule.endsWith(' per payee')) return false
  const taken = BigInt(meter.used) + BigInt(meter.held)
  const limit = BigInt(meter.limit)
  return taken >= limit || (meter.unit === 'atoms' && taken + neededAtoms > limit)
}

/** The tool's result when it is not run. */
function answered({ id, name }: Called, content: string): ToolMessage {
  return new ToolMessage({ content, name, tool_call_id: id ?? '', status: 'error' })
}

function calls(message: BaseMessage | undefined): readonly Called[] {
  return AIMessage.isInstance(message) ? (message.tool_calls ?? []) : []
}

function payingCalls(buyer: Payer, message: BaseMessage | undefined): Paying[] {
  const known = Paid.declared(buyer)
  return calls(message).flatMap(({ id, name }) => {
    const declared = known.get(name)
    return id === undefined || declared === undefined ? [] : [{ id, declared }]
  })
}

/** What the model call at hand cost, if it was bought. */
function bought(requite: State.Standing, message: BaseMessage | undefined): State.Standing {
  const metadata = metadataOf(message)
  // What a cache of LangChain's gives again was bought by another step, and counted there.
  if (metadata?.requite.run !== requite.run || metadata.requite.step !== requite.step)
    return requite
  return added(requite, BigInt(metadata.requite.paidAtoms), [metadata.receipt])
}

/** What the tools of the last model call bought: by the journal, not by what they say. */
function booked(
  buyer: Payer,
  messages: readonly BaseMessage[],
  requite: State.Standing,
): State.Standing {
  const last = messages.findLast((message) => AIMessage.isInstance(message))
  return payingCalls(buyer, last).reduce((standing, { id }) => {
    const purchases = buyer.journal.purchases(Paid.runOf(requite, id))
    const marks = purchases.flatMap(({ id, status, decided, captured }) => {
      if (!/^(captured|disputed|refunded)$/.test(status)) return []
      // What has no receipt is known by its purchase.
      const mark = captured?.receipt === undefined ? id : Hash.digest(captured.receipt)
      return [{ mark, atoms: BigInt(PurchaseTerms.of(decided).payAtoms) }]
    })
    const fresh = marks.filter(({ mark }) => !standing.receipts.includes(mark))
    const spentAtoms = fresh.reduce((sum, { atoms }) => sum + atoms, 0n)
    return fresh.length === 0
      ? standing
      : added(
          standing,
          spentAtoms,
          fresh.map(({ mark }) => mark),
        )
  }, requite)
}

function added(
  requite: State.Standing,
  atoms: bigint,
  receipts: readonly string[],
): State.Standing {
  const spentAtoms = String(BigInt(requite.spentAtoms) + atoms)
  return { ...requite, spentAtoms, receipts: [...requite.receipts, ...receipts] }
}

function chatRequite(model: unknown): ChatRequite | undefined {
  if (model instanceof ChatRequite) return model
  return RunnableBinding.isRunnableBinding(model) ? chatRequite(model.bound) : undefined
}

function metadataOf(message: BaseMessage | undefined): Metadata | undefined {
  if (!AIMessage.isInstance(message)) return undefined
  const { requite } = message.response_metadata as Partial<Metadata>
  return requite === undefined ? undefined : (message.response_metadata as Metadata)
}
