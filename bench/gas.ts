/**
 * @module `npm run bench -- gas`: what publishing and claiming cost on a local chain, at 1,000 accounts,
 * beside plain transfers of the same token (`erc20-transfer`), which prove nothing. The same figures each
 * time. Exits with 1 when one passes its bar; with `UPDATE=1` it writes them to `test/chain/gas.json`.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import * as VaultGas from '../test/chain/VaultGas.ts'
import * as Report from './Report.ts'

const options = Report.options(
  'gas',
  `--json         one JSON object as the last line
UPDATE=1 in the environment writes the figures to test/chain/gas.json, which the chain tests hold to`,
)
const figures = await VaultGas.measure()
if (process.env.UPDATE === '1')
  writeFileSync(
    join(import.meta.dirname, '..', 'test', 'chain', 'gas.json'),
    `${JSON.stringify(figures, null, 2)}\n`,
  )
const row = (subject: string, value: number, unit = 'gas a transaction'): Report.Row => ({
  subject,
  metric: 'gas',
  value,
  unit,
})
const perRecipient = 'gas a recipient, 256 at once'
const rows = [
  row('ours/publish', figures.publish),
  row('ours/publish-window', figures.publishWindow),
  row('ours/claim', figures.claim),
  row('ours/claim-window', figures.claimWindow),
  row('ours/claimRange', figures.claimRange, perRecipient),
  row('erc20-transfer', figures.transfer),
  row('erc20-transfer-loop', figures.transferLoop, perRecipient),
]
const ratios = {
  'ours/erc20-transfer claim': figures.transfer / figures.claim,
  'ours/erc20-transfer-loop claimRange': figures.transferLoop / figures.claimRange,
}
Report.print({ bench: 'gas', rows, ratios }, options)
const over = Object.entries(VaultGas.bars).filter(
  ([name, bar]) => figures[name as keyof VaultGas.Figures] > bar,
)
for (const [name, bar] of over) Report.note(`${name} takes more than ${bar} gas`)
process.exitCode = over.length === 0 ? 0 : 1
