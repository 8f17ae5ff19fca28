/** The lock file installs with `npm ci`, on every platform, from whatever registry npm is set to. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './tidy/Source.ts'

type Entry = {
  readonly resolved?: string
  readonly link?: boolean
  readonly version?: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const text = readFileSync(join(root, 'package-lock.json'), 'utf8')
const { packages } = JSON.parse(text) as { packages: Readonly<Record<string, Entry>> }

test('names no registry', () => {
  expect(Object.keys(packages).length).toBeGreaterThan(200)
  expect(Object.values(packages).filter(({ resolved }) => resolved !== undefined)).toEqual([])
  expect(text).not.toMatch(/"[^"]*https?:\/\/[^"]*\.tgz"/)
})

test('names the packages of every platform (if not: node scripts/lock.mjs)', () => {
  const optional = Object.values(packages).flatMap(({ optionalDependencies = {} }) =>
    Object.keys(optionalDependencies),
  )
  expect(optional.length).toBeGreaterThan(20)
  const missing = optional.filter((name) => packages[`node_modules/${name}`] === undefined)
  expect(missing).toEqual([])
})

test('each package stands at an exact version', () => {
  const loose = Object.entries(packages).filter(
    ([, { version }]) => !/^\d+\.\d+\.\d+/.test(version ?? ''),
  )
  expect(loose).toEqual([])
})
