/**
 * @module `npm run bench -- attacks`: what each attack on the economy gains here (`ours`), under a rule that
 * one would write first (`naive`), and the bound that no release exceeds (`bound`). Less is better. Exits
 * with 1 when a bound is exceeded.
 */
import * as Attack from '../test/attacks/Attack.ts'
import * as Attacks from '../test/attacks/Attacks.ts'
import * as Report from './Report.ts'

const options = Report.options(
  'attacks',
  `Runs on the READMEs and licences of the installed packages.
--json         one JSON object as the last line`,
)
const measures: Attack.Measure[] = []
for (const [index, measure] of Attacks.all.entries()) {
  const measured = await measure()
  const { attack, naive } = measured
  Report.note(`${index + 1} of ${Attacks.all.length}: ${attack}, against ${naive.rule}`)
  measures.push(measured)
}
const rows = measures.flatMap(({ attack, unit, ours, bound, naive }) => [
  { subject: 'ours', metric: attack, value: ours, unit },
  { subject: 'naive', metric: attack, value: naive.gain, unit: `${unit} (${naive.rule})` },
  { subject: 'bound', metric: attack, value: bound, unit },
])
const held = measures.filter(Attack.holds)
// A gain of nothing is no divisor: only attacks that gain something have a ratio.
const ratios = Object.fromEntries(
  measures
    .filter(({ ours }) => ours > 0)
    .map(({ attack, ours, naive }) => [`ours/naive ${attack}`, naive.gain / ours]),
)
Report.print({ bench: 'attacks', rows, ratios }, options)
Report.note(`${held.length} of ${measures.length} attacks stay within their bounds`)
process.exitCode = held.length === measures.length ? 0 : 1
