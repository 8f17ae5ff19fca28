/** @module What an audit holds while it reads: the fold, what the log stated so far, and the findings. */
import type * as Outputs from '../../attribution/spans/Outputs.ts'
import type * as Datanet from '../../datanets/Datanet.ts'
import type { Hex } from '../../kernel/Hex.ts'
import * as Log from '../../provenance/Log.ts'
import type * as Record from '../../provenance/Record.ts'
import * as Economy from '../Economy.ts'
import type * as Event from '../Event.ts'
import * as Facts from './Facts.ts'
import * as Library from './Library.ts'
import * as Royalties from './Royalties.ts'
import * as Tally from './Tally.ts'
import type { World } from './World.ts'

/** A transaction that the log names: for a look at a live chain. */
export type Look = { readonly leaf: number; readonly tx: Hex; readonly type: Event.Type }

/** An audit under way. */
export type State = {
  readonly world: World
  readonly tally: Tally.Tally
  readonly facts: Facts.Facts
  readonly log: Log.Log
  readonly library: Library.Library
  readonly royalties: Royalties.Royalties
  readonly economy: Economy.Economy
  readonly ids: Set<string>
  readonly looks: Look[]
  origin: string | undefined
  records: number
  replayed: number
  latestMs: number
  /** False from the first record that is not linked: later ones are judged alone. */
  linked: boolean
  /** False from the first record that cannot follow: the fold's state is not used any more. */
  following: boolean
}

/** Where a record stands. */
export type Place = {
  readonly subject: string
  readonly record: Record.Record
  /** The latest time recorded before. */
  readonly previousMs: number
  /** What the fold knew before the record; undefined once replay has ended. */
  readonly before:
    | { readonly outputs: Outputs.Outputs; readonly datanet: Datanet.Datanet | undefined }
    | undefined
}

/** An audit that has read nothing. */
export function create(world: World): State {
  return {
    world,
    tally: Tally.create(),
    facts: Facts.empty(),
    log: Log.create(),
    library: Library.empty(),
    royalties: Royalties.empty(),
    economy: Economy.empty(),
    ids: new Set(),
    looks: [],
    origin: undefined,
    records: 0,
    replayed: 0,
    latestMs: 0,
    linked: true,
    following: true,
  }
}
