/**
 * @module `npm run bench -- policies`: decisions with every rule's reason beside hand-written ifs that give
 * none and beside general engines, on the same eight rules and 10,000 requests; authorize and capture over
 * five rolling meters beside a hand-written ledger and a rate limiter; 512 rules beside eight; a policy
 * file read anew; and what is kept in memory. A verdict or a sum that differs fails the bench.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as Hash from '../src/kernel/Hash.ts'
import * as Json from '../src/kernel/Json.ts'
import * as Budget from '../src/policies/Budget.ts'
import * as Policy from '../src/policies/Policy.ts'
import * as Request from '../src/policies/Request.ts'
import * as Rule from '../src/policies/Rule.ts'
import * as HandWritten from './HandWritten.ts'
import * as Casbin from './peers/Casbin.ts'
import * as CedarWasm from './peers/CedarWasm.ts'
import * as JsonLogic from './peers/JsonLogic.ts'
import * as JsonRules from './peers/JsonRules.ts'
import * as Question from './peers/Question.ts'
import * as RateLimiter from './peers/RateLimiter.ts'
import * as Report from './Report.ts'

const usdc = {
  id: 'eip155:8453/erc20:0x833589fcd6edb6e08f4c7c32d4f71b54bda02913',
  decimals: 6,
  symbol: 'USDC',
} as const
const till = '0x00000000000000000000000000000000000000aa'
const startMs = 1_700_000_000_000
const requestCount = 10_000
const decisionRounds = 60
/** How many of the requests a general engine is asked in each round: slow ones few. */
const peerCounts: Readonly<Record<string, number>> = {
  'cedar-wasm': 150,
  casbin: 500,
  'casbin/one-matcher': 1_000,
  'json-logic-engine': requestCount,
  'json-rules-engine': 250,
}
const manyRules = 512
const reloads = 200
const pairsPerRound = 2_000
const pairRounds = 30
/** A rule that never decides proves nothing about its verdicts. */
const leastDecided = 20

const options = Report.options(
  'policies',
  `ours           requests read once (Request.from), every rule's reason in every decision
ours/unread    plain requests, read and checked anew for each decision
ours/recorded  the reasons written as canonical JSON, as an agent records them
ours/512-rules 64 times the eight rules, each time with other limits
ours/reloaded  a file of eight rules read, compiled and asked for the first time
--json         one JSON object as the last line`,
)
const payees = [till, ...Array.from({ length: 40 }, (_, at) => `lab${at}.research.example`)]
const models = ['docs-reader', ...Array.from({ length: 5 }, (_, at) => `legal-de@${at}`)]
const random = randomly(13)
const rows = [
  ...(await measureDecisions()),
  ...(await measurePairs()),
  ...(await measureScale()),
  ...measureReload(),
  ...measureMemory(),
]
const ratios = {
  'ours/hand-written': ratio('decisions', 'ours', 'hand-written'),
  'ours/unread/hand-written': ratio('decisions', 'ours/unread', 'hand-written'),
  'ours/recorded/hand-written': ratio('decisions', 'ours/recorded', 'hand-written'),
  'ours/cedar-wasm': ratio('decisions', 'ours', 'cedar-wasm'),
  'ours/casbin': ratio('decisions', 'ours', 'casbin'),
  'ours/casbin/one-matcher': ratio('decisions', 'ours', 'casbin/one-matcher'),
  'ours/json-logic-engine': ratio('decisions', 'ours', 'json-logic-engine'),
  'ours/json-rules-engine': ratio('decisions', 'ours', 'json-rules-engine'),
  'ours/hand-written-ledger': ratio('authorize + capture', 'ours', 'hand-written-ledger'),
  'ours/rate-limiter-flexible': ratio('authorize + capture', 'ours', 'rate-limiter-flexible'),
  // Above 1: more rules cost less each. Below a millisecond: above 1.
  'ours/512-rules/linear': ratio('a rule', 'ours', 'ours/512-rules'),
  'ours/reloaded/1-ms': 1 / rows.find(({ subject }) => subject === 'ours/reloaded')!.value,
}
Report.print({ bench: 'policies', rows, ratios }, options)

async function measureDecisions(): Promise<Report.Row[]> {
  const policy = made(HandWritten.eightRules(till))
  const usage = Budget.empty()
  const hand = HandWritten.desk(usdc.id, till)
  const nowMs = spendSome(usage, policy, hand)
  const unread = Array.from({ length: requestCount }, (_, at) => ask(at))
  const requests = unread.map(Request.from)
  const decide = (request: Request.Request) => Budget.explain(usage, policy, request, nowMs)
  const subjects = {
    'hand-written': () => requests.map((request) => hand.verdict(request, nowMs)),
    ours: () => requests.map((request) => decide(request).verdict),
    'ours/unread': () => unread.map((request) => decide(request).verdict),
    'ours/recorded': () =>
      requests.map((request) => {
        const { verdict, reasons } = decide(request)
        return Json.encode(reasons) === '' ? 'deny' : verdict
      }),
  }
  expose(requests, decide)
  const wanted = subjects['hand-written']().join()
  for (const [name, run] of Object.entries(subjects))
    if (run().join() !== wanted) Report.stop(`${name} and hand-written disagree on a verdict`)
  const questions = requests.map((request) => Question.of(request, decide(request)))
  const peers = await general(questions, wanted)
  const whole = Object.entries(subjects).map(([name, run]) => ({ name, run, count: requestCount }))
  const measured = await interleave([...whole, ...peers], decisionRounds)
  return measured.map(({ name, count, ms }) => rate(name, 'decisions', count / ms))
}

/** General engines, each asked all of the questions once; then a part of them in each round. */
async function general(
  questions: readonly Question.Question[],
  wanted: string,
): Promise<readonly Subject[]> {
  const subject = async <Prepared>({ name, prepare, ask }: Question.Peer<Prepared>) => {
    const prepared = questions.map(prepare)
    const said: Budget.Verdict[] = []
    for (const each of prepared) said.push(await ask(each))
    if (said.join() !== wanted) Report.stop(`${name} and hand-written disagree on a verdict`)
    const count = peerCounts[name]!
    let next = 0
    const part = () => {
      next = next + count > prepared.length ? count : next + count
      return prepared.slice(next - count, next)
    }
    const isLate = name === 'json-rules-engine'
    const now = () => part().map((each) => ask(each))
    const late = async () => {
      for (const each of part()) await ask(each)
    }
    return { name, count, run: isLate ? late : now }
  }
  return [
    await subject(CedarWasm.peer(till)),
    await subject(await Casbin.lines(till)),
    await subject(await Casbin.matcher(till)),
    await subject(JsonLogic.peer(till)),
    await subject(JsonRules.peer(till)),
  ]
}

/**
 * Says how often each verdict and rule was met; stops the bench if one hardly was. Keeps no decision:
 * ten thousand at once would teach the engine that decisions live long, and slow down all that follow.
 */
function expose(
  requests: readonly Request.Request[],
  decide: (request: Request.Request) => Budget.Decision,
): void {
  const met = new Map<string, number>()
  for (const request of requests) {
    const { verdict, decidedBy } = decide(request)
    for (const what of [verdict, decidedBy?.rule ?? 'none']) met.set(what, (met.get(what) ?? 0) + 1)
  }
  for (const [what, times] of met) Report.note(`${String(times).padStart(7)}  ${what}`)
  // Every rule, the three verdicts, and no rule at all where all allow.
  if (met.size !== 8 + 3 + 1 || Math.min(...met.values()) < leastDecided)
    Report.stop(`expected every rule to decide at least ${leastDecided} of the requests`)
}

/** A past in which the day, one payee and one agent have nearly had their share. The time after it. */
function spendSome(
  usage: Budget.Usage,
  policy: Policy.Policy,
  hand: ReturnType<typeof HandWritten.desk>,
): number {
  const past = [
    ...Array.from({ length: 19 }, () => ({ payee: 'lab0.research.example', atoms: 500_000n })),
    ...Array.from({ length: 38 }, (_, at) => ({ payee: payees[2 + at]!, atoms: 1_000_000n })),
    ...Array.from({ length: 30 }, () => ({ payee: till, agent: 'agent-0', atoms: 30_000n })),
  ]
  let nowMs = startMs
  for (const [at, spent] of past.entries()) {
    const coveragePpb = 500_000_000n
    const request = { ...ask(requestCount + at), model: 'docs-reader', coveragePpb, ...spent }
    nowMs += spent.atoms === 30_000n ? 500 : 60_000
    if (Budget.authorize(usage, policy, request, nowMs).verdict !== 'allow')
      Report.stop('the past was denied')
    Budget.capture(usage, request.id, request.atoms, nowMs)
    hand.spend(request, nowMs)
  }
  return nowMs
}

async function measurePairs(): Promise<Report.Row[]> {
  const policy = made(HandWritten.fiveMeters)
  const usage = Budget.empty()
  const ledger = HandWritten.ledger()
  const limiter = RateLimiter.ledger()
  const pool = Array.from({ length: pairsPerRound * (pairRounds + 5) }, (_, at) =>
    Request.from(ask(1_000_000 + at)),
  )
  const run = (pay: (request: Request.Request, nowMs: number) => boolean) => {
    let next = 0
    return () => {
      const part = pool.slice(next, next + pairsPerRound)
      for (const request of part) if (!pay(request, startMs + next++)) return 'refused'
      return 'paid'
    }
  }
  let limited = 0
  const subjects = {
    'hand-written-ledger': run((request, nowMs) => {
      if (ledger.authorize(request, nowMs) !== 'allow') return false
      return ledger.capture(request.id, request.atoms, nowMs)
    }),
    ours: run((request, nowMs) => {
      if (Budget.authorize(usage, policy, request, nowMs).verdict !== 'allow') return false
      return Budget.capture(usage, request.id, request.atoms, nowMs) === 'ok'
    }),
    'rate-limiter-flexible': async () => {
      const part = pool.slice(limited, limited + pairsPerRound)
      limited += pairsPerRound
      for (const request of part) {
        if (!(await limiter.authorize(request))) return 'refused'
        if (!(await limiter.capture(request, request.atoms))) return 'refused'
      }
      return 'paid'
    },
  }
  for (let round = 0; round < 5; round++)
    for (const pay of Object.values(subjects))
      if ((await pay()) !== 'paid') Report.stop('a payment was refused')
  const each = Object.entries(subjects).map(([name, run]) => ({ name, run, count: pairsPerRound }))
  const measured = await interleave(each, pairRounds)
  const endMs = startMs + pool.length
  const { meter } = Budget.status(usage, policy, endMs)[0]!
  const sums = [ledger.day(endMs), await limiter.day()].map(String)
  if (sums.some((sum) => sum !== meter.used) || meter.held !== '0')
    Report.stop('the ledgers and the budget disagree on a sum')
  return measured.map(({ name, count, ms }) => rate(name, 'authorize + capture', count / ms))
}

/** What one rule costs in a decision, among eight and among many. */
async function measureScale(): Promise<Report.Row[]> {
  const requests = Array.from({ length: 2_000 }, (_, at) => Request.from(ask(2_000_000 + at)))
  const subject = (name: string, sentences: readonly string[], count: number) => {
    const policy = made(sentences)
    const usage = Budget.empty()
    // Meters are kept up once something was authorised.
    Budget.authorize(usage, policy, ask(3_000_000), startMs)
    const part = requests.slice(0, count)
    const run = () =>
      part.map((request) => Budget.explain(usage, policy, request, startMs).verdict).join()
    return { name, run, count: count * sentences.length }
  }
  const few = subject('ours', HandWritten.eightRules(till), requests.length)
  const many = subject('ours/512-rules', HandWritten.manyRules(till, manyRules), 200)
  if (!few.run().startsWith(many.run())) Report.stop('512 rules decide other than eight')
  const measured = await interleave([few, many], decisionRounds)
  const unit = 'ns of CPU'
  return measured.map(({ name, count, ms }) => ({
    ...{ subject: name, metric: 'a rule', value: (1e6 * ms) / count, unit },
  }))
}

/** A file of eight rules, from its text to the first decision. */
function measureReload(): Report.Row[] {
  const file = Policy.format(made(HandWritten.eightRules(till)))
  const usage = Budget.empty()
  const request = Request.from(ask(4_000_000))
  const times = Array.from({ length: reloads }, (_, at) => {
    // Never the same text twice: nothing may be remembered.
    const text = file.replace('cap 2 USDC', `cap ${2 + at} USDC`)
    return Report.cpuMs(() => {
      const policy = Policy.parse(text, { file: 'policy.yaml', assets: [usdc] })
      return Budget.explain(usage, policy, request, startMs)
    }).ms
  })
  const unit = 'ms of CPU'
  return [{ subject: 'ours/reloaded', metric: 'eight rules', value: Report.median(times), unit }]
}

/** What a remembered id and a payee's meters weigh, all their strings included. */
function measureMemory(): Report.Row[] {
  const policy = made(HandWritten.fiveMeters)
  const usage = Budget.empty()
  const pay = (from: number, count: number, payee?: string) => {
    const before = heapBytes()
    for (let at = from; at < from + count; at++) {
      const request = { ...ask(at), payee: payee ?? `payee-${at}` }
      Budget.authorize(usage, policy, request, startMs + at)
      Budget.capture(usage, request.id, request.atoms, startMs + at)
    }
    return (heapBytes() - before) / count
  }
  pay(0, 1_000, till)
  const idBytes = pay(1_000, 100_000, till)
  const payeeBytes = pay(101_000, 5_000)
  if (usage.entries.size !== 106_000) Report.stop('an id was forgotten')
  const unit = 'bytes of heap'
  return [
    { subject: 'ours', metric: 'settled id', value: idBytes, unit },
    { subject: 'ours', metric: 'payee of two meters', value: payeeBytes - idBytes, unit },
  ]
}

/** What is measured: how many of whatever it does one run does. */
type Subject = { readonly name: string; readonly count: number; readonly run: () => unknown }

/** Each subject once a round, in turn; CPU milliseconds of the middle round. */
async function interleave(
  subjects: readonly Subject[],
  rounds: number,
): Promise<readonly (Subject & { readonly ms: number })[]> {
  const times = subjects.map((subject) => ({ ...subject, list: [] as number[] }))
  for (let round = 0; round < rounds; round++)
    for (const { name, run, list } of times) {
      const before = process.cpuUsage()
      const result = await run()
      const { user, system } = process.cpuUsage(before)
      if (result === 'refused') Report.stop(`${name}: a payment was refused`)
      list.push((user + system) / 1_000)
    }
  return times.map(({ list, ...subject }) => ({ ...subject, ms: Report.median(list) }))
}

function rate(subject: string, metric: string, perMs: number): Report.Row {
  return { subject, metric, value: perMs / 1_000, unit: 'million per CPU-second' }
}

function made(sentences: readonly string[]): Policy.Policy {
  const rules = sentences.map((sentence) => Rule.parse(sentence, usdc))
  return Policy.policy('desk', usdc, rules)
}

/** A request as its number makes it: nearly all are what the eight rules allow. */
function ask(at: number): Request.Request {
  const payee = one(random(100) === 0 ? ['mallory.example'] : payees)
  const model = one(random(100) === 0 ? ['other'] : models)
  const dear = random(100)
  const most = dear < 2 ? 2_500_000 : dear < 20 ? 1_900_000 : 1_000_000
  const atoms = BigInt(1 + random(most))
  const approval = { by: 'ops', payee, model, ceilingAtoms: atoms }
  const request = {
    id: Hash.text(`id ${at}`),
    digest: Hash.text(`request ${at}`),
    agent: `agent-${random(20)}`,
    asset: usdc.id,
    atoms,
    payee,
    host: '127.0.0.1:4020',
    model,
    coveragePpb: BigInt(random(100) === 0 ? 400_000_000 : 500_000_000 + random(50) * 10_000_000),
  }
  return random(4) > 0 ? { ...request, approval } : request
}

function one(list: readonly string[]): string {
  return list[random(list.length)]!
}

/** Numbers that look random and are the same each time (mulberry32). */
function randomly(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

/** What is reachable, after a collection of what is not. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

function ratio(metric: string, subject: string, peer: string): number {
  const value = (wanted: string) =>
    rows.find((row) => row.metric === metric && row.subject === wanted)!.value
  return value(subject) / value(peer)
}
