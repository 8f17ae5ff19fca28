/**
 * @module `node scripts/lock.mjs`: names in package-lock.json the packages of other platforms that npm
 * left out because it could not fetch them when the lock was written. Without their names `npm ci`
 * refuses the lock; with them it skips, as it should, what another platform needs.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './setup.mjs'

const path = join(root, 'package-lock.json')
const lock = JSON.parse(readFileSync(path, 'utf8'))
const platform =
  /-(aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)-([a-z0-9]+)(?:-(\w+))?$/

const added = Object.values(lock.packages).flatMap(({ dev, optionalDependencies = {} }) =>
  Object.entries(optionalDependencies)
    .filter(([name]) => lock.packages[`node_modules/${name}`] === undefined)
    .map(([name, version]) => [`node_modules/${name}`, entry(name, version, dev)]),
)
const packages = Object.entries({ ...lock.packages, ...Object.fromEntries(added) })
lock.packages = Object.fromEntries(packages.sort(([left], [right]) => (left < right ? -1 : 1)))
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${added.length} packages of other platforms named`)

function entry(name, version, dev) {
  const [, os, cpu, abi] = platform.exec(name) ?? []
  if (os === undefined || !/^\d+\.\d+\.\d+$/.test(version))
    throw new Error(`expected a platform's package at an exact version, got ${name} ${version}`)
  const libc = { gnu: ['glibc'], musl: ['musl'] }[abi]
  return {
    version,
    cpu: [cpu],
    ...(dev ? { dev } : {}),
    ...(os === 'linux' && libc !== undefined ? { libc } : {}),
    optional: true,
    os: [os],
  }
}
