/** @module The vault's gas is what is committed, and no figure passes its bar. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import * as VaultGas from './VaultGas.ts'

test('gas is as committed (update: UPDATE=1 npm run bench -- gas) and below the bars', async () => {
  const committed = readFileSync(join(import.meta.dirname, 'gas.json'), 'utf8')
  const figures = await VaultGas.measure()
  expect(figures).toEqual(JSON.parse(committed))
  for (const [name, bar] of Object.entries(VaultGas.bars)) {
    expect(figures[name as keyof typeof VaultGas.bars], name).toBeGreaterThan(1000)
    expect(figures[name as keyof typeof VaultGas.bars], name).toBeLessThanOrEqual(bar)
  }
}, 60_000)
