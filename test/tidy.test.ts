/** The rules of the house, held against every file; and each rule held against a file that breaks it. */
import { describe, expect, test } from 'vitest'
import * as House from './tidy/House.ts'
import * as Layers from './tidy/Layers.ts'
import * as Shape from './tidy/Shape.ts'
import * as Source from './tidy/Source.ts'

const sources = Source.load('src', 'test', 'scripts', 'examples', 'bench')

test('the whole house was read', () => {
  const rooms = new Set(sources.map(({ room }) => room))
  for (const room of House.floors.flat()) expect(rooms).toContain(room)
  expect(sources.filter(({ isTest }) => !isTest).length).toBeGreaterThan(60)
  expect(sources.filter(({ path }) => path.endsWith('.test.ts')).length).toBeGreaterThan(30)
  expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(300)
})

const rules = [...Layers.rooms, ...Layers.world, ...Shape.files, ...Shape.honesty]

describe.each(rules.map((rule) => [rule.says, rule] as const))('%s', (_, rule) => {
  test('in this house', () => {
    const { seen, wrong } = rule.find(sources)
    expect(wrong).toEqual([])
    expect(seen).toBeGreaterThan(0)
  })

  test.each(Object.keys(rule.bad))('and it would see that %s does not', (path) => {
    const bad = Object.entries(rule.bad).map(([path, text]) => Source.parse(path, text))
    const { wrong } = rule.find(bad)
    expect(wrong.some((finding) => finding.includes(path))).toBe(true)
  })
})
