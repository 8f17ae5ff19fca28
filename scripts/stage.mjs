/**
 * @module The package as it is published, in a folder of its own, so that the repository's package.json
 * is never touched: without what only this repository needs (development dependencies, overrides, the
 * local chain, the `source` condition). `node scripts/stage.mjs <folder> && npm publish <folder>`
 */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { ensureBuilt, ensureInstalled, root } from './setup.mjs'

/** The published manifest of the repository's. */
export function published(manifest) {
  const { devDependencies, overrides, scripts, optionalDependencies = {}, ...kept } = manifest
  const optional = Object.entries(optionalDependencies).filter(
    ([name]) => !name.startsWith('@foundry-rs/'),
  )
  return {
    ...kept,
    exports: withoutSource(kept.exports),
    imports: withoutSource(kept.imports),
    ...(optional.length === 0 ? {} : { optionalDependencies: Object.fromEntries(optional) }),
  }
}

/** Writes the published package into `folder`, which must be empty or new. */
export function stage(folder) {
  ensureInstalled()
  ensureBuilt()
  const manifest = published(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')))
  mkdirSync(folder, { recursive: true })
  for (const name of manifest.files)
    if (existsSync(join(root, name)))
      cpSync(join(root, name), join(folder, name), { recursive: true, errorOnExist: true })
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
}

function withoutSource(conditions) {
  if (typeof conditions !== 'object' || conditions === null) return conditions
  return Object.fromEntries(
    Object.entries(conditions)
      .filter(([name]) => name !== 'source')
      .map(([name, value]) => [name, withoutSource(value)]),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder] = process.argv.slice(2)
  if (folder === undefined) {
    console.error('expected a folder: node scripts/stage.mjs <folder>')
    process.exit(2)
  }
  stage(resolve(folder))
}
