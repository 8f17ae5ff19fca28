/** Whether each planted bug still fits the code and names a test that there is; `npm run test:planted` tries them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import * as Planted from '../../scripts/planted.mjs'
import * as Source from '../tidy/Source.ts'

const bugs: Planted.Bug[] = Planted.bugs()
const read = (path: string) => readFileSync(join(Source.root, path), 'utf8')

/** Each test of a file by the titles of its groups and its own, where they are written out. */
function titles(path: string): string[] {
  const found: string[] = []
  const titleOf = (node: Source.Node, called: RegExp): string | undefined => {
    if (node.type !== 'CallExpression') return undefined
    const { name } = node.callee as { name?: string }
    const [title] = node.arguments as { value?: unknown }[]
    return called.test(name ?? '') && typeof title?.value === 'string' ? title.value : undefined
  }
  Source.walk(Source.parse(path, read(path)).program, (node, above) => {
    const title = titleOf(node, /^(test|it)$/)
    if (title === undefined) return
    const groups = above.map((each) => titleOf(each, /^describe$/))
    found.push([...groups, title].filter((each) => each !== undefined).join(' > '))
  })
  return found
}

test('there are many, in many rooms, and each says something else', () => {
  expect(bugs.length).toBeGreaterThanOrEqual(15)
  expect(new Set(bugs.map(({ says }) => says)).size).toBe(bugs.length)
  const rooms = new Set(bugs.map(({ file }) => Source.parse(file, '').room))
  expect(rooms.size).toBeGreaterThanOrEqual(8)
})

describe.each(bugs.map((bug) => [bug.name, bug] as const))('%s', (_, bug) => {
  test('is one line in one place, of code that still parses', () => {
    expect(bug.file).toMatch(/^src\/.+\.ts$/)
    expect(bug.says).toMatch(/^[A-Z].+\.$/)
    expect(() => Source.parse(bug.file, Planted.plant(bug, read(bug.file)))).not.toThrow()
  })

  test('names one test that there is', () => {
    const { file, path } = Planted.testOf(bug)
    expect(titles(file).filter((title) => title === path.join(' > '))).toHaveLength(1)
  })
})

describe('a patch that does not fit is refused', () => {
  const bug = { name: 'x', file: 'a.ts', find: 'b', replace: 'c', says: '', test: '' }

  test.each([
    ['nowhere', 'a\na', /once in a\.ts, got 0 places/],
    ['in two places', 'b\nb', /once in a\.ts, got 2 places/],
  ])('%s', (_, text, because) => {
    expect(() => Planted.plant(bug, text)).toThrow(because)
  })

  test.each([
    ['no line', { replace: 'b' }],
    ['two lines', { find: 'a\nb', replace: 'c\nd' }],
    ['a line more', { replace: 'c\nd' }],
  ])('changing %s', (_, change) => {
    expect(() => Planted.plant({ ...bug, ...change }, 'a\nb\na')).toThrow(/one line to change/)
  })

  test('and one that does fit is planted as it is written, dollars and all', () => {
    expect(Planted.plant({ ...bug, replace: "$&$'" }, 'a\nb\na')).toBe("a\n$&$'\na")
    expect(Planted.plant({ ...bug, find: 'b\n', replace: '' }, 'a\nb\na')).toBe('a\na')
  })
})
