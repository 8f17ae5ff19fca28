/** @module What is committed is what the sources compile to, byte for byte. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as RoyaltyVault from '../../src/wallets/abi/RoyaltyVault.ts'
import * as TestDollar from '../../src/wallets/abi/TestDollar.ts'
import * as Till from '../../src/wallets/abi/Till.ts'

const root = join(import.meta.dirname, '..', '..')
let copy = ''

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'requite-contracts-'))
  for (const path of ['scripts/contracts.mjs', 'contracts', 'src/wallets/abi'])
    cpSync(join(root, path), join(copy, path), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'dir')
})

afterAll(() => rmSync(copy, { recursive: true, force: true }))

function check(folder: string) {
  const script = join(folder, 'scripts', 'contracts.mjs')
  return spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8', timeout: 60_000 })
}

test('recompiling gives the committed artefacts', () => {
  const { status, stdout, stderr } = check(root)
  expect(stderr).toBe('')
  expect(stdout).toBe('TestDollar, Till, RoyaltyVault: as committed\n')
  expect(status).toBe(0)
})

test('one altered digit of an artefact is found, and the artefact is named', () => {
  const file = join(copy, 'src/wallets/abi/RoyaltyVault.ts')
  const text = readFileSync(file, 'utf8')
  const at = text.indexOf("'0x") + 1000
  const digit = text[at] === '0' ? '1' : '0'
  writeFileSync(file, text.slice(0, at) + digit + text.slice(at + 1))
  const { status, stderr } = check(copy)
  expect(stderr).toMatch(/RoyaltyVault differ/)
  expect(status).toBe(1)
})

test('contracts fit the size limit of chains (EIP-170)', () => {
  const sizes = [TestDollar, Till, RoyaltyVault].map(({ bytecode }) => bytecode.length / 2 - 1)
  for (const size of sizes) {
    expect(size).toBeGreaterThan(100)
    expect(size).toBeLessThan(24_576)
  }
})
