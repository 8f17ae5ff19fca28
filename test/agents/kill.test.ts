/** An agent killed where it hurts, as a real process: found again, answered, paid once, every edge on record. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Start from '../../examples/support/Market.ts'
import * as AgentMachine from '../../src/agents/AgentMachine.ts'
import * as Purchase from '../../src/agents/Purchase.ts'
import * as Audit from '../../src/economy/Audit.ts'
import type * as Event from '../../src/economy/Event.ts'
import * as Asset from '../../src/kernel/Asset.ts'
import * as Hex from '../../src/kernel/Hex.ts'
import * as Record from '../../src/provenance/Record.ts'
import * as Http from '../../src/server/Http.ts'
import * as Library from '../../src/server/Library.ts'
import * as Answers from '../../src/store/Answers.ts'
import * as Files from '../../src/store/Files.ts'
import * as Journal from '../../src/store/Journal.ts'
import * as PaymentEvidence from '../../src/wallets/PaymentEvidence.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import * as Wire from '../../src/wallets/x402/Wire.ts'
import * as Bundle from '../harness/Bundle.ts'
import * as Market from '../harness/Market.ts'
import * as Child from '../kill/Child.ts'
import type * as Desk from './desk.ts'

const scratch = mkdtempSync(join(tmpdir(), 'requite-desk-'))
const nodeDir = join(scratch, 'node')
const { body } = Market.call({ baseUrl: 'http://x' })
let started: Start.Market
let nursery: Child.Nursery
let front: { readonly baseUrl: string; close(): Promise<void> }
/** What to do about the next paid request of a payer; `ask` hands it on. */
const traps = new Map<string, (ask: () => Promise<Response>) => Promise<Response>>()

beforeAll(async () => {
  started = await Start.start({ dir: nodeDir, documents: Market.documents })
  front = await Http.serve(async (request) => {
    const ask = async () => started.app.fetch(request)
    const header = request.headers.get('payment-signature')
    const { authorization } = header === null ? {} : Wire.decodePayload(header).payload
    const payer = String((authorization as { from?: unknown } | undefined)?.from).toLowerCase()
    const caught = traps.get(payer)
    traps.delete(payer)
    return caught === undefined ? ask() : caught(ask)
  }, 0)
  const folder = join(scratch, 'programs', 'agents')
  await Bundle.make([new URL('./desk.ts', import.meta.url)], folder)
  nursery = Child.nursery(join(folder, 'desk.mjs'))
})
afterAll(async () => {
  await nursery.close()
  await front.close()
  await started.stop()
  rmSync(scratch, { recursive: true, force: true })
})

/** A folder and a key with money, and how its process is told. */
async function stand(name: string, ...rules: string[]) {
  const key = Hex.encode(crypto.getRandomValues(new Uint8Array(32)))
  const { address } = Wallet.fromPrivateKey(key)
  const dir = join(scratch, name)
  mkdirSync(dir, { mode: 0o700 })
  await started.fund(address, 1_000_000n)
  const { asset, till, vault } = started.contracts
  const policy = join(scratch, `${name}.yaml`)
  const sentences = [`allow payees ${till}`, 'cap 0.01 USDC per 24h', ...rules]
  const lines = [
    'policy: desk',
    `asset: ${asset.id}`,
    'rules:',
    ...sentences.map((s) => `  - ${s}`),
  ]
  writeFileSync(policy, lines.join('\n'))
  const told = {
    ...{ dir, key, policy, body, sleepMs: 1_500, contracts: { asset, till, vault } },
    chain: { rpcUrl: started.local.rpcUrl, chainId: started.local.chainId },
    baseUrl: `${front.baseUrl}/v1`,
  }
  const send = (more: Partial<Desk.Told>) => nursery.send({ ...told, ...more })
  return { address, dir, send }
}

/** The last life: it ends what is open, and says how. */
async function last(desk: Awaited<ReturnType<typeof stand>>, more: Partial<Desk.Told> = {}) {
  const child = desk.send(more)
  const line = await child.says('ended', 60_000)
  expect(line, child.stderr()).toBeDefined()
  await child.ended
  return line!.ended as readonly {
    id: string
    answer?: string
    state: string
    spentAtoms: string
  }[]
}

/** Atoms that left, one entry a payment, by the chain's own logs. */
async function paid(payer: Hex.Hex): Promise<bigint[]> {
  const { address } = Asset.parts(started.contracts.asset.id)
  const topics = [
    PaymentEvidence.transferTopic,
    ...[payer, started.contracts.till].map((one) => Hex.word(BigInt(one))),
  ]
  const logs = await started.chain.logs({ address, topics, fromBlock: 0 })
  return logs.map(({ data }) => BigInt(data))
}

function texts(dir: string): string[] {
  const reader = Journal.reader(join(dir, 'journal.db'))
  try {
    return [...reader.read(0)]
  } finally {
    reader.close()
  }
}

/** The transitions of each run; the audit of the whole journal has passed. */
function judged(dir: string): Record<string, string[]> {
  const own = texts(dir)
  const report = Audit.run({
    texts: own,
    document: (hash) => Files.getDocument(Library.folder(nodeDir), hash),
    answer: (hash) => Answers.read(dir, hash) as never,
    leaves: () => undefined,
    verifySignature: Wallet.verifyTypedData,
    checkPayment: (evidence, payment) =>
      PaymentEvidence.check(evidence as PaymentEvidence.Evidence, payment),
    transitionTables: new Map<Hex.Hex, Audit.Table>([
      [Purchase.machineDigest, Purchase.table],
      [AgentMachine.machineDigest, AgentMachine.table],
    ]),
  })
  expect(report.failures).toEqual([])
  expect(report.replayed).toBe(own.length)
  const runs: Record<string, string[]> = {}
  for (const text of own) {
    const { event } = Record.decode(text) as { event: Event.Event }
    if (event.type !== 'moved') continue
    const edges = runs[event.run] ?? []
    runs[event.run] = edges
    expect(event.seq).toBe(edges.length)
    edges.push(event.transition.event)
  }
  return runs
}

async function killedAt(
  desk: Awaited<ReturnType<typeof stand>>,
  more: Partial<Desk.Told>,
  at: string,
) {
  const child = desk.send(more)
  const line = await child.says('at', 30_000)
  expect(line, child.stderr()).toEqual({ at })
  await child.kill()
  return child
}

const answer = expect.stringContaining('about fifty minutes later each day')

// Processes of their own, each with its own folder and key: what one waits for the others need not.
describe.concurrent('an agent killed', () => {
  test('while it works goes on: answered, and nothing done twice', async () => {
    const desk = await stand('working')
    const first = await killedAt(desk, { asked: 'work' }, 'working')
    expect(first.lines.filter((line) => 'noted' in line)).toHaveLength(1)
    const [run] = await last(desk)
    expect(run).toMatchObject({ state: 'done', answer })
    expect(await paid(desk.address)).toEqual([BigInt(run!.spentAtoms)])
    expect(Object.values(judged(desk.dir))).toEqual([['ask', 'finish']])
  })

  test('while it waits for an approval waits on, and is approved', async () => {
    const desk = await stand('awaiting', 'approve above 0.0001 USDC by ops')
    await killedAt(desk, { asked: 'work' }, 'awaitingApproval')
    expect(await paid(desk.address)).toEqual([])
    const [run] = await last(desk, { approves: true })
    expect(run).toMatchObject({ state: 'done', answer })
    expect(await paid(desk.address)).toEqual([BigInt(run!.spentAtoms)])
    expect(Object.values(judged(desk.dir))).toEqual([['ask', 'review', 'approve', 'finish']])
  })

  test('while it sleeps wakes at its time, though it was dead then', async () => {
    const desk = await stand('sleeping')
    await killedAt(desk, { asked: 'sleep' }, 'idle')
    await new Promise((resolve) => setTimeout(resolve, 1_600))
    const [run] = await last(desk)
    expect(run).toMatchObject({ state: 'done', answer })
    expect(await paid(desk.address)).toEqual([BigInt(run!.spentAtoms)])
    expect(Object.values(judged(desk.dir))).toEqual([['ask', 'sleep', 'wake', 'finish']])
  })

  test.each([
    ['before its payment reaches the seller', false],
    ['after its payment was settled', true],
  ])('while it pays, %s, pays once', async (_, isServed) => {
    const desk = await stand(`paying-${isServed}`)
    const passed = new Promise<void>((resolve) => {
      traps.set(desk.address, async (ask) => {
        if (isServed) await ask()
        resolve()
        await new Promise((later) => setTimeout(later, 500))
        return new Response(null, { status: 503 })
      })
    })
    const child = desk.send({ asked: 'work' })
    await passed
    await child.kill()
    const [run] = await last(desk)
    expect(run).toMatchObject({ state: 'done', answer })
    expect(await paid(desk.address)).toEqual([BigInt(run!.spentAtoms)])
    expect(Object.values(judged(desk.dir))).toEqual([['ask', 'finish']])
  })

  test('with a timer that was due meanwhile does it once', async () => {
    const desk = await stand('timer')
    await killedAt(desk, { asked: 'again' }, 'idle')
    await new Promise((resolve) => setTimeout(resolve, 5_200))
    const [run, next] = await last(desk)
    expect(run).toMatchObject({ state: 'done', answer })
    expect(next).toMatchObject({ state: 'stopped' })
    expect(await paid(desk.address)).toEqual([BigInt(run!.spentAtoms)])
    const edges = Object.values(judged(desk.dir))
    expect(edges).toEqual([
      ['schedule', 'wake', 'finish'],
      ['schedule', 'stop'],
    ])
  })
})
