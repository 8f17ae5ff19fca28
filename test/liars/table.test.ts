import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../tidy/Source.ts'
import { rows } from './Table.ts'

test.each(rows)('$who: $does: $comes', ({ file, test: title }) => {
  const source = readFileSync(join(root, file), 'utf8')
  expect(source.split(title).length, `${file}: ${title}`).toBeGreaterThan(1)
  expect(source).not.toMatch(/\.(skip|todo|only)\b/)
})

test('sellers, buyers and words, each more than once', () => {
  for (const who of ['seller', 'buyer', 'words'])
    expect(rows.filter((row) => row.who === who).length).toBeGreaterThanOrEqual(5)
})
