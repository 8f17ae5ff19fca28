/**
 * @module The network between buyers, seller and chain: requests are lost, late, doubled, overtake each
 * other; answers are lost after what was asked was done. What passes is looked at: nobody may send or
 * take money for what is not durable.
 */
import * as Exact from '../../src/wallets/x402/Exact.ts'
import * as Wire from '../../src/wallets/x402/Wire.ts'
import * as Blocks from './Blocks.ts'
import * as World from './World.ts'

/** A request on its way, or being answered. */
type Passing = {
  readonly url: string
  readonly init: RequestInit
  readonly caller: World.Life
  readonly paid: Exact.Authorization | undefined
  resolve(reply: Reply): void
  reject(error: unknown): void
}

/** As much of a response as the buyer reads. */
type Reply = {
  readonly status: number
  readonly headers: Headers
  readonly body: readonly Uint8Array[]
}

/** What answers at the seller's address while it lives. */
type Handler = (request: Request) => Response | Promise<Response>

/** The seller's end, and what it is answering. */
type Network = {
  handler: Handler | undefined
  readonly open: Set<Passing>
  readonly early: Set<string>
}

let network: Network = { handler: undefined, open: new Set(), early: new Set() }

/** A network of its own for each world. */
export function reset(): void {
  network = { handler: undefined, open: new Set(), early: new Set() }
}

/** Payments that a stranger submitted before the seller had served them: it does not serve them then. */
export function early(): ReadonlySet<string> {
  return network.early
}

/** How much is on its way. */
export function busy(): number {
  return network.open.size
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
    send({ url, init, caller: buyer.life!, paid, resolve, reject })
  })
}

/** Hands a payment to the chain: only what the seller or a stranger may submit. */
export function submit(paid: Exact.Authorization): Blocks.Transaction {
  const { blocks, wrong } = World.current()
  const { disk } = World.party('seller')
  if (!disk.nonces.has(paid.nonce))
    wrong.push('the seller settles what its journal does not say was served')
  return Blocks.submit(blocks, paid)
}

/** The seller died: whoever waits for it is told. */
export function hangUp(): void {
  network.handler = undefined
  for (const passing of network.open)
    World.park(undefined, 'hung up', () => fail(passing, 'connection reset'))
  network.open.clear()
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
  open.add(passing)
  const { method = 'GET', headers, body } = passing.init
  const request = new Request(passing.url, { method, headers, body } as RequestInit)
  handle(handler, request).then(
    (reply) => {
      if (!open.has(passing)) return
      World.park(undefined, `answer ${reply.status} to ${passing.caller.name}`, () => {
        if (!open.delete(passing)) return
        inspect(passing, reply)
        if (World.current().strikes('answer lost', 0.04)) return fail(passing, 'timed out')
        if (passing.caller.alive) passing.resolve(reply)
      })
    },
    (error: unknown) => World.current().wrong.push(`the seller's face failed: ${error}`),
  )
}

async function handle(handler: Handler, request: Request): Promise<Reply> {
  const response = await handler(request)
  const { status, headers } = response
  return { status, headers, body: [new Uint8Array(await response.arrayBuffer())] }
}

function inspect({ paid }: Passing, { status, body }: Reply): void {
  const world = World.current()
  if (status === 500)
    world.wrong.push(`the seller failed: ${Buffer.concat(body).toString().slice(0, 300)}`)
  if (status !== 200 || paid === undefined) return
  const final = Blocks.head(world.blocks) - world.finality + 1
  if (!Blocks.isUsed(world.blocks, paid.from, paid.nonce, final))
    world.wrong.push('the seller gave an answer that is not finally paid')
}

function fail({ caller, reject }: Passing, because: string): void {
  if (caller.alive) reject(new TypeError(because))
}

function payment({ headers }: RequestInit): Exact.Authorization | undefined {
  const header = (headers as Record<string, string> | undefined)?.[Wire.headerNames.signature]
  return header === undefined ? undefined : Exact.authorization(Wire.decodePayload(header))
}
