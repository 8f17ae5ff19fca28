/**
 * @module A process that simulates: `main.ts <first seed> <count> [trace | fingerprints]`. Tells each failure
 * as it finds it and the sum at the end, a line of JSON each; with `trace`, every step for people to read;
 * with `fingerprints`, each seed twice, and the hash of what happened.
 */
import * as Exposure from './Exposure.ts'
import * as Simulation from './Simulation.ts'

const [first = 1, count = 1] = process.argv.slice(2, 4).map(Number)
const mode = process.argv[4]
/** One in so many is audited as a stranger would. */
const audited = 100
/** Whoever has that many need not wait for more. */
const mostFailures = 10

Simulation.prepare()
await Simulation.rehearse()
const sum = Exposure.empty()
for (let seed = first; seed < first + count && sum.failures < mostFailures; seed += 1) {
  const audit = mode === 'trace' || seed % audited === 0
  const result = await Simulation.run(seed, { audit })
  const wrong = [...result.wrong]
  if (mode === 'fingerprints') {
    const { fingerprint } = await Simulation.run(seed, { audit })
    if (fingerprint !== result.fingerprint) wrong.push('goes another way the second time')
    console.log(JSON.stringify({ seed, fingerprint }))
  }
  Exposure.add(sum, { ...result, wrong })
  if (mode === 'trace') for (const line of result.trace) console.log(line)
  if (wrong.length > 0) console.log(JSON.stringify({ seed, wrong }))
}
sum.cpuMs = Math.round(process.cpuUsage().user / 1000)
console.log(JSON.stringify({ sum }))
