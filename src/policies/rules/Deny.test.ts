import { describe, expect, test } from 'vitest'
import { ask, desk, nowMs, request, till, usdc, without } from '../../../test/policies/Desk.ts'
import * as Budget from '../Budget.ts'
import * as Pattern from '../Pattern.ts'

/** Of each dimension: a name, a pattern it matches, and a name that is not meant. */
const dimensions = [
  ['payees', 'payee', 'dice.casino.example', '*.casino.example', till],
  ['hosts', 'host', 'dice.example:443', '*.example:*', '127.0.0.1:80'],
  ['models', 'model', 'dice@1', 'dice@*', 'docs-reader'],
  ['assets', 'asset', usdc.id, 'eip155:*', undefined],
  ['adapters', 'adapter', 'bluff@2', 'bluff@*', 'tone@2'],
  ['datanets', 'datanet', 'leaks', 'l*ks', 'handbook'],
  ['tools', 'tool', 'shell', 'sh*', 'search'],
  ['agents', 'agent', 'intern-7', 'intern-*', 'desk'],
  ['categories', 'category', 'gambling', 'gam*', 'research'],
] as const

test('every dimension is tried', () => {
  expect(dimensions.map(([each]) => each)).toEqual(Pattern.dimensions)
})

describe.each(dimensions)('deny %s', (dimension, fact, name, pattern, innocent) => {
  test('denies what it names, by name and by pattern, naming itself', () => {
    for (const item of [name, pattern, '*']) {
      const decision = ask(`deny ${dimension} ${item}`, { [fact]: name })
      expect(decision.verdict).toBe('deny')
      expect(decision.decidedBy?.rule).toBe(`deny ${dimension} ${item}`)
    }
  })

  test('lets through what it does not name', () => {
    const sentence = `deny ${dimension} ${innocent === undefined ? 'eip155:1/*' : name}`
    const named = innocent === undefined ? {} : { [fact]: innocent }
    expect(ask(sentence, named).verdict).toBe('allow')
  })

  test('denies a request that leaves the name out: it cannot be known not to be meant', () => {
    const decision = ask(`deny ${dimension} nobody`, without(fact))
    expect(decision.verdict).toBe('deny')
    const because = `deny ${dimension}: the request states no valid ${fact}`
    expect(decision.reasons.map((reason) => reason.because)).toContain(because)
  })

  test('stands before what is allowed, in whatever order', () => {
    const sentences = [`deny ${dimension} ${name}`, `allow ${dimension} ${name}`]
    for (const order of [sentences, sentences.toReversed()]) {
      const asked = request(1, { [fact]: name })
      const decision = Budget.explain(Budget.empty(), desk(...order), asked, nowMs)
      expect(decision.verdict).toBe('deny')
      expect(decision.decidedBy?.rule).toBe(`deny ${dimension} ${name}`)
    }
  })
})

test('an agent that is denied by its address is denied in whatever case it is written', () => {
  for (const agent of ['0xABC', '0xabc', '0xAbc'])
    expect(ask('deny agents 0xAbC', { agent }).verdict).toBe('deny')
})

test('a payee that is denied by its address is denied in whatever case it is written', () => {
  const payee = '0xA16E02E87b7454126E5E10d957A927A7F5B5d2be'
  for (const text of [payee, payee.toLowerCase(), payee.toUpperCase().replace('0X', '0x')])
    expect(ask(`deny payees ${payee}`, { payee: text }).verdict).toBe('deny')
})

test('a name in another alphabet that looks the same names nobody, and is denied', () => {
  expect(ask('deny models docs-reader', { model: 'docs-reаder' }).verdict).toBe('deny')
  expect(ask('deny tools shell', { tool: 'ѕhell' }).verdict).toBe('deny')
})
