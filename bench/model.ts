/**
 * @module `npm run bench -- model`: 1,700,000 operations on trees of budgets beside a brute-force oracle
 * that adds everything up anew: verdicts, every rule, every meter, restarts and reloads. The first
 * difference ends it with the seed it came from. `npm run bench -- model 5000000` runs more.
 */
import process from 'node:process'
import * as ModelRun from '../test/policies/ModelRun.ts'

const operations = Number(process.argv[2] ?? 1_700_000)
const runs = Math.ceil(operations / ModelRun.perRun)
const met: ModelRun.Met = new Map()
const startedAt = process.cpuUsage()
for (let seed = 1; seed <= runs; seed++)
  try {
    ModelRun.run(seed, ModelRun.perRun, met)
  } catch (error) {
    console.error(`expected engine and oracle to agree, they differ with seed ${seed}`)
    throw error
  }
const { user, system } = process.cpuUsage(startedAt)
for (const [what, count] of [...met].sort(([, left], [, right]) => right - left))
  console.log(`${count.toLocaleString('en').padStart(10)}  ${what}`)
const rare = ModelRun.least.filter(([what, share]) => (met.get(what) ?? 0) < share * operations)
for (const [what] of rare) console.error(`expected to meet "${what}" more often`)
console.log(
  `0 differences in ${runs} runs, ${((user + system) / 1e6).toFixed(0)} s of processor time`,
)
process.exitCode = rare.length === 0 ? 0 : 1
