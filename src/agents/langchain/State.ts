/**
 * @module What the middleware keeps in the agent's state, under `requite`: plain JSON, carried by a
 * checkpoint, so that every retry and every resumed run finds the same purchases again.
 */
import { withLangGraph } from '@langchain/langgraph/zod'
import { z } from 'zod'
import { object } from 'zod/mini'

const decimal = z.string().regex(/^(0|[1-9]\d*)$/, 'expected atoms as a decimal string')

/** Why an agent was stopped before a model call or a paying tool. */
const stopped = z.object({
  code: z.literal('budget-exhausted'),
  /** The sentence of the policy whose meter has too little left. */
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

const approval = z.object({ by: z.string().min(1), ceilingAtoms: decimal })

const standing = z.object({
  /** Names the run in the buyer's journal. */
  run: z.string(),
  /** The model call at hand. */
  step: z.number().int().min(0),
  /** Signed away so far, in atoms. */
  spentAtoms: decimal,
  /** Hashes of the receipts, oldest first. */
  receipts: z.array(z.string()),
  stopped: stopped.optional(),
  /** Who let which call of a paying tool pass, up to how much; by the tool call's id. */
  approved: z.record(z.string(), approval).optional(),
})

/**
 * What the middleware keeps in the agent's state. A step asked twice by other middleware writes the same
 * twice: the last one stands. LangChain derives this schema anew at every model call, and the usual kind of
 * object compiles itself each time: this one does not (measured: npm run bench -- agents).
 */
export const state = object({
  requite: withLangGraph(standing.optional(), { reducer: { fn: (_, next) => next } }),
})

/** What the middleware keeps in the agent's state. */
export type State = z.infer<typeof state>

/** Where a run stands. */
export type Standing = z.infer<typeof standing>

/** Where a run stands, from an agent's state; undefined where no middleware of ours keeps one. */
export function read(value: unknown): Standing | undefined {
  const parsed = state.safeParse(value)
  return parsed.success ? parsed.data.requite : undefined
}

/** What whoever resumes an interrupted run says of each tool call that was put before them. */
export const answers = z.record(
  z.string(),
  z.union([
    z.object({ approve: z.literal(true), by: z.string().min(1), ceilingAtoms: decimal.optional() }),
    z.object({ approve: z.literal(false), by: z.string().min(1), because: z.string().min(1) }),
  ]),
)
