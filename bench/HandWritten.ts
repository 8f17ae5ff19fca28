/**
 * @module The policies bench's peers: eight rules, and five rolling meters, as somebody writes them by hand
 * who knows them beforehand. They trust their input, know one policy, give no reason, and are right: in
 * bigint, over rings of 64 buckets, with every limit where the policy has it.
 */
import type { Request, Verdict } from '../src/policies/Budget.ts'

/** What {@link desk} decides by, in sentences. */
export const eightRules = (till: string) => [
  `allow payees ${till}, *.research.example`,
  'allow models docs-reader, legal-de@*',
  'cap 2 USDC per payment',
  'cap 50 USDC per 24h',
  'cap 10 USDC per 24h per payee',
  'at most 30 payments per minute per agent',
  'demand coverage 50%',
  'approve above 1 USDC by ops',
]

/** As many rules of the same kinds, which decide the same: those of {@link eightRules}, then looser ones. */
export function manyRules(till: string, count: number): readonly string[] {
  const rules = [...eightRules(till)]
  for (let at = 1; rules.length < count; at++)
    rules.push(
      `allow payees ${till}, *.lab${at}.research.example`,
      `allow models docs-reader, legal-de@${at}*`,
      `cap ${2 + at} USDC per payment`,
      `cap ${50 + at} USDC per ${24 * 3_600 - 120 * at}s`,
      `cap ${10 + at} USDC per ${24 * 3_600 - 120 * at}s per payee`,
      `at most ${30 + at} payments per ${60 + at}s per agent`,
      `demand coverage ${50 - at * 0.5}%`,
      `approve above ${1 + at} USDC by ops`,
    )
  return rules.slice(0, count)
}

/** What {@link ledger} keeps, in sentences. */
export const fiveMeters = [
  'allow payees *',
  'cap 5000000 USDC per 24h',
  'cap 5000000 USDC per 24h per agent',
  'cap 5000000 USDC per 24h per payee',
  'cap 5000000 USDC per 30d per payee',
  'at most 100000000 payments per minute per agent',
]

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

type Ring = { widthMs: number; buckets: bigint[]; head: number; total: bigint; held: bigint }

/** Eight rules as ifs. */
export function desk(asset: string, till: string) {
  const day = ring(dayMs)
  const payees = new Map<string, Ring>()
  const agents = new Map<string, Ring>()
  return {
    spend({ atoms, payee, agent }: Request, nowMs: number): void {
      add(day, nowMs, atoms)
      add(of(payees, payee, dayMs), nowMs, atoms)
      add(of(agents, agent, minuteMs), nowMs, 1n)
    },
    verdict(request: Request, nowMs: number): Verdict {
      const { atoms, payee, model, approval } = request
      if (request.asset !== asset) return 'deny'
      if (payee !== till && !(payee.length > 17 && payee.endsWith('.research.example')))
        return 'deny'
      if (model !== 'docs-reader' && !(model.length > 9 && model.startsWith('legal-de@')))
        return 'deny'
      if (atoms > 2_000_000n) return 'deny'
      if (taken(day, nowMs) + atoms > 50_000_000n) return 'deny'
      if (taken(payees.get(payee), nowMs) + atoms > 10_000_000n) return 'deny'
      if (taken(agents.get(request.agent), nowMs) + 1n > 30n) return 'deny'
      if (request.coveragePpb === undefined || request.coveragePpb < 500_000_000n) return 'deny'
      if (atoms <= 1_000_000n) return 'allow'
      const isApproved =
        approval !== undefined &&
        approval.by === 'ops' &&
        approval.payee === payee &&
        approval.model === model &&
        approval.ceilingAtoms >= atoms
      return isApproved ? 'allow' : 'review'
    },
  }
}

/** Five rolling meters: a payment is held on all of them or on none, then captured on all. */
export function ledger() {
  const limit = 5_000_000_000_000n
  const day = ring(dayMs)
  const [agentDays, payeeDays] = [new Map<string, Ring>(), new Map<string, Ring>()]
  const [payeeMonths, agentMinutes] = [new Map<string, Ring>(), new Map<string, Ring>()]
  const holds = new Map<string, { request: Request; atoms: bigint | undefined }>()
  const rings = ({ agent, payee }: Request) => [
    day,
    of(agentDays, agent, dayMs),
    of(payeeDays, payee, dayMs),
    of(payeeMonths, payee, 30 * dayMs),
    of(agentMinutes, agent, minuteMs),
  ]
  return {
    authorize(request: Request, nowMs: number): Verdict {
      if (holds.has(request.id)) return 'deny'
      const found = rings(request)
      for (let at = 0; at < 5; at++) {
        const isCount = at === 4
        const most = isCount ? 100_000_000n : limit
        if (taken(found[at], nowMs) + (isCount ? 1n : request.atoms) > most) return 'deny'
      }
      for (let at = 0; at < 5; at++) found[at]!.held += at === 4 ? 1n : request.atoms
      holds.set(request.id, { request, atoms: undefined })
      return 'allow'
    },
    capture(id: string, atoms: bigint, nowMs: number): boolean {
      const hold = holds.get(id)
      if (hold === undefined || hold.atoms !== undefined || atoms > hold.request.atoms) return false
      const found = rings(hold.request)
      for (let at = 0; at < 5; at++) {
        found[at]!.held -= at === 4 ? 1n : hold.request.atoms
        add(found[at]!, nowMs, at === 4 ? 1n : atoms)
      }
      hold.atoms = atoms
      return true
    },
    /** Captured in the last day, and held. */
    day: (nowMs: number) => taken(day, nowMs),
  }
}

function ring(windowMs: number): Ring {
  const widthMs = Math.ceil(windowMs / 63)
  return { widthMs, buckets: new Array<bigint>(64).fill(0n), head: 0, total: 0n, held: 0n }
}

function of(rings: Map<string, Ring>, name: string, windowMs: number): Ring {
  let found = rings.get(name)
  if (found === undefined) {
    found = ring(windowMs)
    rings.set(name, found)
  }
  return found
}

/** What counts against a limit now. */
function taken(found: Ring | undefined, nowMs: number): bigint {
  if (found === undefined) return 0n
  const bucket = Math.floor(nowMs / found.widthMs)
  if (bucket - found.head >= 64) return found.held
  let { total } = found
  for (let at = found.head + 1; at <= bucket; at++) total -= found.buckets[at & 63]!
  return total + found.held
}

function add(found: Ring, nowMs: number, amount: bigint): void {
  const bucket = Math.floor(nowMs / found.widthMs)
  const first = Math.max(found.head + 1, bucket - 63)
  for (let at = first; at <= bucket; at++) {
    found.total -= found.buckets[at & 63]!
    found.buckets[at & 63] = 0n
  }
  found.head = Math.max(found.head, bucket)
  found.buckets[bucket & 63]! += amount
  found.total += amount
}
