/**
 * @module `npm run bench -- spans` and `npm run example -- 01`: finds the file by its name or number, and
 * becomes it, straight from the sources. What follows the name is the file's own.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { ensureInstalled, root } from './setup.mjs'

const [kind, wanted, ...args] = process.argv.slice(2)
const folder = join(root, kind === 'example' ? 'examples' : kind)

ensureInstalled()
const files = readdirSync(folder)
  .filter((name) => /^[a-z0-9-]+\.ts$/.test(name))
  .sort()
const file = files.find((name) => name === `${wanted}.ts` || name.startsWith(`${wanted}-`))
if (file === undefined) {
  const names = files.map((name) => name.slice(0, -3)).join(', ')
  console.error(`expected the name of one ${kind} of: ${names}; got ${wanted ?? 'none'}`)
  process.exit(2)
}
const { status } = spawnSync(
  process.execPath,
  ['--conditions=source', '--import', 'tsx', join(folder, file), ...args],
  { stdio: 'inherit' },
)
process.exit(status ?? 1)
