/**
 * @module Purchase: how one inference is bought, once. Pure: the machine names what should happen, the
 * interpreter (`Purchase.effects.ts`) makes it happen and answers with the name of what came of it.
 *
 * discovering → quoting → deciding → paying → executing → verifying → captured,
 * or refused (nothing was signed), expired (signed, never paid), disputed (paid, does not hold), refunded
 * (paid, nothing delivered, all of it change in the seller's books).
 * Money leaves in `paying` only, entered only through the policy's `allow`. From `executing` on an
 * unclear end leads to `looking`: the chain is asked before anything is sent or released again.
 */
import { assign, fromPromise, setup } from 'xstate'
import type * as Event from '../economy/Event.ts'
import { assert } from '../kernel/Assert.ts'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import type { PurchaseKey } from '../kernel/Id.ts'
import type { Card } from '../market/Card.schema.ts'
import type * as Choice from '../market/Choice.ts'
import type * as Quote from '../market/Quote.ts'
import type * as Receipt from '../market/Receipt.ts'
import type { ToolCall } from '../models/Engine.ts'
import type { Reason } from '../policies/Decision.ts'
import type * as PaymentEvidence from '../wallets/PaymentEvidence.ts'
import type * as Wire from '../wallets/x402/Wire.ts'

/** State → what came of its effect → next state. States without a row are final. */
export const table = {
  discovering: { found: 'quoting', none: 'refused' },
  quoting: { quoted: 'deciding', refused: 'refused' },
  deciding: { allow: 'paying', deny: 'refused', review: 'refused' },
  paying: { signed: 'executing', unsigned: 'releasing' },
  executing: { answered: 'verifying', unclear: 'looking' },
  looking: { again: 'executing', never: 'releasing', paid: 'verifying' },
  releasing: { expired: 'expired', refused: 'refused' },
  verifying: {
    ...{ captured: 'captured', disputed: 'disputed', refunded: 'refunded' },
    unpaid: 'looking',
  },
} as const

/** Digest of the table: stands in every decision, so that an auditor knows which edges existed. */
export const machineDigest: Hex = Hash.digest(table)

/** States with an effect. */
export type Working = keyof typeof table
/** Terminal states. */
export type Terminal = 'captured' | 'refused' | 'expired' | 'disputed' | 'refunded'
/** All states. */
export type State = Working | Terminal

/** What a seller offers, as discovery found it. */
export type Offer = {
  readonly baseUrl: string
  readonly seller: Hex
  readonly model: string
  readonly card: Card
  readonly cardHash: Hex
  /** EIP-712 domain of the token the seller takes. */
  readonly tokenName: string
  readonly tokenVersion: string
}

/** What the seller answered: untrusted until verified. */
export type Answered = {
  /** Its text. */
  readonly output: string
  /** The tools it calls; their arguments are JSON text that a model wrote. */
  readonly toolCalls?: readonly ToolCall[]
  readonly finish: 'stop' | 'length' | 'tool_calls'
  readonly receipt: Receipt.Signed
  /** Canonical text of the seller's `served` record and its inclusion proof. */
  readonly record: string
  readonly proof: { readonly [key: string]: unknown }
  readonly promptSalt: Hex
  readonly outputSalt: Hex
  readonly sources: readonly Source[]
  readonly earnings: readonly { account: string; nano: string; reason: string }[]
}

/** The seller's word that the money came and nothing was served: its record, and where it stands. */
export type Returned = {
  /** Canonical text of the seller's `returned` record. */
  readonly record: string
  /** That it stands in the seller's log. */
  readonly proof: { readonly [key: string]: unknown }
}

/** A run of the answer that is somebody's words, as the seller says; the receipt commits to it. */
export type Source = {
  readonly document: string
  readonly owner: string
  readonly ppb: string
  readonly start: number
  readonly end: number
  readonly offset: number
}

/** What a resource answered: untrusted, whatever it cost. */
export type Response = {
  readonly status: number
  /** Names in lower case. */
  readonly headers: { readonly [name: string]: string }
  readonly body: Uint8Array
}

/** Plain data that the machine carries from state to state. */
export type Context = {
  readonly purchase: Hex
  readonly key: PurchaseKey
  readonly requestDigest: Hex
  /** The attempt before, if somebody approved it. */
  readonly approved?: Hex
  readonly offer?: Offer
  readonly quote?: Quote.Signed
  /** What the quote was chosen among, where several were asked. */
  readonly choice?: Choice.Recorded
  /** What it is decided on where nobody signs a quote. */
  readonly terms?: Event.DecidedOnTerms['terms']
  readonly verdict?: 'allow' | 'deny' | 'review'
  /** The signed payment; sent and re-sent identical, never signed again. */
  readonly payload?: Wire.Payload
  readonly answered?: Answered
  readonly returned?: Returned
  readonly response?: Response
  readonly because?: string
  readonly code?: string
  /** Every rule's reason, once decided. */
  readonly reasons?: readonly Reason[]
  /** How often the seller was asked under this payment, and how often it said no or nothing readable. */
  readonly asked?: number
  readonly denied?: number
  /** That the payment is final on chain. */
  readonly evidence?: PaymentEvidence.Evidence
}

/** What an effect answers: the name of what happened, and what the context gains. */
export type Result = { readonly event: string; readonly patch?: Partial<Context> }

/** Digestable edge for a record. */
export function edge(from: Working, event: string): Event.Transition {
  const to = (table[from] as Record<string, State | undefined>)[event]
  assert(to !== undefined, `an edge ${event} out of ${from}`)
  return { machine: machineDigest, from, event, to }
}

/** Whether a recorded edge exists in this table. */
export function isEdge(transition: Event.Transition): boolean {
  const row = (table as Record<string, Record<string, string>>)[transition.from]
  return transition.machine === machineDigest && row?.[transition.event] === transition.to
}

const unprovided = fromPromise<Result, Context>(async () => {
  throw new Error('not provided: run this machine through Purchase.effects')
})

/** Guard of one edge: the effect answered with its name. */
export function answeredWith(event: { output?: Result }, name: string): boolean {
  return event.output?.event === name
}

function working(state: Working) {
  return {
    invoke: {
      src: state,
      input: ({ context }: { context: Context }) => context,
      onDone: Object.entries(table[state]).map(([name, target]) => ({
        target,
        guard: { type: 'answeredWith' as const, params: { name } },
        actions: 'gain' as const,
      })),
    },
  }
}

/** The machine: built from {@link table}; a purchase that already carries a payment begins at its execution. */
export const machine = setup({
  types: { context: {} as Context, input: {} as Context },
  actors: Object.fromEntries(Object.keys(table).map((state) => [state, unprovided])) as Record<
    Working,
    typeof unprovided
  >,
  actions: {
    gain: assign(({ context, event }) => ({
      ...context,
      ...(event as unknown as { output: Result }).output.patch,
    })),
  },
  guards: {
    hasPayment: ({ context }) => context.payload !== undefined,
    answeredWith: ({ event }, { name }: { name: string }) =>
      answeredWith(event as { output?: Result }, name),
  },
}).createMachine({
  id: 'purchase',
  context: ({ input }) => input,
  initial: 'starting',
  states: {
    starting: {
      always: [{ guard: 'hasPayment', target: 'executing' }, { target: 'discovering' }],
    },
    discovering: working('discovering'),
    quoting: working('quoting'),
    deciding: working('deciding'),
    paying: working('paying'),
    executing: working('executing'),
    looking: working('looking'),
    releasing: working('releasing'),
    verifying: working('verifying'),
    captured: { type: 'final' },
    refused: { type: 'final' },
    expired: { type: 'final' },
    disputed: { type: 'final' },
    refunded: { type: 'final' },
  },
})
