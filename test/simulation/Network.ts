/**
 * @module The network between buyers, seller and chain: requests are lost, late, doubled, overtake each
 * other; answers are lost after what was asked was done. What passes is looked at: nobody may send or
 * take money for what is not durable. Answers that come in parts: `Flow.ts`.
 */
import * as Exact from '../../src/wallets/x402/Exact.ts'
import * as Wire from '../../src/wallets/x402/Wire.ts'
import * as Blocks from './Blocks.ts'
import * as Flow from './Flow.ts'
import * as Web from './Web.ts'
import * as World from './World.ts'

/** A request on its way, and who waits for its answer. */
type Passing = {
  readonly url: string
  readonly init: RequestInit
  readonly caller: World.Life
  readonly paid: Exact.Authorization | undefined
  resolve(reply: Reply): void
  reject(error: unknown): void
  /** Who waits has an answer, or waits no more. */
  isOver: boolean
}

/** A request that came to the seller: one that is doubled comes twice. */
type Visit = {
  readonly passing: Passing
  readonly request: Request & { leave(): void }
  /** The seller's life that answers it. */
  readonly host: World.Life
  /** Its answer, if that comes in parts. */
  flow: Flow.Flow | undefined
}

/** As much of a response as the buyer reads. */
type Reply = {
  readonly status: number
  readonly headers: Headers
  readonly body: readonly Uint8Array[] | AsyncIterable<Uint8Array>
}

/** What answers at the seller's address while it lives. */
type Handler = (request: Request) => Response | Promise<Response>

/** The seller's end, and what it is answering. */
type Network = {
  handler: Handler | undefined
  readonly open: Set<Visit>
  readonly early: Set<string>
}

let network: Network = { handler: undefined, open: new Set(), early: new Set() }

/** A network of its own for each world. */
export function reset(): void {
  network = { handler: undefined, open: new Set(), early: new Set() }
}

/** Payments that a stranger submitted before the seller had recorded them: it does not serve them then. */
export function early(): ReadonlySet<string> {
  return network.early
}

/** How much is on its way. */
export function busy(): number {
  return network.open.size
}

/** Whether somebody is being told an answer, and heard something of it. */
export function isTelling(caller?: World.Life): boolean {
  for (const { passing, flow } of network.open)
    if (flow?.hasTold === true && (caller === undefined || passing.caller === caller)) return true
  return false
}

/** The seller answers from now on. */
export function answer(handler: Handler): void {
  network.handler = handler
}

/** What buyers call: `http://<buyer>.market/…`. */
export function request(url: string, init: RequestInit = {}): Promise<Reply> {
  const buyer = World.party(new URL(url).hostname.split('.')[0]!)
  const paid = payment(init)
  if (paid !== undefined && !buyer.disk.nonces.has(paid.nonce))
    World.current().wrong.push(`${buyer.name} sends a payment that its journal does not hold`)
  return new Promise((resolve, reject) => {
    const passing = { url, init, caller: buyer.life!, paid, resolve, reject, isOver: false }
    init.signal?.addEventListener('abort', () => cancel(passing), { once: true })
    send(passing)
  })
}

/** Hands a payment to the chain: only what the seller or a stranger may submit. */
export function submit(paid: Exact.Authorization): Blocks.Transaction {
  const { blocks, wrong } = World.current()
  const { disk } = World.party('seller')
  if (!disk.nonces.has(paid.nonce))
    wrong.push('the seller settles what its journal does not say was served or accepted')
  return Blocks.submit(blocks, paid)
}

/** The seller died: whoever waits for it is told. */
export function hangUp(): void {
  network.handler = undefined
  for (const { passing, flow } of network.open)
    World.park(undefined, 'hung up', () => {
      if (!passing.isOver) fail(passing, 'connection reset')
      if (flow !== undefined) Flow.fail(flow, 'connection reset')
    })
  network.open.clear()
}

/** A buyer died: the seller hears of it, sooner or later. */
export function left(caller: World.Life): void {
  for (const visit of network.open) if (visit.passing.caller === caller) leave(visit)
}

/** A buyer waits no more. */
function cancel(passing: Passing): void {
  if (!passing.isOver) fail(passing, 'cancelled')
  for (const visit of network.open) {
    if (visit.passing !== passing) continue
    if (visit.flow !== undefined) Flow.cancel(visit.flow)
    leave(visit)
  }
}

function leave(visit: Visit): void {
  const { request, flow, host } = visit
  network.open.delete(visit)
  World.park(undefined, 'nobody listens', () => {
    if (host.alive) request.leave()
    if (flow !== undefined) Flow.leave(flow)
  })
}

function send(passing: Passing): void {
  const label = `${passing.caller.name} ${passing.init.method ?? 'GET'} ${new URL(passing.url).pathname}`
  World.park(undefined, label, () => deliver(passing, label))
}

function deliver(passing: Passing, label: string): void {
  const world = World.current()
  if (world.strikes('request lost', 0.04)) {
    fail(passing, 'timed out')
    return
  }
  if (world.strikes('request late', 0.04)) {
    fail(passing, 'timed out')
    World.park(undefined, `${label}, late`, () => serve(passing), world.below(8_000))
    return
  }
  const { paid } = passing
  if (paid !== undefined && world.strikes('settled by a stranger', 0.12)) {
    if (!World.party('seller').disk.nonces.has(paid.nonce)) network.early.add(paid.nonce)
    Blocks.submit(world.blocks, paid)
  }
  serve(passing)
  if (world.strikes('request twice', 0.05))
    World.park(undefined, `${label}, again`, () => serve(passing), world.below(3_000))
}

function serve(passing: Passing): void {
  const { handler } = network
  if (handler === undefined) {
    fail(passing, 'connection refused')
    return
  }
  const { open } = network
  const { method = 'GET', headers, body } = passing.init
  const request = new Request(passing.url, { method, headers, body } as RequestInit)
  const host = World.party('seller').life!
  const visit: Visit = { passing, host, request: request as Visit['request'], flow: undefined }
  open.add(visit)
  impatient(visit)
  new Promise<Response>((resolve) => resolve(handler(request))).then(
    (response) => {
      const reply = response.body instanceof Web.Parts ? tell(visit, response) : whole(response)
      if (!open.has(visit)) return visit.flow === undefined ? undefined : Flow.leave(visit.flow)
      World.park(undefined, `answer ${response.status} to ${passing.caller.name}`, () => {
        if (!open.has(visit)) return
        if (visit.flow === undefined) open.delete(visit)
        arrive(visit, reply)
      })
    },
    (error: unknown) => World.current().wrong.push(`the seller's face failed: ${error}`),
  )
}

/** Who pays for what is told may be gone before its first word. */
function impatient(visit: Visit): void {
  const world = World.current()
  const { paid, init, caller } = visit.passing
  if (paid === undefined || !String(init.body).includes('"stream":true')) return
  const go = () => {
    const { flow } = visit
    if (!network.open.has(visit) || flow?.hasTold === true) return
    if (!world.strikes('gone before the first word', 0.32)) return
    fail(visit.passing, 'timed out')
    if (flow !== undefined) Flow.fail(flow, 'timed out')
    leave(visit)
  }
  World.park(undefined, `${caller.name} is gone`, go, world.below(2_500))
}

/** An answer begins to come, or is lost; who is gone already does not listen. */
function arrive(visit: Visit, reply: Reply): void {
  const { passing, flow } = visit
  inspect(passing, reply)
  const isLost = World.current().strikes('answer lost', 0.04)
  if (flow !== undefined && (isLost || passing.isOver)) leave(visit)
  if (isLost) {
    fail(passing, 'timed out')
    return
  }
  passing.isOver = true
  if (flow !== undefined) Flow.begin(flow)
  if (passing.caller.alive) passing.resolve(reply)
}

function whole({ status, headers, body }: Response): Reply {
  return { status, headers, body: [new TextEncoder().encode((body as string | null) ?? '')] }
}

function tell(visit: Visit, { status, headers, body }: Response): Reply {
  const { passing, host } = visit
  const { caller, paid } = passing
  const flow = Flow.open(body as unknown as Web.Parts, {
    ...{ caller, host },
    onOver: () => void network.open.delete(visit),
    onDone: () => {
      const { disk } = World.party('seller')
      if (paid !== undefined && !disk.ids.has(`served/${paid.from}/${paid.nonce}`))
        World.current().wrong.push('the seller ended an answer that its journal does not hold')
    },
  })
  visit.flow = flow
  return { status, headers, body: flow.parts }
}

function inspect({ paid }: Passing, { status, body }: Reply): void {
  const world = World.current()
  if (status === 500)
    world.wrong.push(
      `the seller failed: ${Buffer.concat(body as Uint8Array[])
        .toString()
        .slice(0, 300)}`,
    )
  if (status !== 200 || paid === undefined) return
  const final = Blocks.head(world.blocks) - world.finality + 1
  if (!Blocks.isUsed(world.blocks, paid.from, paid.nonce, final))
    world.wrong.push('the seller gave an answer that is not finally paid')
}

function fail(passing: Passing, because: string): void {
  passing.isOver = true
  if (passing.caller.alive) passing.reject(new TypeError(because))
}

function payment({ headers }: RequestInit): Exact.Authorization | undefined {
  const header = (headers as Record<string, string> | undefined)?.[Wire.headerNames.signature]
  return header === undefined ? undefined : Exact.authorization(Wire.decodePayload(header))
}
