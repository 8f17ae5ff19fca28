/** What each door of the package gives, and what it makes a program load. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { ensureBuilt } from '../scripts/setup.mjs'
import * as Doors from './doors/Doors.ts'
import { root } from './tidy/Source.ts'

beforeAll(() => ensureBuilt())

test('every room has a door, and every door leads somewhere', () => {
  expect(Doors.doors.length).toBeGreaterThan(10)
  for (const door of Doors.doors) {
    const file = door === 'requite' ? 'index' : `${door.slice('requite/'.length)}/index`
    expect(existsSync(join(root, 'src', `${file}.ts`)), `src/${file}.ts`).toBe(true)
    expect(Doors.manifest.exports[door.replace('requite', '.')]).toEqual({
      source: `./src/${file}.ts`,
      types: `./dist/${file}.d.ts`,
      default: `./dist/${file}.js`,
    })
  }
})

/** `Money.split` for a namespace's members, the bare name for the rest. */
function names(module: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(module).flatMap(([name, value]) =>
    Object.prototype.toString.call(value) === '[object Module]'
      ? Object.keys(value as object).map((member) => `${name}.${member}`)
      : [name],
  )
}

test('the public API is what the snapshot says', async () => {
  const lines: string[] = []
  for (const door of Doors.doors) {
    const found = names((await import(door)) as Record<string, unknown>).sort()
    expect(found.length, door).toBeGreaterThan(0)
    lines.push(door, ...found.map((name) => `  ${name}`), '')
  }
  await expect(lines.join('\n')).toMatchFileSnapshot('exports.txt')
})

describe('a door loads its own libraries and no others', () => {
  const ground = ['@noble/hashes']
  const pure = [...ground, 'temporal-polyfill', 'yaml', 'zod']
  const chain = ['@noble/curves', ...ground, '@x402/core', '@x402/evm', 'viem']
  const buyer = ['@noble/curves', ...ground, 'libsql', 'viem']
  test.each([
    ['requite', pure],
    ['requite/kernel', ground],
    ['requite/policies', [...ground, 'temporal-polyfill', 'yaml']],
    ['requite/policies/vitest', [...ground, 'temporal-polyfill', 'yaml']],
    ['requite/attribution', ground],
    ['requite/datanets', ground],
    ['requite/market', [...ground, 'zod']],
    ['requite/royalties', ground],
    ['requite/provenance', ground],
    ['requite/economy', pure],
    ['requite/store', [...ground, 'libsql', 'temporal-polyfill', 'yaml', 'zod']],
    ['requite/wallets', [...chain, 'zod']],
    ['requite/models', []],
    ['requite/agents', [...buyer, 'xstate', 'temporal-polyfill', 'yaml', 'zod'].sort()],
    [
      'requite/agents/langchain',
      ['@langchain/core', '@langchain/langgraph', '@noble/hashes', 'langchain', 'zod'],
    ],
    [
      'requite/server',
      ['@hono/node-server', ...chain, 'hono', 'libsql', 'temporal-polyfill', 'yaml', 'zod'].sort(),
    ],
  ])('%s', (door, libraries) => {
    const files = Doors.loaded(door, root)
    expect(files.some((path) => path.includes('/dist/'))).toBe(true)
    expect(Doors.libraries(files)).toEqual(libraries)
  })
})
