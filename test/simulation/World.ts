/**
 * @module The world of one simulation: a seed, a clock, and everything that is on its way. Whatever the code
 * under test asks of the outside is parked here, and goes on when the scheduler picks it; a process that
 * dies takes what it had parked with it, and never runs again.
 */
import type * as Books from '../../src/store/Books.ts'
import type * as Blocks from './Blocks.ts'
import type * as Disk from './Disk.ts'

/** One life of a process. */
export type Life = { readonly name: string; alive: boolean }

/** Something on its way. */
export type Parked = {
  /** Whose; nobody's for what the network carries. */
  readonly life: Life | undefined
  readonly label: string
  readonly dueAtMs: number
  go(): void
}

/** A party: what it has on disk stays, its lives come and go. */
export type Party = {
  readonly name: string
  readonly disk: Disk.Disk
  life: Life | undefined
  books: Books.Books | undefined
  /** How far its clock is off. */
  skewMs: number
  /** Its journal failed: the process must end. */
  isDoomed: boolean
  /** Told the nonce and the amount of a payment before it is signed. */
  onPaymentSigned?: (nonce: string, valueAtoms: bigint) => void
}

/** Kinds of faults, counted when they happen. */
export const kinds = [
  'crash of a buyer',
  'crash of the seller',
  'flush lost',
  'flush torn',
  'flush not acknowledged',
  'flush failed',
  'request lost',
  'answer lost',
  'request late',
  'request twice',
  'call twice',
  'call again',
  'out of order',
  'clock forwards',
  'clock backwards',
  'node silent',
  'node behind',
  'node says unused',
  'node misses a log',
  'settlement refused',
  'settlement landed, error told',
  'settled by a stranger',
  'transaction dropped',
  'reorganisation',
  'crash beside a review',
  'policy reloaded',
] as const

/** Kinds of faults of answers that are told while they are made. */
export const tellingKinds = [
  'gone before the first word',
  'told and cut off',
  'part late',
  'part in pieces',
  'engine failed',
  'engine failed midway',
  'engine refused',
  'call cancelled',
  'cancelled while told',
  'crash of a buyer that is told',
  'crash of the seller before an answer',
] as const
/** A kind of fault. */
export type Kind = (typeof kinds)[number] | (typeof tellingKinds)[number]

/** What operators and sellers did and what came of it, counted where the journals say so. */
export const acts = [
  'review',
  'approval',
  'approval not enough',
  'approved and bought',
  'refused by its review',
  'review expired',
  'freeze',
  'thaw',
  'denied while frozen',
  'trial of another opinion',
  'paid ahead',
  'answered ahead',
  'answered in short',
  'given back',
  'change instead of an answer',
] as const
export type Act = (typeof acts)[number]

/** What an engine said when it was asked once. */
export type Utterance = {
  readonly question: string
  /** All it would say. */
  readonly whole: string
  said: string
  isTold: boolean
  /** It works, and nobody stopped it. */
  isRunning: boolean
}

/** One simulated world. */
export type World = {
  readonly seed: number
  nowMs: number
  /** No more faults: whatever is open has to come to its end. */
  isCalm: boolean
  /** How many confirmations make a block final. */
  readonly finality: number
  /** Every answer is wanted while it is made, and little else goes wrong. */
  readonly isTelling: boolean
  readonly parties: Map<string, Party>
  readonly parked: Parked[]
  readonly blocks: Blocks.Blocks
  readonly faults: Record<Kind, number>
  readonly acts: Record<Act, number>
  /** What engines said, to whoever asked. */
  readonly utterances: Utterance[]
  /** What went wrong: any entry fails the simulation. */
  readonly wrong: string[]
  /** Every step and what came of it, in words. */
  readonly trace: string[]
  /** Whose process is being opened: for what is not told. */
  opening: Party | undefined
  /** From 0 up to 1. */
  random(): number
  below(count: number): number
  chance(probability: number): boolean
  /** Whether a fault happens now; counts it. */
  strikes(kind: Kind, probability: number): boolean
  count(kind: Kind): void
  say(text: string): void
}

let world: World | undefined

/** The world that is being simulated. */
export function current(): World {
  if (world === undefined) throw new Error('expected a simulation')
  return world
}

/** Makes a world the one that is simulated. */
export function enter(entered: World): World {
  world = entered
  return entered
}

/** An empty world of a seed. */
export function create(
  given: Pick<World, 'seed' | 'nowMs' | 'blocks' | 'finality' | 'isTelling'>,
  random: () => number,
): World {
  const all: readonly Kind[] = [...kinds, ...tellingKinds]
  const temper = new Map(all.map((kind) => [kind, tempers[Math.floor(random() * 5)]!]))
  const again = Math.max(0.5, temper.get('call again')!)
  if (given.isTelling) for (const kind of kinds) temper.set(kind, temper.get(kind)! / 4)
  // Who asks again for what it bought disturbs nothing else: every world has some of it.
  temper.set('call again', again)
  const faults = Object.fromEntries(all.map((kind) => [kind, 0])) as Record<Kind, number>
  const chance = (probability: number) => random() < probability
  const made: World = {
    ...given,
    isCalm: false,
    parties: new Map(),
    parked: [],
    ...{ utterances: [], wrong: [], trace: [] },
    faults,
    acts: Object.fromEntries(acts.map((act) => [act, 0])) as Record<Act, number>,
    opening: undefined,
    random,
    below: (count) => Math.floor(random() * count),
    chance,
    strikes(kind, probability) {
      if (made.isCalm || !chance(probability * temper.get(kind)!)) return false
      made.count(kind)
      return true
    },
    count(kind) {
      faults[kind] += 1
      made.say(`  ! ${kind}`)
    },
    say(text) {
      made.trace.push(text)
    },
  }
  return made
}

/** How much of a kind a world has: some have none, some plenty. */
const tempers = [0, 0.5, 1, 1, 2.5]

/** mulberry32: small, fast, the same everywhere. */
export function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let word = Math.imul(state ^ (state >>> 15), 1 | state)
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word
    return ((word ^ (word >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Parks something until the scheduler picks it. */
export function park(life: Life | undefined, label: string, go: () => void, delayMs = 0): void {
  const { parked, nowMs } = current()
  if (life?.alive === false) return
  parked.push({ life, label, go, dueAtMs: nowMs + delayMs })
}

/** What a process waits for, until the scheduler picks it. */
export function wait<T>(life: Life | undefined, label: string, act: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    park(life, label, () => {
      try {
        resolve(act())
      } catch (error) {
        reject(error)
      }
    })
  })
}

/** A party by its name. */
export function party(name: string): Party {
  const found = current().parties.get(name)
  if (found === undefined) throw new Error(`expected a party, got ${name}`)
  return found
}

/** A party's clock. */
export function clock(of: Party): () => number {
  return () => current().nowMs + of.skewMs
}
