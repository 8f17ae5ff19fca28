/**
 * @module `npm run bench -- cedar`: 100,000 random policies and requests put to Cedar by the export, to our
 * own rules and to plain code. A difference fails the bench. (The tests do 20,000 of them.)
 */
import * as CedarOracle from '../test/policies/CedarOracle.ts'
import * as Report from './Report.ts'

const pairCount = 100_000
const options = Report.options('cedar', '--json         one JSON object as the last line')
const { ms, result } = Report.cpuMs(() => CedarOracle.compare(pairCount, 1))
const { pairs, verdicts, differences } = result
if (differences.length > 0)
  Report.stop(`${differences.length} differ, the first:\n${differences[0]}`)
const row = (metric: string, value: number, unit = 'pairs') => ({
  ...{ subject: 'ours', metric, value, unit },
})
Report.print(
  {
    bench: 'cedar',
    rows: [
      row('compared', pairs),
      row('different', differences.length),
      ...Object.entries(verdicts).map(([verdict, count]) => row(verdict, count)),
      row('compared a second', (1_000 * pairs) / ms, 'pairs per CPU-second'),
    ],
    ratios: {},
  },
  options,
)
