/**
 * @module An answer on its way in parts: they come late, are cut anywhere, and may end in the middle. What
 * the seller has said waits in the network until the scheduler hands it over.
 */
import type * as Web from './Web.ts'
import * as World from './World.ts'

/** An answer on its way. */
export type Flow = {
  /** What the buyer reads. Throws when the connection breaks. */
  readonly parts: AsyncIterable<Uint8Array>
  readonly body: Web.Parts
  readonly given: Given
  /** Said, and not handed over yet. */
  waiting: Buffer
  /** The buyer has its head: parts may follow. */
  hasBegun: boolean
  /** The seller is at its end. */
  isEnded: boolean
  /** A part is about to be handed over. */
  isParked: boolean
  /** Nothing more comes: its end was told, or the connection is gone. */
  isOver: boolean
  /** Something was handed over. */
  hasTold: boolean
  /** What was handed over and not read. */
  readonly read: (Uint8Array | Error | undefined)[]
  wake: (() => void) | undefined
}

type Given = {
  /** Whoever is dead hears nothing more. */
  readonly caller: World.Life
  readonly host: World.Life
  /** It takes no more of the network. */
  readonly onOver: () => void
  /** The seller said that it is done. */
  readonly onDone: () => void
}

/** Begins to carry what a seller says. */
export function open(body: Web.Parts, given: Given): Flow {
  const flow: Flow = {
    parts: { [Symbol.asyncIterator]: () => ({ next: () => next(flow) }) },
    ...{ body, given, waiting: Buffer.alloc(0), read: [], wake: undefined },
    ...{ hasBegun: false, isEnded: false, isParked: false, isOver: false, hasTold: false },
  }
  void pump(flow)
  return flow
}

/** The buyer reads: parts may come. */
export function begin(flow: Flow): void {
  flow.hasBegun = true
  if (flow.waiting.length > 0 || flow.isEnded) park(flow)
}

/** The connection breaks: the buyer hears of it. */
export function fail(flow: Flow, because: string): void {
  if (!flow.isOver) hand(flow, new TypeError(because))
  over(flow)
}

/** The buyer wants no more: what came and was not read is gone. */
export function cancel(flow: Flow): void {
  flow.read.length = 0
  fail(flow, 'cancelled')
}

/** The buyer is gone: the seller hears of it. */
export function leave(flow: Flow): void {
  over(flow)
  if (flow.given.host.alive) flow.body.cancel()
}

/** What the seller says is taken as it comes. */
async function pump(flow: Flow): Promise<void> {
  const { body } = flow
  for (;;) {
    const part = await body.read().catch(() => undefined)
    if (flow.isOver) return
    if (part === undefined) flow.isEnded = true
    else flow.waiting = Buffer.concat([flow.waiting, part])
    park(flow)
    if (part === undefined) return
  }
}

function park(flow: Flow, delayMs = 0): void {
  if (flow.isParked || !flow.hasBegun) return
  flow.isParked = true
  World.park(undefined, `part to ${flow.given.caller.name}`, () => carry(flow), delayMs)
}

/** Hands over what waits, or the beginning of it; or that was all. */
function carry(flow: Flow): void {
  flow.isParked = false
  if (flow.isOver) return
  const { waiting, given } = flow
  const { strikes, below } = World.current()
  if (strikes('part late', 0.2)) {
    park(flow, 1 + below(4_000))
    return
  }
  const isCut = strikes('told and cut off', 0.22)
  const isPart = isCut || (waiting.length > 1 && strikes('part in pieces', 0.3))
  const part = isPart ? waiting.subarray(0, below(waiting.length)) : waiting
  flow.waiting = waiting.subarray(part.length)
  if (part.includes('data: [DONE]')) given.onDone()
  if (part.length > 0) hand(flow, part)
  if (isCut) {
    fail(flow, 'connection reset')
    leave(flow)
  } else if (flow.waiting.length > 0) park(flow)
  else if (flow.isEnded) {
    hand(flow, undefined)
    over(flow)
  }
}

function over(flow: Flow): void {
  flow.isOver = true
  flow.given.onOver()
}

function hand(flow: Flow, part: Uint8Array | Error | undefined): void {
  if (!flow.given.caller.alive) return
  flow.hasTold ||= part instanceof Uint8Array
  flow.read.push(part)
  flow.wake?.()
}

async function next(flow: Flow): Promise<IteratorResult<Uint8Array, undefined>> {
  const { read } = flow
  while (read.length === 0)
    await new Promise<void>((resolve) => {
      flow.wake = resolve
    })
  const part = read.shift()
  if (part instanceof Error) throw part
  return part === undefined ? { done: true, value: part } : { done: false, value: part }
}
