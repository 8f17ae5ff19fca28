/**
 * @module A journal on a virtual disk: real staging, real hashes; the flush is the scheduler's. A crash loses
 * what was not acknowledged, or leaves some of its records; what was acknowledged stays.
 */
import { BaseError } from '../../../src/kernel/Errors.ts'
import * as Log from '../../../src/provenance/Log.ts'
import * as Proof from '../../../src/provenance/Proof.ts'
import type * as Real from '../../../src/store/Journal.ts'
import * as Staging from '../../../src/store/Staging.ts'
import * as Disk from '../Disk.ts'
import * as World from '../World.ts'

type Caller = {
  readonly drafts: readonly Staging.Prepared[]
  resolve(appended: readonly Staging.Appended[]): void
  reject(error: unknown): void
}

/** As the real one, of the party whose folder the file is in. */
export function open(options: Real.Options): Real.Journal {
  const { origin, now } = options
  const party = World.party(options.file.split('/')[1]!)
  const { disk, life } = party
  const log = Log.create()
  for (const hash of disk.hashes) log.append(hash)
  const waiting: Caller[] = []
  let failed: unknown

  const flush = () => {
    const callers = waiting.splice(0)
    const staging = Staging.create({ log, origin, recorded: disk.ids })
    const answers: (() => void)[] = []
    for (const { drafts, resolve, reject } of callers) {
      const added = staging.add(drafts)
      if (added.kind === 'refused') reject(added.error)
      else answers.push(() => resolve(added.appended))
    }
    const { rows } = staging
    const commit = (count: number) => {
      for (const row of rows.slice(0, count)) Disk.write(disk, row, row.hash)
    }
    const world = World.current()
    const die = (durable: number) => {
      commit(durable)
      party.isDoomed = true
    }
    if (world.strikes('flush lost', 0.03)) return die(0)
    if (rows.length > 1 && world.strikes('flush torn', 0.15))
      return die(1 + world.below(rows.length - 1))
    if (world.strikes('flush not acknowledged', 0.03)) return die(rows.length)
    if (world.strikes('flush failed', 0.03)) {
      // Nobody can tell whether it reached the disk.
      if (world.chance(0.5)) commit(rows.length)
      failed = new BaseError('the journal failed to reach the disk', {
        code: 'journal-poisoned',
        retry: 'unknown',
      })
      for (const { reject } of callers) reject(failed)
      return
    }
    commit(rows.length)
    for (const { hash } of rows) log.append(hash)
    for (const answer of answers) answer()
  }

  return {
    append(drafts) {
      if (failed !== undefined) return Promise.reject(failed)
      return new Promise((resolve, reject) => {
        waiting.push({
          drafts: drafts.map((draft) => Staging.prepare(draft, now)),
          resolve,
          reject,
        })
        if (waiting.length === 1) World.park(life, `${party.name} flush`, flush)
      })
    },
    read: (from = 0) => disk.texts.slice(from),
    size: () => log.size(),
    proof: (leaf) => Proof.of(log, { origin, leaf }),
    view: () => log,
    close() {},
  }
}
