/**
 * @module `npm run test:soak`: twenty agents, thirty days. `-- --seed 7` is another story, the same one each
 * time; `--days`, `--agents` and `--per-day` make it shorter. Prints what happened; ends with 1 when
 * anything is wrong. With `--json` the last line is the report.
 */
import { parseArgs } from 'node:util'
import type * as Play from './Play.ts'
import * as Soak from './Soak.ts'
import * as Verdict from './Verdict.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    days: { type: 'string', default: '30' },
    agents: { type: 'string', default: '20' },
    'per-day': { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
})
const days = Number(values.days)
const plan: Play.Plan = {
  ...{ seed: Number(values.seed), days, agents: Number(values.agents) },
  perDay: Number(values['per-day']),
  looks: [Math.max(1, Math.floor(days / 6)), days],
}
const report = await Soak.run(plan, (text) => console.error(text))
const lines = [...Verdict.table(report), ...report.wrong.map((text) => `WRONG ${text}`)]
if (values.json) {
  console.error(lines.join('\n'))
  console.log(JSON.stringify(report))
} else
  console.log([...lines, report.wrong.length === 0 ? 'nothing is wrong' : ''].join('\n').trim())
process.exitCode = report.wrong.length === 0 ? 0 : 1
