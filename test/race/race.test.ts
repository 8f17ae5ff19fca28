/** A thousand payments at once for the last hundred dollars. `npm run bench -- race` is the long one. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as Crew from './Crew.ts'
import * as Race from './Race.ts'
import * as Terms from './Terms.ts'

let folder: string
let recruits: Awaited<ReturnType<typeof Crew.prepare>>

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'race-'))
  recruits = await Crew.prepare(join(folder, 'program'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const kept = { overspentAtoms: 0n, leakedHolds: 0, wrong: [] }

test.each([
  ['one process', 0, [2, 3]],
  ['threads', 4, [3]],
  ['processes', 8, [2, 3, 4]],
] as const)(
  'in %s nothing is spent twice and no hold is left',
  async (place, size, seeds) => {
    const recruit = place === 'one process' ? undefined : recruits[place]
    const crew = Array.from({ length: size }, () => recruit!())
    const team = recruit === undefined ? {} : { crew, recruit }
    let fired = 0
    try {
      for (const seed of seeds) {
        const dir = join(folder, `${place} ${seed}`)
        const result = await Race.run({ seed, place, purse: 'ours', dir, ...team })
        expect(result).toMatchObject(kept)
        expect(result.paidAtoms).toBeGreaterThan(50n * Terms.dollar)
        expect(result.writers).toBeGreaterThan(0)
        fired += result.killedClients + result.killedWriters + result.stoppedWriters
      }
      const naive = join(folder, `naive ${place}`)
      const { overspentAtoms } = await Race.run({
        seed: 2,
        place,
        purse: 'naive',
        dir: naive,
        ...team,
      })
      expect(overspentAtoms).toBeGreaterThan(100n * Terms.dollar)
      if (place === 'processes') expect(fired).toBeGreaterThan(3)
    } finally {
      await Promise.all(crew.map((member) => member.close()))
    }
  },
  90_000,
)
