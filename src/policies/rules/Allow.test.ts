import { describe, expect, test } from 'vitest'
import { ask, bare, request, usdc, without } from '../../../test/policies/Desk.ts'
import * as Budget from '../Budget.ts'
import * as Pattern from '../Pattern.ts'

/** Of each dimension: what a request states, a pattern of it, and another name. */
const dimensions = [
  ['payees', 'payee', 'lab.example', '*.example', 'lab.other'],
  ['hosts', 'host', 'api.example:443', '*.example:*', 'api.other:443'],
  ['models', 'model', 'legal-de@3', 'legal-de@*', 'legal-fr@3'],
  ['assets', 'asset', usdc.id, 'eip155:8453/*', 'eip155:1/erc20:0x01'],
  ['adapters', 'adapter', 'tone@2', 'tone@*', 'tune@2'],
  ['datanets', 'datanet', 'handbook', 'hand*', 'foot'],
  ['tools', 'tool', 'search', 'sea*h', 'shell'],
  ['agents', 'agent', 'scout-7', 'scout-*', 'miner-7'],
  ['categories', 'category', 'research', 'res*', 'fun'],
] as const

test('every dimension is tried', () => {
  expect(dimensions.map(([each]) => each)).toEqual(Pattern.dimensions)
})

describe.each(dimensions)('allow %s', (dimension, fact, name, pattern, other) => {
  const explain = (sentences: readonly string[], asked: Budget.Request) =>
    Budget.explain(Budget.empty(), bare(...sentences), asked, 1_700_000_000_000)
  const everybody = dimension === 'payees' ? [] : ['allow payees *']

  test('lets through what it names, by name and by pattern', () => {
    for (const item of [name, pattern, '*']) {
      const sentence = `allow ${dimension} ${item}`
      const decision = explain([...everybody, sentence], request(1, { [fact]: name }))
      expect(decision.verdict).toBe('allow')
      expect(decision.reasons.at(-1)?.because).toContain(name)
    }
  })

  test('denies what it does not name, naming itself', () => {
    const sentence = `allow ${dimension} ${name}`
    const decision = explain([...everybody, sentence], request(1, { [fact]: other }))
    expect(decision.verdict).toBe('deny')
    const reason = decision.reasons.find(({ rule }) => rule === sentence)
    expect(reason).toMatchObject({ outcome: 'deny' })
    expect(reason?.because).toBe(`allow ${dimension}: ${other} is not allowed`)
  })

  test('denies a request that leaves the name out, even when everything is allowed', () => {
    const decision = explain([...everybody, `allow ${dimension} *`], without(fact))
    expect(decision.verdict).toBe('deny')
    const because = `allow ${dimension}: the request states no valid ${fact}`
    expect(decision.reasons.map((reason) => reason.because)).toContain(because)
  })

  test('adds up: one of several sentences is enough, in whatever order', () => {
    const sentences = [`allow ${dimension} ${name}`, `allow ${dimension} nobody`]
    for (const order of [sentences, sentences.toReversed()])
      expect(explain([...everybody, ...order], request(1, { [fact]: name })).verdict).toBe('allow')
  })

  test('is not asked for until a sentence speaks of it, but for payees', () => {
    const decision = explain([...everybody, 'cap 2 USDC per payment'], without(fact))
    const isFree = !['payees', 'agents', 'assets'].includes(dimension)
    expect(decision.verdict).toBe(isFree ? 'allow' : 'deny')
  })
})

test('a name in another alphabet that looks the same is another name, or none', () => {
  expect(ask('allow models docs-reader', { model: 'docs-reаder' }).verdict).toBe('deny')
  expect(ask('allow models *', { model: 'docs-reаder' }).verdict).toBe('deny')
  expect(ask('allow hosts *', { host: 'аpi.example' }).verdict).toBe('deny')
})

test('an agent is known in whatever case its address is written, however short', () => {
  for (const agent of ['0xABC', '0xabc'])
    expect(ask('allow agents 0xAbC', { agent }).verdict).toBe('allow')
  expect(ask('allow agents Scout', { agent: 'scout' }).verdict).toBe('deny')
})
