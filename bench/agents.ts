/**
 * @module `npm run bench -- agents`: what an agent costs while it does nothing, how fast agents are made, and
 * how fast their machines are led on, beside XState's own actors, agents sharing one buyer; what
 * `payable(buyer)` adds to a LangChain agent; and purchases a second of processor time, beside plain HTTP
 * and the official x402 packages. Ends with 1 when a bound is exceeded.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createActor, fromPromise } from 'xstate'
import * as Agent from '../src/agents/Agent.ts'
import * as AgentMachine from '../src/agents/AgentMachine.ts'
import * as Buyer from '../src/agents/Buyer.ts'
import * as Asset from '../src/kernel/Asset.ts'
import * as Policy from '../src/policies/Policy.ts'
import type * as Chain from '../src/wallets/Chain.ts'
import * as Wallet from '../src/wallets/Wallet.ts'
import * as Middleware from './Middleware.ts'
import * as Purchases from './Purchases.ts'
import * as Report from './Report.ts'

const agents = 10_000
const rounds = 5
const transitions = 20_000
const mostBytes = 6_000

const options = Report.options(
  'agents',
  `ours           agents of one buyer, each with its machine where it stands
xstate/actor   an actor of the same machine, started
langchain      the same run of two model calls and a free tool, with payable(buyer) and without
<n>-tokens     answers bought here, over the official x402 packages, and had for nothing (plain)
--json         one JSON object as the last line`,
)
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const address = `0x${'aa'.repeat(20)}` as const
const asset = Asset.from({ id: `eip155:31337/erc20:${address}`, decimals: 6, symbol: 'USDC' })
const text = `policy: desk\nasset: ${asset.id}\nrules:\n  - allow payees ${address}\n`
const dir = mkdtempSync(join(tmpdir(), 'requite-bench-agents-'))
try {
  const buyer = await Buyer.open({
    ...{ dir, wallet: Wallet.generate(), local: true },
    // Nothing is bought here.
    chain: {} as Chain.Chain,
    contracts: { asset, till: address, vault: address },
    policy: Policy.parse(text, { file: 'policy.yaml', assets: [asset] }),
  })
  const create = (at: number) => {
    const agent = Agent.create({ name: `desk-${at}`, buyer, work: async () => 'x' })
    const standing = AgentMachine.begin({ at: agent.state(), hasTask: false })
    return { agent, standing }
  }
  const waits = fromPromise<void, AgentMachine.Context>(() => new Promise(() => undefined))
  const peerMachine = AgentMachine.machine.provide({ actors: { idle: waits } })
  const actor = () => createActor(peerMachine, { input: { at: 'idle', hasTask: false } })
  const ours = bytesEach(create)
  const peer = bytesEach(() => actor().start())
  if (ours > mostBytes) Report.stop(`${ours} bytes an idle agent, expected at most ${mostBytes}`)
  const created = { ours: [] as number[], peer: [] as number[] }
  const moved: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    created.ours.push(perSecond(agents, () => many(create)))
    created.peer.push(perSecond(agents, () => many(() => actor().start())))
    moved.push(perSecond(transitions, lead))
  }
  await buyer.close()
  Report.note('the middleware of a LangChain agent')
  const middleware = await Middleware.measure()
  Report.note('purchases')
  const purchases = await Purchases.measure()
  const made = { ours: Report.median(created.ours), peer: Report.median(created.peer) }
  Report.print(
    {
      bench: 'agents',
      rows: [
        { subject: 'ours', metric: 'bytes an idle agent', value: ours, unit: 'B' },
        { subject: 'xstate/actor', metric: 'bytes an idle actor', value: peer, unit: 'B' },
        { subject: 'ours', metric: 'agents made', value: made.ours, unit: '/CPU-s' },
        { subject: 'xstate/actor', metric: 'actors made', value: made.peer, unit: '/CPU-s' },
        { subject: 'ours', metric: 'transitions', value: Report.median(moved), unit: '/CPU-s' },
        ...middleware.rows,
        ...purchases.rows,
      ],
      ratios: {
        ...middleware.ratios,
        ...purchases.ratios,
        'ours/6-kB-an-agent': mostBytes / ours,
        'ours/xstate-actor-bytes': peer / ours,
        'ours/xstate-actors-made': made.ours / made.peer,
      },
    },
    options,
  )
} finally {
  rmSync(dir, { recursive: true, force: true })
}

function many<Made>(make: (at: number) => Made): Made[] {
  return Array.from({ length: agents }, (_, at) => make(at))
}

/** Heap of each of many, all alive at once. */
function bytesEach(make: (at: number) => unknown): number {
  many(make)
  collect()
  const before = process.memoryUsage().heapUsed
  const made = many(make)
  collect()
  const bytes = (process.memoryUsage().heapUsed - before) / made.length
  if (made.length !== agents) Report.stop(`expected ${agents} agents`)
  return bytes
}

function perSecond(count: number, work: () => unknown): number {
  const { ms } = Report.cpuMs(work)
  return (count / ms) * 1000
}

/** One run that goes round and round, as pure transitions. */
function lead(): AgentMachine.Standing {
  let standing = AgentMachine.begin({ at: 'idle', hasTask: true })
  const round = ['ask', 'review', 'approve', 'sleep', 'pause', 'resume', 'wake', 'sleep'] as const
  for (let at = 0; at < transitions; at += 1) {
    const type = standing.state === 'idle' && at > 8 ? 'wake' : round[at % round.length]!
    const next = AgentMachine.next(standing, { type, nowMs: at, wakeAtMs: at } as never)
    standing = next ?? AgentMachine.begin({ at: 'idle', hasTask: true, wakeAtMs: 0 })
  }
  return standing
}
