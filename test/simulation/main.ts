/**
 * @module A process that simulates: `main.ts <first seed> <count> [trace]`. Tells each failure as it finds it
 * and the sum at the end, a line of JSON each; with `trace`, every step for people to read.
 */
import * as Exposure from './Exposure.ts'
import * as Simulation from './Simulation.ts'

const [first = 1, count = 1] = process.argv.slice(2, 4).map(Number)
const isTraced = process.argv[4] === 'trace'
/** One in so many is audited as a stranger would. */
const audited = 100

Simulation.prepare()
await Simulation.rehearse()
const sum = Exposure.empty()
for (let seed = first; seed < first + count; seed += 1) {
  const audit = isTraced || seed % audited === 0
  const result = await Simulation.run(seed, { trace: isTraced, audit })
  Exposure.add(sum, result)
  if (isTraced) for (const line of result.trace) console.log(line)
  if (result.wrong.length > 0) console.log(JSON.stringify({ seed, wrong: result.wrong }))
}
sum.cpuMs = Math.round(process.cpuUsage().user / 1000)
console.log(JSON.stringify({ sum }))
